//! CloudEvents 1.0 over HTTP, for one event: structured as JSON, or binary with the attributes as headers.

use std::{fmt::Write, str};

use base64::{Engine, engine::general_purpose::STANDARD};
use camshaft_sdk::{Encoding, prelude::*};
use serde_json::{Map, Value, value::RawValue};

/// The event as one JSON document.
///
/// Data that is JSON stands in it byte for byte; all other data in base64.
pub fn structured(event: &Event<Bytes>) -> Result<Vec<u8>> {
    let mut members = Map::new();
    for (name, value) in attributes(event) {
        members.insert(name.to_owned(), Value::from(value));
    }
    let Bytes(data) = &event.data;
    let as_json = str::from_utf8(data).ok().filter(|_| event.encoding() == Some(Encoding::Json));
    let as_json = as_json.and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    if as_json.is_none() && !data.is_empty() {
        members.insert("data_base64".to_owned(), Value::from(STANDARD.encode(data)));
    }
    let mut document = serde_json::to_string(&members)?;
    if let Some(json) = as_json {
        // Beside the attributes, of which there are always some. A `Value` would round long numbers.
        document.pop();
        write!(document, ",\"data\":{json}}}")?;
    }
    Ok(document.into_bytes())
}

/// The event's attributes as headers, with the data's media type.
pub fn headers(event: &Event<Bytes>) -> impl Iterator<Item = (String, String)> {
    let media_type =
        event.datacontenttype.as_deref().or((!event.data.0.is_empty()).then_some("application/json"));
    let media_type = media_type.map(|value| ("content-type".to_owned(), value.to_owned()));
    let others = attributes(event).filter(|(name, _)| *name != "datacontenttype");
    media_type.into_iter().chain(others.map(|(name, value)| (format!("ce-{name}"), escaped(value))))
}

/// What is the same for each attempt at one event, and another for each other event.
pub fn idempotency_key(event: &Event<Bytes>) -> String {
    format!("{} {}", escaped(&event.source), escaped(&event.id))
}

fn attributes(event: &Event<Bytes>) -> impl Iterator<Item = (&str, &str)> {
    let fixed = [
        ("specversion", Some("1.0")),
        ("id", Some(event.id.as_str())),
        ("source", Some(event.source.as_str())),
        ("type", Some(event.event_type.as_str())),
        ("subject", event.subject.as_deref()),
        ("time", event.time.as_deref()),
        ("datacontenttype", event.datacontenttype.as_deref()),
        ("dataschema", event.dataschema.as_deref()),
        ("partitionkey", event.partitionkey.as_deref()),
    ];
    let fixed = fixed.into_iter().filter_map(|(name, value)| Some((name, value?)));
    fixed.chain(event.extensions.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// A value as it may stand in a header: all but visible ASCII, and what would be ambiguous, is
/// percent-encoded.
fn escaped(value: &str) -> String {
    let mut escaped = String::new();
    for byte in value.bytes() {
        match byte {
            b'"' | b'%' => escaped.push_str(&format!("%{byte:02X}")),
            byte if byte.is_ascii_graphic() => escaped.push(char::from(byte)),
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
