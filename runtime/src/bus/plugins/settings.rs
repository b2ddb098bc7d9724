//! Policy, limits and config of a plugin as they are in effect, each with where it comes from.

use bytesize::ByteSize;
use camshaft_event::{Policy, without_users};
use camshaft_host::{Manifest, Origin};
use jiff::SignedDuration;
use serde::Serialize;

use crate::view::SettingView;

/// What stands in place of a value that may be a secret.
const HIDDEN: &str = "…";

/// All settings of a plugin whose consumer has so many partitions.
pub(super) fn of(manifest: &Manifest, partitions: Option<u32>) -> Vec<SettingView> {
    let Policy {
        max_attempts, max_age_ms, backoff, after_dead_letter, instance, breaker, rate, sink, ..
    } = &manifest.policy;
    let mut all = vec![
        ("policy.max_attempts", max_attempts.to_string()),
        ("policy.max_age", duration(*max_age_ms)),
        ("policy.backoff.base", duration(backoff.base_ms)),
        ("policy.backoff.max", duration(backoff.max_ms)),
        ("policy.after_dead_letter", word(after_dead_letter)),
        ("policy.partitions", partitions.unwrap_or(manifest.policy.partitions).to_string()),
        ("policy.instance", word(instance)),
        ("policy.probation_threshold", share(manifest.policy.probation_threshold_ppm)),
    ];
    if let Some(breaker) = breaker {
        all.extend([
            ("policy.breaker.failure_percent", breaker.failure_percent.to_string()),
            ("policy.breaker.attempts", breaker.attempts.to_string()),
            ("policy.breaker.pause", duration(breaker.pause_ms)),
            ("policy.breaker.max_pause", duration(breaker.max_pause_ms)),
        ]);
    }
    if let Some(rate) = rate {
        let rate = format!("{{ events = {}, per = \"{}\" }}", rate.events, duration(rate.per_ms));
        all.push(("policy.rate", rate));
    }
    if let Some(sink) = sink {
        all.extend([
            ("policy.delivery", word(&sink.delivery)),
            ("policy.max_in_flight", sink.max_in_flight.to_string()),
        ]);
    }
    all.extend([
        ("limits.deadline", duration(manifest.limits.deadline_ms)),
        ("limits.memory", ByteSize::b(manifest.limits.memory_bytes).display().iec().to_string()),
    ]);
    let fixed = partitions.is_some_and(|has| has != manifest.policy.partitions);
    let named = all.into_iter().map(|(key, value)| {
        let from = match key {
            "policy.partitions" if fixed => "consumer",
            key => word_of(manifest.origin(key)),
        };
        SettingView { key: key.to_owned(), value, from: from.to_owned() }
    });
    let config = manifest.config.iter().map(|(name, value)| {
        let key = format!("config.{name}");
        let from = word_of(manifest.origin(&key)).to_owned();
        SettingView { key, value: shown(name, value), from }
    });
    named.chain(config).collect()
}

const fn word_of(origin: Origin) -> &'static str {
    match origin {
        Origin::Author => "author",
        Origin::Operator => "operator",
        Origin::Default => "default",
    }
}

/// A value of `[config]`, unless it looks like a secret. The place for those is `[secrets]`; some stand here
/// all the same.
fn shown(name: &str, value: &str) -> String {
    const NAMES: [&str; 8] =
        ["secret", "token", "passw", "credential", "api_key", "api-key", "apikey", "private"];
    const VALUES: [&str; 4] = ["authorization:", "cookie:", "bearer ", "-----begin"];
    let (name, lower) = (name.to_ascii_lowercase(), value.to_ascii_lowercase());
    // A placeholder shows nothing of its secret.
    let is_placed = lower.contains("{{secret:");
    let looks =
        NAMES.iter().any(|part| name.contains(part)) || VALUES.iter().any(|part| lower.contains(part));
    if looks && !is_placed { HIDDEN.to_owned() } else { without_users(value).into_owned() }
}

/// As an operator writes it.
fn duration(ms: u64) -> String {
    format!("{:#}", SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX)))
}

fn share(ppm: u32) -> String {
    (f64::from(ppm) / 1_000_000.0).to_string()
}

fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).expect("a word has a JSON form");
    value.as_str().map(str::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_not_shown() {
        for (name, value, expected) in [
            ("low_stock", "5", "5"),
            ("url", "https://ada:hunter2@hooks/x", "https://hooks/x"),
            ("api_key", "hunter2", HIDDEN),
            ("Password", "hunter2", HIDDEN),
            ("headers", "Authorization: Bearer hunter2", HIDDEN),
            ("headers", "authorization: Bearer {{secret:hook}}", "authorization: Bearer {{secret:hook}}"),
        ] {
            assert_eq!(shown(name, value), expected, "{name}");
        }
    }
}
