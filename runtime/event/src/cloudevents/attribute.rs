//! The rules for attribute names and values. Every way into the log goes through them.

use super::{
    MAX_EXTENSIONS, MAX_NAME_BYTES, OFFSET, invalid::InvalidEvent, invalid::quoted, media_type, uri,
};
use crate::{Event, rfc3339::is_rfc3339};

/// Names that are fields of an [`Event`], or that the formats use, and so cannot be extensions.
const NOT_EXTENSIONS: [&str; 11] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "partitionkey",
    "data",
    OFFSET,
];

/// Checks an event that was built in process: a plugin's, a closure's, an embedder's.
///
/// # Errors
/// The first attribute that breaks a rule of CloudEvents 1.0.2.
pub fn validate(event: &Event) -> Result<(), InvalidEvent> {
    for (name, value) in [("id", &event.id), ("source", &event.source), ("type", &event.event_type)] {
        check_value(name, value)?;
    }
    let optional = [
        ("subject", &event.subject),
        ("time", &event.time),
        ("datacontenttype", &event.datacontenttype),
        ("dataschema", &event.dataschema),
        ("partitionkey", &event.partitionkey),
    ];
    for (name, value) in optional {
        value.as_ref().map_or(Ok(()), |value| check_value(name, value))?;
    }
    if event.extensions.len() > MAX_EXTENSIONS {
        return Err(InvalidEvent::TooManyExtensions);
    }
    for (at, (name, value)) in event.extensions.iter().enumerate() {
        check_name(name)?;
        if NOT_EXTENSIONS.contains(&name.as_str()) {
            return Err(InvalidEvent::Name {
                name: name.clone(),
                problem: "an extension cannot have this name",
                instead: "Choose another name for the extension.".into(),
            });
        }
        if event.extensions.iter().take(at).any(|(earlier, _)| earlier == name) {
            return Err(InvalidEvent::Repeated { attribute: name.clone() });
        }
        check_value(name, value)?;
    }
    Ok(())
}

/// Checks the name of an attribute: lower-case letters and digits.
pub(super) fn check_name(name: &str) -> Result<(), InvalidEvent> {
    let refuse = |problem, instead: String| {
        let shown = quoted(name).trim_matches('"').to_owned();
        Err(InvalidEvent::Name { name: shown, problem, instead })
    };
    if name.is_empty() {
        return refuse("it is empty", "Give the attribute a name.".into());
    }
    if name.len() > MAX_NAME_BYTES {
        return refuse("it is too long", format!("Use at most {MAX_NAME_BYTES} letters and digits."));
    }
    if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Ok(());
    }
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let instead = if plain.is_empty() {
        "Use lower-case letters and digits.".to_owned()
    } else {
        format!("Write \"{plain}\".")
    };
    let problem = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        "it contains an upper-case letter"
    } else {
        "only lower-case letters and digits are allowed"
    };
    refuse(problem, instead)
}

/// Checks the text form of an attribute's value.
pub(super) fn check_value(name: &str, value: &str) -> Result<(), InvalidEvent> {
    let refuse = |problem: &str, instead| Err(wrong_value(name, quoted(value), problem, instead));
    let is_plain = value.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
    let wrong = if is_plain { None } else { value.chars().find(|character| forbidden(*character)) };
    if let Some(character) = wrong {
        let problem = format!("the character U+{:04X} is not allowed in an attribute", u32::from(character));
        return refuse(&problem, "Remove the character, or move the text into the data.");
    }
    if value.is_empty() {
        return match name {
            "id" => refuse("it is empty", "Set an id that is unique within the source."),
            "source" => refuse("it is empty", "Name the publisher, such as \"/shop\"."),
            "type" => refuse("it is empty", "Name what happened, such as \"order.placed\"."),
            "specversion" => refuse("only version 1.0 is supported", "Write \"1.0\"."),
            _ if NOT_EXTENSIONS.contains(&name) => refuse("it is empty", "Set a value, or omit it."),
            _ => Ok(()),
        };
    }
    match name {
        "specversion" if value != "1.0" => refuse("only version 1.0 is supported", "Write \"1.0\"."),
        "source" => match uri::check_reference(value) {
            Ok(()) => Ok(()),
            Err(problem) => {
                refuse(&format!("not a URI reference ({problem})"), "Write it like \"/shop/orders\".")
            }
        },
        "dataschema" => match uri::check_absolute(value) {
            Ok(()) => Ok(()),
            Err(problem) => {
                let problem = format!("not an absolute URI ({problem})");
                refuse(&problem, "Write it like \"https://example.com/order.json\".")
            }
        },
        "time" if !is_rfc3339(value) => {
            refuse("not an RFC 3339 time", "Write it like \"2026-01-31T12:00:00Z\".")
        }
        "datacontenttype" if !media_type::is_well_formed(value) => {
            refuse("not a media type", "Write it like \"application/json\".")
        }
        _ => Ok(()),
    }
}

/// A value that is wrong for its attribute; `found` is already fit to be shown.
pub(super) fn wrong_value(
    attribute: &str,
    found: String,
    problem: impl Into<String>,
    instead: &'static str,
) -> InvalidEvent {
    InvalidEvent::Value { attribute: attribute.to_owned(), found, problem: problem.into(), instead }
}

/// Control characters and Unicode's non-characters, which the CloudEvents type `String` excludes.
fn forbidden(character: char) -> bool {
    let code = u32::from(character);
    character.is_control() || (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_letters_and_digits() {
        assert_eq!(check_name("traceparent2"), Ok(()));
        for (name, hint) in [
            ("traceParent", "Write \"traceparent\"."),
            ("trace-parent", "Write \"traceparent\"."),
            ("Straße", "Write \"strae\"."),
            ("__", "Use lower-case letters and digits."),
            ("", "Give the attribute a name."),
        ] {
            assert_eq!(check_name(name).unwrap_err().hint(), hint);
        }
        assert!(check_name(&"a".repeat(64)).is_ok());
        assert!(check_name(&"a".repeat(65)).is_err());
    }

    #[test]
    fn an_event_built_in_process_is_checked_like_any_other() {
        let good = Event {
            id: "1".into(),
            source: "/a".into(),
            event_type: "thing.done".into(),
            extensions: vec![("tenant".into(), String::new())],
            ..Event::default()
        };
        assert_eq!(validate(&good), Ok(()));
        let with = |change: fn(&mut Event)| {
            let mut event = good.clone();
            change(&mut event);
            validate(&event).unwrap_err().to_string()
        };
        assert_eq!(with(|event| event.id.clear()), "attribute \"id\" is \"\": it is empty");
        assert_eq!(
            with(|event| event.subject = Some(String::new())),
            "attribute \"subject\" is \"\": it is empty"
        );
        let offset = with(|event| event.set_extension("offset", "1"));
        assert_eq!(offset, "attribute name \"offset\" is not valid: an extension cannot have this name");
        let upper = with(|event| event.set_extension("Tenant", "1"));
        assert_eq!(upper, "attribute name \"Tenant\" is not valid: it contains an upper-case letter");
        let repeated = with(|event| event.extensions.push(("tenant".into(), "b".into())));
        assert_eq!(repeated, "\"tenant\" is set twice");
    }
}
