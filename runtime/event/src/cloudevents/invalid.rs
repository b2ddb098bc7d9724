//! Why something is not a CloudEvent: what was found where, and what to write instead.

use std::fmt::Write;

use thiserror::Error;

use super::MAX_EXTENSIONS;
use crate::Limit;

/// How many characters of a wrong value a message repeats.
const SHOWN_CHARACTERS: usize = 60;

/// Why a text or a set of attributes is not a CloudEvent. The message says what was found; [`InvalidEvent::hint`]
/// says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidEvent {
    /// Not JSON at all.
    #[error("the event is not JSON: {reason}")]
    Json {
        /// What the JSON reader says, with line and column.
        reason: String,
    },
    /// JSON, but no object.
    #[error("an event is a JSON object, but this is {found}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A required attribute is absent.
    #[error("attribute \"{attribute}\" is missing")]
    Missing {
        /// Which.
        attribute: &'static str,
    },
    /// An attribute, or the data, was given twice.
    #[error("\"{attribute}\" is given twice")]
    Repeated {
        /// Which.
        attribute: String,
    },
    /// More extensions than an event may have.
    #[error("the event has more than {MAX_EXTENSIONS} extensions ({})", Limit::Extensions.raised_by())]
    TooManyExtensions,
    /// A name that no attribute may have.
    #[error("\"{name}\" is not an attribute name: {problem}")]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What to write instead.
        instead: String,
    },
    /// A value that its attribute may not have.
    #[error("attribute \"{attribute}\" is {found}: {problem}")]
    Value {
        /// Which attribute.
        attribute: String,
        /// The value, shortened.
        found: String,
        /// What is wrong with it.
        problem: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// Both `data` and `data_base64` are present.
    #[error("both \"data\" and \"data_base64\" are given")]
    TwoData,
    /// The data does not fit the declared content type, or is not base64.
    #[error("\"{member}\" is {found}: {problem}")]
    Data {
        /// `data` or `data_base64`.
        member: &'static str,
        /// The value, shortened.
        found: String,
        /// What is wrong with it.
        problem: String,
        /// What to write instead.
        instead: &'static str,
    },
}

/// Why a batch is refused: one item decides for all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidBatch {
    /// The whole text is no JSON array.
    #[error("a batch is a JSON array of events: {reason}")]
    NotAnArray {
        /// What the JSON reader says.
        reason: String,
    },
    /// One item is not an event.
    #[error("item {index} of the batch: {error}")]
    Item {
        /// Which, from 0.
        index: usize,
        /// What is wrong with it.
        error: InvalidEvent,
    },
}

impl InvalidEvent {
    /// What to write instead, as one sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Json { .. } | Self::NotAnObject { .. } => format!("Write one event as {}.", EXAMPLE),
            Self::Missing { attribute } => format!("Add {}.", example(attribute)),
            Self::Repeated { attribute } => format!("Give \"{attribute}\" once."),
            Self::TooManyExtensions => "Carry what belongs together in the data.".to_owned(),
            Self::Name { instead, .. } => instead.clone(),
            Self::Value { instead, .. } | Self::Data { instead, .. } => (*instead).to_owned(),
            Self::TwoData => "Give \"data\" for JSON or text, \"data_base64\" for other bytes.".to_owned(),
        }
    }

    /// The attribute, or the data member, that is wrong, if it is a single one.
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
    /// Which item is wrong, from 0, if it is a single one.
    #[must_use]
    pub const fn index(&self) -> Option<usize> {
        match self {
            Self::NotAnArray { .. } => None,
            Self::Item { index, .. } => Some(*index),
        }
    }

    /// What to write instead, as one sentence.
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
        "id" => r#""id": a text that is unique within the source"#,
        "source" => r#""source": who publishes, such as "/shop""#,
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
                write!(shown, "\\u{{{:x}}}", u32::from(character)).expect("a string takes all text");
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
