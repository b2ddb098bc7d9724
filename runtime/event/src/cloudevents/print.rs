//! Writing the JSON format: one event is one line.

use std::{borrow::Cow, str};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::value::RawValue;

use super::{
    OFFSET,
    media_type::{is_json, is_text},
};
use crate::{Event, Offset};

/// Formats one event as one line of JSON, without a line break at its end.
///
/// `offset` is added as an extension if the event was read from the log. JSON data is written unchanged, and
/// text as a string. All other data, and data that does not match its content type, is written as
/// `data_base64`.
#[must_use]
pub fn print(event: &Event, offset: Option<Offset>) -> String {
    let mut out = String::with_capacity(event.size() + 128);
    print_into(&mut out, event, offset);
    out
}

/// Appends the line of [`print()`] to `out`.
pub fn print_into(out: &mut String, event: &Event, offset: Option<Offset>) {
    out.push_str("{\"specversion\":\"1.0\"");
    member(out, "id", &event.id);
    member(out, "source", &event.source);
    member(out, "type", &event.event_type);
    let optional = [
        ("subject", &event.subject),
        ("time", &event.time),
        ("datacontenttype", &event.datacontenttype),
        ("dataschema", &event.dataschema),
        ("partitionkey", &event.partitionkey),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            member(out, name, value);
        }
    }
    for (name, value) in &event.extensions {
        member(out, name, value);
    }
    if let Some(offset) = offset {
        member(out, OFFSET, &offset.to_string());
    }
    data(out, event);
    out.push('}');
}

/// Formats events as a JSON array.
#[must_use]
pub fn print_batch<'a>(events: impl IntoIterator<Item = &'a Event>) -> String {
    let mut out = String::from("[");
    for event in events {
        if out.len() > 1 {
            out.push(',');
        }
        print_into(&mut out, event, None);
    }
    out.push(']');
    out
}

/// JSON with a space for each line break. Inside a string a line break is always escaped, so the value stays
/// the same.
pub(super) fn single_line(json: &str) -> Cow<'_, str> {
    // Every byte of every event that comes as JSON is looked at here, so not one by one: a fold is done many
    // at a time.
    let has_breaks = json.bytes().fold(false, |found, byte| found | matches!(byte, b'\n' | b'\r'));
    if has_breaks { json.replace(['\n', '\r'], " ").into() } else { json.into() }
}

fn data(out: &mut String, event: &Event) {
    if event.data.is_empty() {
        return;
    }
    let content_type = event.datacontenttype.as_deref();
    if is_json(content_type) {
        if let Ok(json) = serde_json::from_slice::<&RawValue>(&event.data) {
            out.push_str(",\"data\":");
            out.push_str(&single_line(json.get()));
            return;
        }
    } else if is_text(content_type)
        && let Ok(text) = str::from_utf8(&event.data)
    {
        member(out, "data", text);
        return;
    }
    out.push_str(",\"data_base64\":\"");
    STANDARD.encode_string(&event.data, out);
    out.push('"');
}

fn member(out: &mut String, name: &str, value: &str) {
    out.push(',');
    string(out, name);
    out.push(':');
    string(out, value);
}

fn string(out: &mut String, text: &str) {
    out.push_str(&serde_json::to_string(text).expect("a string always has a JSON form"));
}
