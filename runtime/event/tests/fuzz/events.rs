//! CloudEvents in every mode: what is read is valid, and is read again from what is printed.

use bolero::check;
use camshaft_event::cloudevents::{
    InvalidBatch, InvalidEvent, is_json, parse, parse_batch, parse_binary, print, print_batch, validate,
};
use camshaft_event::{Event, Offset};
use serde_json::value::RawValue;

use super::built::{BuiltEvent, MOMENT};
use super::edited::{Edited, corpus};

/// What a wrong or unusual event in the JSON format is made of.
const JSON_WORDS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "-1",
    "2147483648",
    "1e400",
    "\\ud800",
    "\\u0000",
    "\r\n",
    "\u{fffe}",
    "\"data\":",
    "\"data_base64\":\"AP8=\"",
    "\"specversion\":\"1.0\",",
    "\"subject\":\"\",",
    "\"offset\":17,",
    "\"datacontenttype\":\"text/plain\",",
    "\"datacontenttype\":\"application/json; a=\\\"b\",",
    "\"time\":\"2026-01-31 12:00:00Z\",",
    "\"x\":true,",
];

/// The same for headers.
const HEADER_WORDS: [&str; 10] =
    ["%", "%C3%BC", "%00", "\"", "\\", "\n", ": ", "subject: a", "data: 1", "datacontenttype: text/plain"];

#[test]
fn any_text_is_an_event_or_a_refusal() {
    check!(name = "event").with_iterations(1_000).for_each(check_event);
}

#[test]
fn an_edited_event_is_an_event_or_a_refusal() {
    let corpus = corpus("event");
    check!()
        .with_type::<Edited>()
        .with_test_time(MOMENT)
        .for_each(|edited| check_event(&edited.of(&corpus, &JSON_WORDS)));
}

#[test]
fn any_text_is_a_batch_or_a_refusal() {
    check!(name = "batch").with_iterations(1_000).for_each(check_batch);
}

#[test]
fn an_edited_batch_is_a_batch_or_a_refusal() {
    let corpus = corpus("batch");
    check!()
        .with_type::<Edited>()
        .with_test_time(MOMENT)
        .for_each(|edited| check_batch(&edited.of(&corpus, &JSON_WORDS)));
}

#[test]
fn any_headers_are_an_event_or_a_refusal() {
    check!(name = "binary").with_iterations(1_000).for_each(check_binary);
}

#[test]
fn edited_headers_are_an_event_or_a_refusal() {
    let corpus = corpus("binary");
    check!()
        .with_type::<Edited>()
        .with_test_time(MOMENT)
        .for_each(|edited| check_binary(&edited.of(&corpus, &HEADER_WORDS)));
}

#[test]
fn what_is_valid_comes_through_every_mode() {
    check!().with_type::<(BuiltEvent, Option<u64>)>().with_test_time(MOMENT).for_each(|(built, offset)| {
        let event = built.event();
        let Ok(()) = validate(&event) else { return };
        check_printed(&event);
        assert_printed(&event, &parse(print(&event, offset.map(Offset)).as_bytes()).unwrap());
        assert_eq!(as_binary(&event), Ok(event), "through the binary mode");
    });
}

fn check_event(text: &[u8]) {
    let shown = String::from_utf8_lossy(text);
    match parse(text) {
        Ok(event) => {
            check_printed(&event);
            assert_eq!(
                parse_batch(&[b"[", text, b"]"].concat()),
                Ok(vec![event]),
                "alone in a batch: {shown}"
            );
        }
        Err(error) => check_refusal(&error),
    }
}

fn check_batch(text: &[u8]) {
    let items: Vec<&RawValue> = serde_json::from_slice(text).unwrap_or_default();
    let alone = || items.iter().map(|item| parse(item.get().as_bytes()));
    match parse_batch(text) {
        Ok(events) => {
            assert!(alone().eq(events.iter().cloned().map(Ok)), "each is what it is alone");
            events.iter().for_each(check_printed);
            let again = parse_batch(print_batch(&events).as_bytes()).unwrap();
            assert_eq!(again.len(), events.len());
            events.iter().zip(&again).for_each(|(event, again)| assert_printed(event, again));
        }
        Err(InvalidBatch::Item { index, error }) => {
            assert_eq!(alone().position(|item| item.is_err()), Some(index), "the first bad one is named");
            assert_eq!(alone().nth(index), Some(Err(error)));
        }
        Err(InvalidBatch::NotAnArray { .. }) => assert!(items.is_empty()),
    }
}

/// Reads a text as lines of a name and a value, an empty line, and the data.
fn check_binary(text: &[u8]) {
    let end = text.windows(2).position(|pair| pair == b"\n\n");
    let (headers, data) = end.map_or((text, &b""[..]), |end| (&text[..end], &text[end + 2..]));
    let mut content_type = None;
    let mut attributes = Vec::new();
    for line in headers.split(|byte| *byte == b'\n') {
        let colon = line.windows(2).position(|pair| pair == b": ").unwrap_or(line.len());
        let (name, value) = (&line[..colon], line.get(colon + 2..).unwrap_or_default());
        match std::str::from_utf8(name) {
            Ok("content-type") => content_type = Some(value),
            Ok(name) => attributes.push((name, value)),
            Err(_) => {}
        }
    }
    match parse_binary(attributes, content_type, data.to_vec()) {
        Ok(event) => {
            check_printed(&event);
            assert_eq!(event.data, data, "data is taken as it is");
            assert_eq!(as_binary(&event), Ok(event));
        }
        Err(error) => check_refusal(&error),
    }
}

/// An event that was read is valid, and its printed form is one line that says the same.
fn check_printed(event: &Event) {
    assert_eq!(validate(event), Ok(()), "what is read is valid");
    check_attributes(event);
    let line = print(event, None);
    assert!(!line.contains(['\n', '\r']), "{line}");
    let again = parse(line.as_bytes()).unwrap();
    assert_printed(event, &again);
    assert_eq!(print(&again, None), line, "printing is settled");
}

/// The rules that hold for every attribute, said once more.
fn check_attributes(event: &Event) {
    let Event { subject, time, datacontenttype, dataschema, partitionkey, .. } = event;
    let optional = [subject, time, datacontenttype, dataschema, partitionkey];
    let present =
        || [&event.id, &event.source, &event.event_type].into_iter().chain(optional.into_iter().flatten());
    assert!(present().all(|value| !value.is_empty()), "{event:?}");
    let extensions = event.extensions.iter();
    let mut texts = present().chain(extensions.clone().map(|(_, value)| value));
    assert!(!texts.any(|text| text.contains(|c: char| c.is_control() || c == '\u{ffff}')), "{event:?}");
    assert!(!source_and_schema(event).any(|uri| uri.contains([' ', '"', '<', '\\'])), "{event:?}");
    let is_plain = |name: &str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
    assert!(
        extensions.clone().all(|(name, _)| (1..=64).contains(&name.len()) && is_plain(name)),
        "{event:?}"
    );
    assert!(extensions.map(|(name, _)| name).is_sorted_by(|a, b| a < b), "{event:?}");
}

fn source_and_schema(event: &Event) -> impl Iterator<Item = &String> {
    [&event.source].into_iter().chain(&event.dataschema)
}

/// `again` is what `event` is after printing: equal, but for blanks around and line breaks between JSON's
/// tokens.
fn assert_printed(event: &Event, again: &Event) {
    let without_data = |event: &Event| Event { data: Vec::new(), ..event.clone() };
    assert_eq!(without_data(event), without_data(again));
    if event.data == again.data {
        return;
    }
    assert!(is_json(event.datacontenttype.as_deref()), "only JSON may change: {event:?}");
    let compact =
        |data: &[u8]| data.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>();
    assert_eq!(compact(&event.data), compact(&again.data));
}

fn check_refusal(error: &InvalidEvent) {
    let (message, hint) = (error.to_string(), error.hint());
    assert!(!message.is_empty() && !message.contains('\n'), "{message}");
    assert!(hint.ends_with('.'), "a hint is a sentence: {hint}");
}

/// The event as it arrives after its attributes were percent-encoded.
fn as_binary(event: &Event) -> Result<Event, InvalidEvent> {
    let mut attributes = vec![
        ("specversion", "1.0"),
        ("id", &event.id),
        ("source", &event.source),
        ("type", &event.event_type),
    ];
    let optional = [
        ("subject", &event.subject),
        ("time", &event.time),
        ("dataschema", &event.dataschema),
        ("partitionkey", &event.partitionkey),
    ];
    attributes.extend(optional.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    attributes.extend(event.extensions.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let encode = |value: &str| value.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let encoded: Vec<_> = attributes.into_iter().map(|(name, value)| (name, encode(value))).collect();
    let headers = encoded.iter().map(|(name, value)| (*name, value.as_bytes()));
    let content_type = event.datacontenttype.as_deref().map(str::as_bytes);
    parse_binary(headers, content_type, event.data.clone())
}
