//! The errors of CloudEvents that are not valid: what is wrong, and what to write instead.

use std::fmt::Write;

use thiserror::Error;

use super::MAX_EXTENSIONS;
use crate::Limit;

/// How many characters of a wrong value a message repeats.
const SHOWN_CHARACTERS: usize = 60;

/// Why a text or a set of attributes is not a CloudEvent. The message states what is wrong;
/// [`InvalidEvent::hint`] states what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidEvent {
    /// The text is not JSON.
    #[error("the event is not JSON: {reason}")]
    Json {
        /// The message of the JSON parser, with line and column.
        reason: String,
    },
    /// The text is JSON, but not an object.
    #[error("an event must be a JSON object, but this is {found}")]
    NotAnObject {
        /// The kind of JSON value, such as "an array".
        found: &'static str,
    },
    /// A required attribute is absent.
    #[error("attribute \"{attribute}\" is missing")]
    Missing {
        /// The attribute.
        attribute: &'static str,
    },
    /// An attribute, or the data, is set twice.
    #[error("\"{attribute}\" is set twice")]
    Repeated {
        /// The attribute, or the member of the data.
        attribute: String,
    },
    /// The event has too many extensions.
    #[error("the event has more than {MAX_EXTENSIONS} extensions ({})", Limit::Extensions.raised_by())]
    TooManyExtensions,
    /// The name of an attribute is not valid.
    #[error("attribute name \"{name}\" is not valid: {problem}")]
    Name {
        /// The name.
        name: String,
        /// The reason.
        problem: &'static str,
        /// The correction to make.
        instead: String,
    },
    /// The value of an attribute is not valid.
    #[error("attribute \"{attribute}\" is {found}: {problem}")]
    Value {
        /// The attribute.
        attribute: String,
        /// The value, shortened.
        found: String,
        /// The reason.
        problem: String,
        /// The correction to make.
        instead: &'static str,
    },
    /// Both `data` and `data_base64` are present.
    #[error("\"data\" and \"data_base64\" are both set")]
    TwoData,
    /// The data does not fit the declared content type, or is not base64.
    #[error("\"{member}\" is {found}: {problem}")]
    Data {
        /// `data` or `data_base64`.
        member: &'static str,
        /// The value, shortened.
        found: String,
        /// The reason.
        problem: String,
        /// The correction to make.
        instead: &'static str,
    },
}

/// Why a batch is refused. One invalid item refuses the whole batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidBatch {
    /// The text is not a JSON array.
    #[error("the batch is not a JSON array of events: {reason}")]
    NotAnArray {
        /// The message of the JSON parser.
        reason: String,
    },
    /// One item is not an event.
    #[error("item {index} of the batch: {error}")]
    Item {
        /// Its position in the batch, from 0.
        index: usize,
        /// The reason.
        error: InvalidEvent,
    },
}

impl InvalidEvent {
    /// One sentence that states what to write instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Json { .. } | Self::NotAnObject { .. } => format!("Write one event as {}.", EXAMPLE),
            Self::Missing { attribute } => format!("Add {}.", example(attribute)),
            Self::Repeated { attribute } => format!("Set \"{attribute}\" once."),
            Self::TooManyExtensions => "Move related values into the data.".to_owned(),
            Self::Name { instead, .. } => instead.clone(),
            Self::Value { instead, .. } | Self::Data { instead, .. } => (*instead).to_owned(),
            Self::TwoData => "Use \"data\" for JSON or text, \"data_base64\" for other bytes.".to_owned(),
        }
    }

    /// The attribute, or the member of the data, that is wrong; none if no single one is wrong.
    #[must_use]
    pub fn attribute(&self) -> Option<&str> {
        match self {
            Self::Missing { attribute } => Some(attribute),
            Self::Repeated { attribute } | Self::Value { attribute, .. } => Some(attribute),
            Self::Name { name, .. } => Some(name),
            Self::Data { member, .. } => Some(member),
            Self::Json { .. } | Self::NotAnObject { .. } | Self::TooManyExtensions | Self::TwoData => None,
        }
    }
}

impl InvalidBatch {
    /// The position of the invalid item, from 0; none if the text is not an array.
    #[must_use]
    pub const fn index(&self) -> Option<usize> {
        match self {
            Self::NotAnArray { .. } => None,
            Self::Item { index, .. } => Some(*index),
        }
    }

    /// One sentence that states what to write instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotAnArray { .. } => format!("Write the batch as [{EXAMPLE}]."),
            Self::Item { error, .. } => error.hint(),
        }
    }
}

/// The smallest event.
const EXAMPLE: &str = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","data":{}}"#;

fn example(attribute: &str) -> &'static str {
    match attribute {
        "specversion" => r#""specversion": "1.0""#,
        "id" => r#""id": a string that is unique within the source"#,
        "source" => r#""source": the publisher, such as "/shop""#,
        _ => r#""type": what happened, such as "order.placed""#,
    }
}

/// A value as messages show it: quoted, without control characters, shortened.
pub(super) fn quoted(value: &str) -> String {
    let mut shown = String::from("\"");
    for character in value.chars().take(SHOWN_CHARACTERS) {
        match character {
            '"' => shown.push('\''),
            _ if character.is_control() => {
                write!(shown, "\\u{{{:x}}}", u32::from(character)).expect("a string accepts any text");
            }
            _ => shown.push(character),
        }
    }
    shown.push_str(if value.chars().nth(SHOWN_CHARACTERS).is_some() { "…\"" } else { "\"" });
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_value_is_short_and_printable() {
        assert_eq!(quoted("a\"b\n"), "\"a'b\\u{a}\"");
        assert_eq!(quoted(&"é".repeat(61)), format!("\"{}…\"", "é".repeat(60)));
        assert_eq!(quoted(&"é".repeat(60)), format!("\"{}\"", "é".repeat(60)));
    }
}
