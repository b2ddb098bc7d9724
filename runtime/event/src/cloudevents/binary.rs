//! The binary content mode: attributes are sent separately from the data, such as the HTTP binding's `ce-`
//! headers.

use super::{draft::Draft, invalid::InvalidEvent};
use crate::Event;

/// Builds an event from attributes that were sent separately from the data.
///
/// `attributes` has the names without their `ce-` prefix, and the values as received: possibly in double
/// quotes, percent-encoded, or in Latin-1. `content_type` describes `data`, which is used unchanged.
///
/// # Errors
/// The first attribute that breaks a rule.
pub fn parse_binary<'a>(
    attributes: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    content_type: Option<&[u8]>,
    data: Vec<u8>,
) -> Result<Event, InvalidEvent> {
    let mut draft = Draft::default();
    for (name, value) in attributes {
        match name {
            "datacontenttype" => return Err(elsewhere(name, "Set the header Content-Type instead.")),
            "data" | "data_base64" => return Err(elsewhere(name, "Send the data as the body.")),
            _ => draft.set(name, &decode(value))?,
        }
    }
    if let Some(content_type) = content_type {
        draft.set("datacontenttype", &text(content_type.to_vec()))?;
    }
    draft.finish(data)
}

fn elsewhere(name: &str, instead: &str) -> InvalidEvent {
    let problem = "it is not sent as a header of its own";
    InvalidEvent::Name { name: name.to_owned(), problem, instead: instead.to_owned() }
}

/// Undoes double quotes, then percent-encoding, once each. A percent sign that begins no encoded byte is
/// itself: the official SDKs of other languages send attributes without encoding them.
fn decode(value: &[u8]) -> String {
    let unquoted = unquote(value);
    let mut decoded = Vec::with_capacity(unquoted.len());
    let mut rest = unquoted.as_slice();
    while let Some((&byte, after)) = rest.split_first() {
        let encoded = after.split_first_chunk::<2>().filter(|_| byte == b'%');
        let encoded = encoded.and_then(|(digits, after)| Some((hex(digits)?, after)));
        let (byte, after) = encoded.unwrap_or((byte, after));
        decoded.push(byte);
        rest = after;
    }
    text(decoded)
}

/// The text of these bytes: UTF-8, else Latin-1, which is how HTTP libraries send characters that they do not
/// encode.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect())
}

/// A value in double quotes without them and without backslash escapes; any other as it is. A text that only
/// begins and ends with a quote is not in quotes.
fn unquote(value: &[u8]) -> Vec<u8> {
    let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    let Some(inner) = inner else { return value.to_vec() };
    let mut bytes = inner.iter();
    let mut plain = Vec::with_capacity(inner.len());
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(&escaped) => plain.push(escaped),
                None => return value.to_vec(),
            },
            b'"' => return value.to_vec(),
            _ => plain.push(byte),
        }
    }
    plain
}

fn hex(digits: &[u8; 2]) -> Option<u8> {
    digits.iter().try_fold(0u8, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some((value << 4) | u8::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: [(&str, &[u8]); 4] =
        [("specversion", b"1.0"), ("id", b"1"), ("source", b"/shop"), ("type", b"order.placed")];

    fn parse_with(name: &str, value: &[u8]) -> Result<Event, InvalidEvent> {
        parse_binary(REQUIRED.into_iter().chain([(name, value)]), Some(b"text/plain"), b"hi".to_vec())
    }

    #[test]
    fn header_values_are_unquoted_and_percent_decoded_once() {
        for (wire, expected) in [
            (&b"Euro%20%E2%82%AC"[..], "Euro €"),
            (b"100%2525", "100%25"),
            (b"\"a \\\"b\\\"\"", "a \"b\""),
            (b"\"", "\""),
            ("plain é".as_bytes(), "plain é"),
            (b"\"a\" and \"b\"", "\"a\" and \"b\""),
            (b"\"a\\\"", "\"a\\\""),
        ] {
            assert_eq!(parse_with("subject", wire).unwrap().subject.as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_not_encoded_is_read_as_it_was_meant() {
        for (wire, expected) in [
            (&b"50%"[..], "50%"),
            (b"50% off %2", "50% off %2"),
            (b"%zz%4", "%zz%4"),
            (b"100%25", "100%"),
            (b"s\xFCbject \"q\" 100%", "sübject \"q\" 100%"),
            (b"caf\xE9%20noir", "café noir"),
            (b"%E9", "é"),
        ] {
            assert_eq!(parse_with("subject", wire).unwrap().subject.as_deref(), Some(expected));
        }
        // A control character of Latin-1 is one here, too.
        assert!(parse_with("subject", b"a\x9Fb").is_err());
    }

    #[test]
    fn data_is_taken_as_it_is_under_its_content_type() {
        let event = parse_with("tenant", b"acme").unwrap();
        assert_eq!((event.datacontenttype.as_deref(), event.data), (Some("text/plain"), b"hi".to_vec()));
        assert_eq!(event.extensions, [("tenant".to_owned(), "acme".to_owned())]);
    }

    #[test]
    fn wrong_headers_say_what_to_send_instead() {
        for (name, value, message, hint) in [
            (
                "datacontenttype",
                &b"text/plain"[..],
                "attribute name \"datacontenttype\" is not valid: it is not sent as a header of its own",
                "Set the header Content-Type instead.",
            ),
            ("id", b"2", "\"id\" is set twice", "Set \"id\" once."),
        ] {
            let error = parse_with(name, value).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.hint().as_str()), (message, hint));
        }
    }
}
