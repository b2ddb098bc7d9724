//! Every setting that exists, and what its text means.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    Config, Durability,
    error::ConfigError,
    given::{Given, Place},
    value,
};

/// A key of `camshaft.toml`, and how its text gets into the [`Config`].
struct Setting {
    key: &'static str,
    set: fn(&mut Config, &Given) -> Result<(), String>,
}

macro_rules! setting {
    ($key:literal, $($field:ident).+, $read:expr) => {
        Setting {
            key: $key,
            set: |config, given| {
                config.$($field).+ = $read(given)?;
                Ok(())
            },
        }
    };
}

const SETTINGS: &[Setting] = &[
    setting!("data", data, path),
    setting!("plugins", plugins, path),
    setting!("listen", listen, address),
    setting!("memory", memory, size),
    setting!("durability", durability, durability),
    setting!("workers", workers, |given| count(given).map(Some)),
    setting!("allowed_origins", allowed_origins, origins),
    // Read by `Config::load`, since the token may come from the environment too.
    Setting { key: "token_file", set: |_, _| Ok(()) },
    setting!("allow_deploy", allow_deploy, switch),
    setting!("detached_retention", detached_retention, duration),
    setting!("retention.age", retention.age, duration),
    setting!("retention.bytes", retention.bytes, |given| size(given).map(Some)),
    setting!("limits.max_event_bytes", limits.max_event_bytes, size),
    setting!("limits.max_request_bytes", limits.max_request_bytes, size),
    setting!("limits.max_transaction_bytes", limits.max_transaction_bytes, size),
    setting!("limits.max_attempt_bytes", limits.max_attempt_bytes, size),
    setting!("limits.max_state_value_bytes", limits.max_state_value_bytes, size),
    setting!("limits.max_state_bytes", limits.max_state_bytes, size),
    setting!("limits.max_published_events", limits.max_published_events, count),
    setting!("limits.max_answer_bytes", limits.max_answer_bytes, size),
    setting!("limits.max_fold_bytes", limits.max_fold_bytes, size),
    setting!("limits.max_scopes", limits.max_scopes, count),
    setting!("limits.max_scope_bytes", limits.max_scope_bytes, size),
    setting!("limits.max_kept_bytes", limits.max_kept_bytes, size),
    setting!("limits.max_log_lines", limits.max_log_lines, count),
    setting!("limits.max_stack", limits.max_stack, size),
    setting!("limits.max_hops", limits.max_hops, count),
    setting!("limits.max_timers", limits.max_timers, count),
    setting!("limits.max_held_events", limits.max_held_events, count),
    setting!("limits.max_held_bytes", limits.max_held_bytes, size),
    setting!("limits.max_instances", limits.max_instances, count),
    setting!("limits.max_plugin_bytes", limits.max_plugin_bytes, size),
    setting!("limits.max_deadline", limits.max_deadline, duration),
    setting!("limits.max_sink_deadline", limits.max_sink_deadline, duration),
    setting!("limits.max_memory", limits.max_memory, size),
    setting!("limits.max_compile_memory", limits.max_compile_memory, size),
    setting!("limits.max_compile_time", limits.max_compile_time, duration),
    setting!("limits.max_connections", limits.max_connections, count),
];

/// Least likeness, from 0 to 1, of a key that is offered in place of one that does not exist.
const LIKE: f64 = 0.7;

/// Puts one setting into `config`.
pub(super) fn apply(config: &mut Config, given: &Given) -> Result<(), ConfigError> {
    let Some(setting) = SETTINGS.iter().find(|setting| setting.key == given.key) else {
        return Err(ConfigError::UnknownKey {
            key: given.key.clone(),
            nearest: nearest(&given.key),
            place: given.place.clone(),
        });
    };
    (setting.set)(config, given).map_err(|problem| ConfigError::Value {
        key: given.key.clone(),
        problem,
        place: Some(given.place.clone()),
    })
}

/// The setting that an environment variable stands for. Others of the same prefix are not Camshaft's to
/// judge: orchestrators invent some after a service's name.
pub(super) fn key_of_variable(variable: &str) -> Option<&'static str> {
    let name = variable.strip_prefix("CAMSHAFT_")?;
    SETTINGS.iter().map(|setting| setting.key).find(|key| key.replace('.', "_").to_uppercase() == name)
}

/// The variable that one of the program's is probably meant to be, by its name.
pub(super) fn meant_by(variable: &str) -> Option<String> {
    /// Those that stand for no setting.
    const OTHERS: [&str; 6] = ["CONFIG", "TOKEN", "URL", "LOG", "LOG_FORMAT", "TOKEN_FILE"];
    /// Least likeness: orchestrators make variables such as `CAMSHAFT_PORT` out of a service's name.
    const ALIKE: f64 = 0.9;
    let name = variable.strip_prefix("CAMSHAFT_")?;
    let settings = SETTINGS.iter().map(|setting| setting.key.replace('.', "_").to_uppercase());
    let known: Vec<String> = settings.chain(OTHERS.map(str::to_owned)).collect();
    if known.iter().any(|known| known == name) {
        return None;
    }
    let likely = known.iter().map(|known| (strsim::jaro_winkler(known, name), known));
    let likely = likely.filter(|(likeness, _)| *likeness >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0));
    likely.map(|(_, known)| format!("CAMSHAFT_{known}"))
}

/// The existing key that is most like `key`, whole or by its last part.
fn nearest(key: &str) -> Option<&'static str> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |known: &str| {
        strsim::jaro_winkler(known, key).max(strsim::jaro_winkler(&last(known), &last(key)) - 0.01)
    };
    let best = SETTINGS.iter().map(|setting| (likeness(setting.key), setting.key));
    best.filter(|(likeness, _)| *likeness >= LIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, key)| key)
}

/// A path; one in a file is relative to the file's folder.
fn path(given: &Given) -> Result<PathBuf, String> {
    let text = given.single()?;
    if text.is_empty() {
        return Err("it is empty; write a path".into());
    }
    match &given.place {
        Place::File { path, .. } => Ok(path.parent().unwrap_or(path).join(text)),
        _ => Ok(text.into()),
    }
}

fn address(given: &Given) -> Result<SocketAddr, String> {
    let text = given.single()?;
    let numeric =
        text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    numeric
        .parse()
        .map_err(|_| format!("\"{text}\" is not an address and port; write it like \"127.0.0.1:4077\""))
}

fn durability(given: &Given) -> Result<Durability, String> {
    match given.single()? {
        "sync" => Ok(Durability::Sync),
        "async" => Ok(Durability::Async),
        other => Err(format!("\"{other}\" is neither \"sync\" nor \"async\"")),
    }
}

fn origins(given: &Given) -> Result<Vec<String>, String> {
    let origins = given.list();
    let wrong = |origin: &&String| {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        host.is_none_or(|host| host.is_empty() || host.contains('/'))
    };
    match origins.iter().find(wrong) {
        Some(origin) => {
            Err(format!("\"{origin}\" is not a web origin; write it like \"https://example.com\""))
        }
        None => Ok(origins),
    }
}

fn switch(given: &Given) -> Result<bool, String> {
    match given.single()? {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(format!("\"{other}\" is neither true nor false")),
    }
}

fn size(given: &Given) -> Result<u64, String> {
    value::size(given.single()?)
}

fn duration(given: &Given) -> Result<Duration, String> {
    value::duration(given.single()?)
}

fn count<N: TryFrom<u64>>(given: &Given) -> Result<N, String> {
    value::count(given.single()?)
}

#[cfg(test)]
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.key)
}
