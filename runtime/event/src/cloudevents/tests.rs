//! What the codec promises as a whole: what it prints it reads, and what it refuses it explains.

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Value, json};

use super::*;
use crate::{Event, Offset};

fn minimal() -> Value {
    json!({"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.placed"})
}

/// A minimal event with `changes` put over it.
fn parse_with(changes: Value) -> Result<Event, InvalidEvent> {
    let mut event = minimal();
    for (name, value) in changes.as_object().expect("changes are an object") {
        event[name] = value.clone();
    }
    parse(event.to_string().as_bytes())
}

#[track_caller]
fn refused(changes: Value, message: &str, hint: &str) {
    let error = parse_with(changes).expect_err("the event is wrong");
    assert_eq!((error.to_string().as_str(), error.hint().as_str()), (message, hint));
}

#[test]
fn all_attributes_arrive() {
    let event = parse_with(json!({
        "subject": "o-17", "time": "2026-01-31T12:00:00Z", "datacontenttype": "application/json",
        "dataschema": "https://example.com/s", "partitionkey": "k", "tenant": "acme", "attempt": -3.0,
        "urgent": true, "unset": null, "offset": "17", "data": {"amount": 12.50}
    }))
    .unwrap();
    assert_eq!(event.subject.as_deref(), Some("o-17"));
    assert_eq!(event.partitionkey.as_deref(), Some("k"));
    let extensions = [("attempt", "-3"), ("tenant", "acme"), ("urgent", "true")];
    assert_eq!(event.extensions, extensions.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn json_data_keeps_its_text_but_not_its_line_breaks() {
    let text = b"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/a\",\"type\":\"b\",\"data\": {\"n\":1.50,\r\n \"m\": 1e400} }";
    let event = parse(text).unwrap();
    assert_eq!(String::from_utf8(event.data.clone()).unwrap(), "{\"n\":1.50,   \"m\": 1e400}");
    assert_eq!(parse(print(&event, None).as_bytes()), Ok(event));
}

#[test]
fn data_takes_the_form_of_its_content_type() {
    let data = |changes| parse_with(changes).unwrap().data;
    assert_eq!(data(json!({"data": null})), b"null");
    assert_eq!(data(json!({"data": "text"})), b"\"text\"");
    assert_eq!(data(json!({"data": "text", "datacontenttype": "text/plain"})), b"text");
    assert_eq!(data(json!({"data_base64": "AP8="})), [0, 255]);
    assert_eq!(data(json!({"data_base64": null})), b"");
    assert_eq!(data(json!({})), b"");
}

#[test]
fn what_stands_in_the_log_is_printed_with_its_offset() {
    let event = parse_with(json!({"data": {"a": 1}, "tenant": "acme"})).unwrap();
    let line = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","tenant":"acme","offset":"17","data":{"a":1}}"#;
    assert_eq!(print(&event, Some(Offset(17))), line);
    assert_eq!(parse(line.as_bytes()), Ok(event));
}

#[test]
fn data_that_is_not_what_its_type_claims_is_printed_as_base64() {
    for (datacontenttype, data) in [
        (None, &b"not json"[..]),
        (Some("application/json"), b"{\"a\":\xff}"),
        (Some("text/plain"), b"\xff"),
        (Some("application/msgpack"), b"abc"),
    ] {
        let mut event = parse_with(json!({})).unwrap();
        event.datacontenttype = datacontenttype.map(str::to_owned);
        event.data = data.to_vec();
        let line = print(&event, None);
        assert!(line.contains("\"data_base64\":"), "{line}");
        assert_eq!(parse(line.as_bytes()), Ok(event));
    }
}

#[test]
fn every_refusal_names_the_attribute_what_was_found_and_what_to_write() {
    let empty = |name| format!("attribute \"{name}\" is \"\": it is empty");
    refused(json!({"id": ""}), &empty("id"), "Set an id that is unique within the source.");
    refused(json!({"source": ""}), &empty("source"), "Name the publisher, such as \"/shop\".");
    refused(json!({"type": ""}), &empty("type"), "Name what happened, such as \"order.placed\".");
    refused(json!({"subject": ""}), &empty("subject"), "Set a value, or omit it.");
    refused(
        json!({"id": null}),
        "attribute \"id\" is missing",
        "Add \"id\": a string that is unique within the source.",
    );
    refused(
        json!({"specversion": "0.3"}),
        "attribute \"specversion\" is \"0.3\": only version 1.0 is supported",
        "Write \"1.0\".",
    );
    refused(
        json!({"specversion": 1.0}),
        "attribute \"specversion\" is \"1\": only version 1.0 is supported",
        "Write \"1.0\".",
    );
    refused(
        json!({"source": "/a b"}),
        "attribute \"source\" is \"/a b\": not a URI reference (' ' must be percent-encoded)",
        "Write it like \"/shop/orders\".",
    );
    refused(
        json!({"time": "yesterday"}),
        "attribute \"time\" is \"yesterday\": not an RFC 3339 time",
        "Write it like \"2026-01-31T12:00:00Z\".",
    );
    refused(
        json!({"datacontenttype": "json"}),
        "attribute \"datacontenttype\" is \"json\": not a media type",
        "Write it like \"application/json\".",
    );
    refused(
        json!({"dataschema": "/s.json"}),
        "attribute \"dataschema\" is \"/s.json\": not an absolute URI (it has no scheme)",
        "Write it like \"https://example.com/order.json\".",
    );
    refused(
        json!({"traceParent": "00"}),
        "attribute name \"traceParent\" is not valid: it contains an upper-case letter",
        "Write \"traceparent\".",
    );
    refused(
        json!({"tenant": {"a": 1}}),
        "attribute \"tenant\" is {'a':1}: an attribute must be a string, a boolean or an integer",
        "Move structured values into the data.",
    );
    refused(
        json!({"count": 2_147_483_648_i64}),
        "attribute \"count\" is 2147483648: a number in an attribute must be a 32-bit integer",
        "Write it as a string.",
    );
    refused(
        json!({"count": 1.5}),
        "attribute \"count\" is 1.5: a number in an attribute must be a 32-bit integer",
        "Write it as a string.",
    );
    refused(
        json!({"tenant": "a\u{7}"}),
        "attribute \"tenant\" is \"a\\u{7}\": the character U+0007 is not allowed in an attribute",
        "Remove the character, or move the text into the data.",
    );
}

#[test]
fn wrong_data_is_refused_with_its_form() {
    refused(
        json!({"data": 1, "data_base64": "AA=="}),
        "\"data\" and \"data_base64\" are both set",
        "Use \"data\" for JSON or text, \"data_base64\" for other bytes.",
    );
    let hint = "Write the bytes in standard base64 with padding, such as \"aGVsbG8=\".";
    refused(
        json!({"data_base64": "%%"}),
        "\"data_base64\" is \"%%\": not base64 (invalid symbol 37, offset 0)",
        hint,
    );
    refused(json!({"data_base64": 7}), "\"data_base64\" is \"7\": it is not a string", hint);
    refused(
        json!({"data": {"a": 1}, "datacontenttype": "text/plain"}),
        "\"data\" is \"{'a':1}\": content of type \"text/plain\" is not JSON",
        "Write it as a string, or its bytes as \"data_base64\".",
    );
}

#[test]
fn texts_that_are_no_object_say_what_they_are() {
    let message = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(message(""), "the event is not JSON: it is empty");
    assert_eq!(message("[]"), "an event must be a JSON object, but this is an array");
    assert_eq!(message("12"), "an event must be a JSON object, but this is a number");
    assert!(message("hello").starts_with("the event is not JSON: expected value at line 1"));
    assert!(message("{\"id\":1").starts_with("the event is not JSON: EOF while parsing an object"));
    let twice = "{\"id\":\"1\",\"specversion\":\"1.0\",\"id\":\"1\"}";
    assert_eq!(message(twice), "\"id\" is set twice");
    let half = "{\"id\":\"\\ud800\"}";
    assert!(message(half).contains("it is not valid Unicode text"), "{}", message(half));
}

#[test]
fn one_bad_item_refuses_a_batch_and_is_named() {
    let batch = format!("[{0},{1},{0}]", minimal(), json!({"specversion": "1.0"}));
    let error = parse_batch(batch.as_bytes()).unwrap_err();
    assert_eq!(error.index(), Some(1));
    assert_eq!(error.to_string(), "item 1 of the batch: attribute \"id\" is missing");
    assert_eq!(parse_batch(b"[]"), Ok(vec![]));
    assert_eq!(parse_batch(b"{}").unwrap_err().index(), None);
}

fn text() -> impl Strategy<Value = String> {
    "[^\\p{C}]{1,12}"
}

/// Data with the content type that it has, or only claims.
fn content() -> impl Strategy<Value = (Option<String>, Vec<u8>)> {
    let json = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "\\PC{0,12}".prop_map(|text| Value::from(text).to_string()),
        vec("[a-z]{1,3}", 0..4).prop_map(|texts| json!({ "list": texts }).to_string()),
    ];
    let types =
        vec!["application/json", "text/plain; charset=utf-8", "application/xml", "application/msgpack"];
    let datacontenttype = option::of(prop::sample::select(types).prop_map(str::to_owned));
    // Bytes that are JSON with a line break or an outer blank are printed as the same value, not the same
    // text.
    let bytes = vec(any::<u8>(), 0..24).prop_filter("it is one line", |data| {
        serde_json::from_slice::<Value>(data).is_err() || !data.iter().any(u8::is_ascii_whitespace)
    });
    (datacontenttype, prop_oneof![json.prop_map(String::into_bytes), bytes])
}

prop_compose! {
    fn event()(
        (id, source, event_type) in (text(), "/[a-z0-9/._~-]{0,12}", "[a-z]{1,6}(\\.[a-z]{1,6}){0,2}"),
        (subject, partitionkey) in (option::of(text()), option::of(text())),
        (datacontenttype, data) in content(),
        time in option::of(Just("2026-01-31T12:00:00.5+01:00".to_owned())),
        dataschema in option::of(Just("urn:schema:1".to_owned())),
        extensions in prop::collection::btree_map("x[a-z0-9]{0,8}", "[^\\p{C}]{0,12}", 0..4),
    ) -> Event {
        let extensions = extensions.into_iter().collect();
        Event { id, source, event_type, subject, time, datacontenttype, dataschema, partitionkey, extensions, data }
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_unchanged(event in event(), offset in option::of(any::<u64>())) {
        prop_assert_eq!(validate(&event), Ok(()));
        let line = print(&event, offset.map(Offset));
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(parse(line.as_bytes()), Ok(event.clone()));
        prop_assert_eq!(parse_batch(print_batch([&event, &event]).as_bytes()), Ok(vec![event.clone(), event]));
    }
}

#[test]
fn a_batch_is_read_only_as_far_as_it_fits() {
    let batch = format!("[{0},{0},{0},no JSON from here on", minimal());
    let mut seen = 0;
    let read = parse_batch_while(batch.as_bytes(), |index, _| {
        seen += 1;
        if index == 1 { Err("full") } else { Ok(()) }
    });
    assert_eq!((read, seen), (Ok(Err("full")), 2));
}

#[test]
fn an_event_has_a_bounded_number_of_extensions() {
    let with = |count: usize| {
        let extensions: String = (0..count).map(|number| format!(",\"a{number}\":1")).collect();
        let event = minimal().to_string();
        parse(format!("{}{extensions}}}", event.trim_end_matches('}')).as_bytes())
    };
    let event = with(MAX_EXTENSIONS).unwrap();
    assert_eq!((event.extensions.len(), validate(&event)), (MAX_EXTENSIONS, Ok(())));
    assert_eq!(with(MAX_EXTENSIONS + 1), Err(InvalidEvent::TooManyExtensions));
    // So many are not even read.
    assert!(with(70_000).unwrap_err().to_string().contains("more than 272 members"));
    let mut event = event;
    event.set_extension("more", "1");
    assert_eq!(validate(&event), Err(InvalidEvent::TooManyExtensions));
}
