//! Values of a manifest: durations, sizes, names, counts, each with its bounds.
//!
//! They are checked while the document is read, so that a mistake is reported with its line.

use std::{collections::BTreeMap, fmt, marker::PhantomData, str::FromStr};

use bytesize::ByteSize;
use camshaft_event::{Scope, TypePattern, reserved};
use jiff::{Span, SpanRelativeTo};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::SecretSource;

/// Longest name of a plugin, in characters.
const MAX_NAME_LENGTH: usize = 63;
/// Most partitions of a consumer.
const MAX_PARTITIONS: u32 = 1024;
/// Most calls of one sink under way; of all sinks together there are no more.
const MAX_IN_FLIGHT: u32 = 128;
/// Most attempts that a circuit breaker looks back on.
const MAX_RECENT_ATTEMPTS: u32 = 1000;
/// Longest duration that makes sense anywhere in a manifest: ten years.
const MAX_DURATION_MS: u64 = 10 * 366 * 24 * 60 * 60 * 1000;

/// Reads a duration such as `"24h"`, `"1m 30s"` or `"100ms"`; a day is 24 hours.
///
/// # Errors
/// A sentence fragment that says what is wrong.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{text}\" is not a duration; write it like \"24h\", \"1m 30s\" or \"100ms\"");
    let span = Span::from_str(text).map_err(|_| wrong())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    let ms = u64::try_from(duration.as_millis()).map_err(|_| format!("\"{text}\" is negative"))?;
    if ms > MAX_DURATION_MS {
        return Err(format!("\"{text}\" is longer than ten years"));
    }
    Ok(ms)
}

/// Reads a size such as `"64MiB"`.
///
/// # Errors
/// A sentence fragment that says what is wrong.
pub fn size_bytes(text: &str) -> Result<u64, String> {
    text.parse::<ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|_| format!("\"{text}\" is not a size; write it like \"64MiB\" or \"1GiB\""))
}

/// A duration of at least a millisecond.
pub fn duration<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u64>, D::Error> {
    period(source).map(Some)
}

/// The same, where it must not be left out.
pub fn period<'de, D: Deserializer<'de>>(source: D) -> Result<u64, D::Error> {
    match duration_ms(&String::deserialize(source)?).map_err(D::Error::custom)? {
        0 => Err(D::Error::custom("a duration must be at least 1ms")),
        ms => Ok(ms),
    }
}

/// A size of at least one page of WebAssembly's memory.
pub fn size<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u64>, D::Error> {
    const PAGE_BYTES: u64 = 64 * 1024;
    match size_bytes(&String::deserialize(source)?).map_err(D::Error::custom)? {
        bytes if bytes < PAGE_BYTES => Err(D::Error::custom("memory must be at least \"64KiB\", one page")),
        bytes => Ok(Some(bytes)),
    }
}

/// The version of the manifest's own form.
pub fn manifest_version<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(source)? {
        1 => Ok(Some(1)),
        other => {
            Err(D::Error::custom(format!("manifest version {other} is not supported; write `manifest = 1`")))
        }
    }
}

/// A plugin's name.
pub fn name<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(source)?;
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(rest)
        && name.len() <= MAX_NAME_LENGTH;
    if fits {
        return Ok(Some(name));
    }
    Err(D::Error::custom(format!(
        "\"{name}\" is not a valid plugin name; use at most {MAX_NAME_LENGTH} lower-case letters, digits and \
         hyphens, and begin with a letter"
    )))
}

/// Names of secrets, as they stand in placeholders.
///
/// No message says what is written where a secret may stand: the value itself may have been put there by
/// mistake.
pub fn secrets<'de, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<String, SecretSource>, D::Error> {
    let written: BTreeMap<String, WrittenSecret> = table(source, "[secrets] is a table of names")?;
    let secrets: BTreeMap<_, _> = written.into_iter().map(|(name, secret)| (name, secret.0)).collect();
    let fits = |name: &String| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if secrets.keys().all(fits) {
        return Ok(secrets);
    }
    Err(D::Error::custom("the name of a secret may only have letters, digits, hyphens and underscores"))
}

/// A table whose mistakes do not show what stands in its place. `what` says what it is.
fn table<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    source: D,
    what: &'static str,
) -> Result<BTreeMap<String, T>, D::Error> {
    source.deserialize_any(TableVisitor { what, entries: PhantomData })
}

struct TableVisitor<T> {
    what: &'static str,
    entries: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for TableVisitor<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut table = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry()? {
            table.insert(name, value);
        }
        Ok(table)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(self.what))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(E::custom(self.what))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom(self.what))
    }
}

/// Where a secret lies, as it is written.
struct WrittenSecret(SecretSource);

impl<'de> Deserialize<'de> for WrittenSecret {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let written = toml::Value::deserialize(source)?;
        let only = written.as_table().filter(|table| table.len() == 1).and_then(|table| table.iter().next());
        let named = only.and_then(|(key, value)| Some((key.as_str(), value.as_str()?)));
        match named {
            Some(("env", variable)) => Ok(Self(SecretSource::Env(variable.to_owned()))),
            Some(("file", path)) => Ok(Self(SecretSource::File(path.into()))),
            _ => Err(D::Error::custom(
                "write a secret as { env = \"VARIABLE\" } or { file = \"PATH\" }, not as its value",
            )),
        }
    }
}

/// Settings of the plugin: texts. What is written is in no message, since people put keys and passwords
/// there.
pub fn config<'de, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<String, String>, D::Error> {
    let written: BTreeMap<String, WrittenText> = table(source, "[config] is a table of names")?;
    Ok(written.into_iter().map(|(key, text)| (key, text.0)).collect())
}

struct WrittenText(String);

impl<'de> Deserialize<'de> for WrittenText {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(source)? {
            toml::Value::String(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("a value of [config] must be a string; write it in quotes")),
        }
    }
}

/// A version: any short text without white space.
pub fn version<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    const MAX_LENGTH: usize = 64;
    let version = String::deserialize(source)?;
    if version.is_empty() || version.len() > MAX_LENGTH || version.contains(char::is_whitespace) {
        return Err(D::Error::custom(format!("\"{version}\" is not a version; write it like \"1.2.0\"")));
    }
    Ok(Some(version))
}

/// At least one attempt.
pub fn attempts<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(source)? {
        0 => Err(D::Error::custom("max_attempts must be at least 1; the first attempt counts")),
        attempts => Ok(Some(attempts)),
    }
}

/// At least one event in a rate's period.
pub fn rate_events<'de, D: Deserializer<'de>>(source: D) -> Result<u32, D::Error> {
    match u32::deserialize(source)? {
        0 => Err(D::Error::custom("events must be at least 1; to stop a consumer, pause it")),
        events => Ok(events),
    }
}

/// A share that something can reach.
pub fn percent<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(source)? {
        percent @ 1..=100 => Ok(Some(percent)),
        other => Err(D::Error::custom(format!("failure_percent must be 1 to 100, not {other}"))),
    }
}

/// Between 1 and 1000 attempts to look back on.
pub fn recent_attempts<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(source)? {
        attempts @ 1..=MAX_RECENT_ATTEMPTS => Ok(Some(attempts)),
        other => Err(D::Error::custom(format!("attempts must be 1 to {MAX_RECENT_ATTEMPTS}, not {other}"))),
    }
}

/// Between 1 and 128 calls under way.
pub fn in_flight<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(source)? {
        calls @ 1..=MAX_IN_FLIGHT => Ok(Some(calls)),
        other => Err(D::Error::custom(format!("max_in_flight must be 1 to {MAX_IN_FLIGHT}, not {other}"))),
    }
}

/// A share from 0 to 1, in millionths.
pub fn share_ppm<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    const PARTS: f64 = 1_000_000.0;
    let share = f64::deserialize(source)?;
    if !(0.0..=1.0).contains(&share) {
        return Err(D::Error::custom(format!("probation_threshold must be 0 to 1, not {share}")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to a million")]
    Ok(Some((share * PARTS).round() as u32))
}

/// Between 1 and 1024 partitions.
pub fn partitions<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(source)? {
        partitions @ 1..=MAX_PARTITIONS => Ok(Some(partitions)),
        other => Err(D::Error::custom(format!("partitions must be 1 to {MAX_PARTITIONS}, not {other}"))),
    }
}

/// Event types without wildcards.
pub fn event_types<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    exact_types(source, "list each type that the plugin publishes", "published")
}

/// Fact types without wildcards.
pub fn fact_types<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    exact_types(source, "list each type that the command records", "recorded")
}

/// The type of a command, without a wildcard.
pub fn command_type<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    let command_type = String::deserialize(source)?;
    check_exact(&command_type, "write one [[commands]] for each type", "a command")?;
    Ok(command_type)
}

/// The kind of a scope.
pub fn scope_kind<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    let kind = String::deserialize(source)?;
    // Any id does; only the kind can be wrong.
    Scope::new(&kind, "1").map_err(D::Error::custom)?;
    Ok(Some(kind))
}

fn exact_types<'de, D: Deserializer<'de>>(
    source: D,
    instead: &str,
    use_of_it: &str,
) -> Result<Vec<String>, D::Error> {
    let types = Vec::<String>::deserialize(source)?;
    types.iter().try_for_each(|event_type| check_exact(event_type, instead, use_of_it))?;
    Ok(types)
}

/// Refuses a wildcard and a type of the runtime.
fn check_exact<E: Error>(event_type: &str, instead: &str, use_of_it: &str) -> Result<(), E> {
    let pattern = TypePattern::from_str(event_type).map_err(E::custom)?;
    if pattern.exact().is_none() {
        return Err(E::custom(format!("\"{event_type}\" has a wildcard; {instead}")));
    }
    if reserved::is_type(event_type) {
        return Err(E::custom(format!(
            "\"{event_type}\" cannot be {use_of_it}: types under `camshaft.` are the runtime's own"
        )));
    }
    Ok(())
}
