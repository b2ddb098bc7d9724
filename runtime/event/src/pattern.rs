//! Type patterns, which select the event types of a subscription.
//!
//! `*` matches one dotted segment, a final `**` one or more. A pattern whose first segment is a wildcard
//! never matches the runtime's own `camshaft.*` events.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::reserved;

/// A pattern over event types, such as `order.placed`, `order.*` or `order.**`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypePattern(String);

/// Why a text is not a type pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{pattern}\" is not a type pattern: {reason}")]
pub struct PatternError {
    /// The text that was parsed.
    pub pattern: String,
    /// The reason.
    pub reason: &'static str,
}

impl TypePattern {
    /// Whether the pattern matches `event_type`.
    #[must_use]
    pub fn matches(&self, event_type: &str) -> bool {
        if let Some(exact) = self.exact() {
            return exact == event_type;
        }
        let mut wanted = self.0.split('.');
        let mut actual = event_type.split('.');
        let mut first = true;
        loop {
            let (want, segment) = match (wanted.next(), actual.next()) {
                (None, None) => return true,
                (Some(want), Some(segment)) => (want, segment),
                _ => return false,
            };
            if std::mem::take(&mut first) && segment == reserved::TYPE && want != reserved::TYPE {
                return false;
            }
            match want {
                "**" => return true,
                "*" => {}
                _ if want != segment => return false,
                _ => {}
            }
        }
    }

    /// Whether both patterns match some common event type.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.0.split('.'), other.0.split('.'));
        let mut first = true;
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some("**"), Some(other)) | (Some(other), Some("**")) => {
                    return !(first && other == reserved::TYPE);
                }
                (Some("*"), Some(other)) | (Some(other), Some("*")) => {
                    if first && other == reserved::TYPE {
                        return false;
                    }
                }
                (Some(ours), Some(theirs)) if ours == theirs => {}
                _ => return false,
            }
            first = false;
        }
    }

    /// The exact type, if the pattern has no wildcard. The dispatcher's index uses it.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(&self.0)
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TypePattern {
    type Err = PatternError;

    fn from_str(pattern: &str) -> Result<Self, PatternError> {
        let refuse = |reason| Err(PatternError { pattern: pattern.to_owned(), reason });
        let last = pattern.split('.').count() - 1;
        for (at, segment) in pattern.split('.').enumerate() {
            match segment {
                "" => return refuse("a segment between dots is empty"),
                "**" if at < last => return refuse("`**` may only be the last segment"),
                "*" | "**" => {}
                _ if segment.contains('*') => return refuse("a wildcard stands for a whole segment"),
                _ if segment.chars().any(|c| c.is_whitespace() || c.is_control()) => {
                    return refuse("it contains white space");
                }
                _ => {}
            }
        }
        Ok(Self(pattern.to_owned()))
    }
}

impl TryFrom<String> for TypePattern {
    type Error = PatternError;

    fn try_from(pattern: String) -> Result<Self, PatternError> {
        pattern.parse()
    }
}

impl From<TypePattern> for String {
    fn from(pattern: TypePattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> TypePattern {
        text.parse().unwrap()
    }

    #[test]
    fn wildcards_stand_for_whole_segments() {
        for (text, matching, other) in [
            ("order.placed", vec!["order.placed"], vec!["order", "order.placed.eu", "order.paid"]),
            ("order.*", vec!["order.placed", "order.paid"], vec!["order", "order.placed.eu"]),
            ("*.placed", vec!["order.placed"], vec!["placed", "camshaft.placed"]),
            ("order.**", vec!["order.placed", "order.placed.eu"], vec!["order", "orders.placed"]),
            ("**", vec!["a", "a.b.c"], vec!["camshaft.plugin.activated"]),
            ("camshaft.**", vec!["camshaft.plugin.activated"], vec!["camshaft", "order.placed"]),
        ] {
            for event_type in matching {
                assert!(pattern(text).matches(event_type), "{text} should match {event_type}");
            }
            for event_type in other {
                assert!(!pattern(text).matches(event_type), "{text} should not match {event_type}");
            }
        }
    }

    #[test]
    fn overlap_is_found_whichever_pattern_comes_first() {
        for (a, b, expected) in [
            ("order.*", "order.placed", true),
            ("order.*", "*.placed", true),
            ("order.*", "order.placed.eu", false),
            ("order.**", "order.placed.eu", true),
            ("**", "order", true),
            ("**", "camshaft.**", false),
            ("order.placed", "order.paid", false),
            ("a.*.c", "a.b.**", true),
        ] {
            assert_eq!(pattern(a).overlaps(&pattern(b)), expected, "{a} and {b}");
            assert_eq!(pattern(b).overlaps(&pattern(a)), expected, "{b} and {a}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused_with_the_reason() {
        for (text, reason) in [
            ("", "empty"),
            ("order.", "empty"),
            ("**.order", "last segment"),
            ("ord*", "whole segment"),
            ("order placed", "white space"),
        ] {
            let error = text.parse::<TypePattern>().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
