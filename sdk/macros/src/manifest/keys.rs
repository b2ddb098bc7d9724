//! The keys that `plugin.toml` may have, and the kind of value of each key.
//!
//! The runtime validates ranges and units when the plugin is built, checked or loaded.

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::in_file;

/// The kind of value that a key takes.
pub(super) enum Kind {
    Text,
    Integer,
    Flag,
    Number,
    Texts,
    OneOf(&'static [&'static str]),
    Table(&'static [Key]),
    Tables(&'static [Key]),
    /// A table with strings under keys that the author chooses.
    Free,
    /// Any value; the runtime validates it.
    Any,
}

pub(super) type Key = (&'static str, Kind);
type Entry<'d, 'i> = (&'d Spanned<DeString<'i>>, &'d Spanned<DeValue<'i>>);

pub(super) const MANIFEST: &[Key] = &[
    ("manifest", Kind::Integer),
    ("name", Kind::Text),
    ("version", Kind::Text),
    ("description", Kind::Text),
    ("publishes", Kind::Texts),
    ("capabilities", Kind::Texts),
    ("template", Kind::Flag),
    ("start", Kind::OneOf(&["earliest", "latest"])),
    ("state_revision", Kind::Integer),
    ("subscriptions", Kind::Tables(SUBSCRIPTION)),
    ("policy", Kind::Table(POLICY)),
    ("limits", Kind::Table(&[("deadline", Kind::Text), ("memory", Kind::Text)])),
    ("config", Kind::Free),
];

const SUBSCRIPTION: &[Key] =
    &[("handler", Kind::Text), ("types", Kind::Texts), ("filter", Kind::Any), ("commands", Kind::Flag)];

const POLICY: &[Key] = &[
    ("max_attempts", Kind::Integer),
    ("max_age", Kind::Text),
    ("backoff", Kind::Table(&[("base", Kind::Text), ("max", Kind::Text)])),
    ("after_dead_letter", Kind::OneOf(&["park", "continue"])),
    ("partitions", Kind::Integer),
    ("instance", Kind::OneOf(&["reuse", "fresh"])),
    ("breaker", Kind::Table(BREAKER)),
    ("rate", Kind::Table(&[("events", Kind::Integer), ("per", Kind::Text)])),
    ("delivery", Kind::OneOf(&["at-least-once", "at-most-once"])),
    ("max_in_flight", Kind::Integer),
    ("probation_threshold", Kind::Number),
];

const BREAKER: &[Key] = &[
    ("failure_percent", Kind::Integer),
    ("attempts", Kind::Integer),
    ("pause", Kind::Text),
    ("max_pause", Kind::Text),
];

/// Validates the whole document.
pub fn check(text: &str, document: &DeTable) -> syn::Result<()> {
    table(text, "", document, MANIFEST)?;
    match document.get("manifest").map(|version| version.get_ref()) {
        Some(DeValue::Integer(version)) if version.as_str() == "1" => Ok(()),
        Some(_) => Err(in_file("has another manifest version; this SDK supports `manifest = 1`")),
        None => Err(in_file("has no manifest version; begin it with `manifest = 1`")),
    }
}

fn table(text: &str, path: &str, found: &DeTable, keys: &[Key]) -> syn::Result<()> {
    for (key, value) in found {
        let known = keys.iter().find(|(known, _)| known == key.get_ref());
        let Some((_, kind)) = known else {
            let (line, hint) = (line(text, key.span().start), hint(key.get_ref(), keys));
            let message = format_args!("line {line}: unknown key `{path}{}`{hint}", key.get_ref());
            return Err(in_file(message));
        };
        value_of_kind(text, path, (key, value), kind)?;
    }
    Ok(())
}

fn value_of_kind(text: &str, path: &str, (key, value): Entry, kind: &Kind) -> syn::Result<()> {
    let name = format!("{path}{}", key.get_ref());
    let is_text = |value: &DeValue| matches!(value, DeValue::String(_));
    let fits = match (kind, value.get_ref()) {
        (Kind::Text, value) => is_text(value),
        (Kind::Integer, value) => matches!(value, DeValue::Integer(_)),
        (Kind::Number, value) => matches!(value, DeValue::Integer(_) | DeValue::Float(_)),
        (Kind::OneOf(allowed), DeValue::String(text)) => allowed.contains(&&**text),
        (Kind::Texts, DeValue::Array(entries)) => entries.iter().all(|entry| is_text(entry.get_ref())),
        (Kind::Any, _) | (Kind::Flag, DeValue::Boolean(_)) => true,
        (Kind::Table(keys), DeValue::Table(found)) => return table(text, &format!("{name}."), found, keys),
        (Kind::Free, DeValue::Table(found)) => {
            let mut entries = found.iter();
            return entries
                .try_for_each(|entry| value_of_kind(text, &format!("{name}."), entry, &Kind::Text));
        }
        (Kind::Tables(keys), DeValue::Array(entries)) => {
            let tables = entries.iter().map_while(|entry| entry.get_ref().as_table());
            tables.clone().try_for_each(|found| table(text, &format!("{name}."), found, keys))?;
            tables.count() == entries.len()
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let line = line(text, key.span().start);
    Err(in_file(format_args!("line {line}: `{name}` {}", expected(kind))))
}

fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Text => "must be a string in quotes".to_owned(),
        Kind::Integer => "must be an integer".to_owned(),
        Kind::Number => "must be a number".to_owned(),
        Kind::Texts => "must be a list of strings".to_owned(),
        Kind::OneOf(allowed) => format!("must be one of \"{}\"", allowed.join("\", \"")),
        Kind::Table(_) | Kind::Free | Kind::Any => "must be a table".to_owned(),
        Kind::Flag => "must be true or false".to_owned(),
        Kind::Tables(_) => "must be a list of tables, each under `[[…]]`".to_owned(),
    }
}

fn hint(key: &str, keys: &[Key]) -> String {
    if key == "grants" {
        return "; declare `capabilities` here, and let the operator's file grant them".to_owned();
    }
    if key == "commands" {
        return "; each `#[command]` writes its own entry".to_owned();
    }
    let nearest =
        keys.iter().map(|(known, _)| *known).min_by_key(|known| strsim::damerau_levenshtein(known, key));
    match nearest {
        Some(known) if strsim::damerau_levenshtein(known, key) <= 3 => format!("; did you mean `{known}`?"),
        _ => {
            let all: Vec<&str> = keys.iter().map(|(known, _)| *known).collect();
            format!("; known keys are {}", all.join(", "))
        }
    }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
