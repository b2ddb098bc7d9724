//! Commands: events that ask for a decision, and the decisions about them.
//!
//! A command is an event that the runtime marked when it was sent ([`crate::reserved::COMMAND`]). One
//! consumer owns its type and answers it. The answer commits in the section that completes the command.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use thiserror::Error;

use crate::{Event, EventHash, InvalidScope, ScopeFacts, ScopeVersion, Timestamp};

/// What a consumer decided about a command, or what an operator did with it. Persisted; never renumber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandOutcome {
    /// The command was accepted. Its effects commit with the answer.
    #[serde(rename = "0")]
    Accepted {
        /// The reply to the sender, in the form that the consumer chose; usually JSON.
        reply: ByteBuf,
    },
    /// The command was refused. It has no effects.
    #[serde(rename = "1")]
    Refused(Refusal),
    /// An operator discarded the command. It will never be decided.
    #[serde(rename = "2")]
    Discarded,
    /// A scope had another version than the sender expects. The command has no effects.
    #[serde(rename = "3")]
    Mismatch {
        /// The scope, with the version that the sender expects.
        expected: ScopeVersion,
        /// Its version.
        actual: u64,
    },
}

/// Why a command was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason for programs, such as `course-full`.
    pub code: String,
    /// The reason for people.
    pub message: String,
    /// Further data for programs, in the form that the consumer chose; usually JSON.
    pub data: ByteBuf,
}

impl Refusal {
    /// The code of a refusal whose command expired before it was decided.
    pub const EXPIRED: &str = "expired";
}

impl CommandOutcome {
    /// The bytes that `limits.max_answer_bytes` counts.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Accepted { reply } => reply.len(),
            Self::Refused(refusal) => refusal.code.len() + refusal.message.len() + refusal.data.len(),
            Self::Discarded | Self::Mismatch { .. } => 0,
        }
    }
}

/// The extension of CloudEvents that says until when a command may be decided.
const EXPIRY: &str = "expirytime";

/// The extension `expirytime` of a command is not a time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expirytime \"{value}\" is not an RFC 3339 time")]
pub struct InvalidExpiry {
    /// The value.
    pub value: String,
}

/// Until when a command may be decided, by its extension `expirytime`; `None` if it has none.
///
/// # Errors
/// The value is not a time.
pub fn expiry(command: &Event) -> Result<Option<Timestamp>, InvalidExpiry> {
    let Some(value) = command.extension(EXPIRY) else { return Ok(None) };
    let time: jiff::Timestamp = value.parse().map_err(|_| InvalidExpiry { value: value.to_owned() })?;
    // A time before 1970 is over, too.
    Ok(Some(Timestamp(u64::try_from(time.as_millisecond()).unwrap_or_default())))
}

/// The extension of a command that names the versions that its sender expects.
pub const EXPECT: &str = "expect";

/// The extension `expect` of a command is not valid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidExpectation {
    /// A part is not a scope with a version.
    #[error("expect: {0}")]
    Scope(#[from] InvalidScope),
    /// Two parts name one scope with different versions.
    #[error("expect names scope \"{scope}\" with versions {first} and {second}")]
    Contradiction {
        /// The scope.
        scope: String,
        /// One version.
        first: u64,
        /// The other one.
        second: u64,
    },
}

/// The versions that the sender of `command` expects, by its extension `expect`; none if it has none.
///
/// # Errors
/// A part that is not a scope with a version, or a contradiction.
pub fn expectations(command: &Event) -> Result<Vec<ScopeVersion>, InvalidExpectation> {
    let Some(text) = command.extension(EXPECT) else { return Ok(Vec::new()) };
    let parts = ScopeVersion::parse_list(text)?;
    for (index, part) in parts.iter().enumerate() {
        let earlier = parts.iter().take(index).find(|earlier| earlier.scope == part.scope);
        if let Some(earlier) = earlier.filter(|earlier| earlier.version != part.version) {
            let (scope, first, second) = (part.scope.to_string(), earlier.version, part.version);
            return Err(InvalidExpectation::Contradiction { scope, first, second });
        }
    }
    Ok(parts)
}

/// The change of one command in a section of its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandChange {
    /// [`EventHash::identity`] of the command, as two halves of 64 bits, the higher one first.
    identity: (u64, u64),
    /// [`EventHash::content`] of the command.
    content: u64,
    /// The decision; `None` if the command is held or dead, and waits for its decision beyond the retention.
    pub outcome: Option<CommandOutcome>,
    /// The scopes that the decision read or recorded about. Only the last field may be left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ScopeFacts>,
}

impl CommandChange {
    /// The command with the hashes `command` was decided, or waits outside the log.
    #[must_use]
    pub fn new(command: EventHash, outcome: Option<CommandOutcome>) -> Self {
        let [high, low] = [command.identity >> 64, command.identity & u128::from(u64::MAX)]
            .map(|half| u64::try_from(half).expect("a half of 128 bits has 64 bits"));
        Self { identity: (high, low), content: command.content, outcome, scopes: Vec::new() }
    }

    /// The scopes with their versions after the decision.
    #[must_use]
    pub fn scope_versions(&self) -> Vec<ScopeVersion> {
        let version = |ScopeFacts { scope, version, .. }: &ScopeFacts| ScopeVersion {
            scope: scope.clone(),
            version: *version,
        };
        self.scopes.iter().map(version).collect()
    }

    /// The hashes of the command.
    #[must_use]
    pub fn command(&self) -> EventHash {
        let (high, low) = self.identity;
        EventHash { identity: u128::from(high) << 64 | u128::from(low), content: self.content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_time_with_any_offset() {
        let with = |value: &str| {
            let mut command = Event::default();
            command.set_extension(EXPIRY, value);
            expiry(&command)
        };
        assert_eq!(expiry(&Event::default()), Ok(None));
        assert_eq!(with("1970-01-01T01:00:01.5+01:00"), Ok(Some(Timestamp(1_500))));
        assert_eq!(with("1969-01-01T00:00:00Z"), Ok(Some(Timestamp(0))));
        assert_eq!(with("tomorrow"), Err(InvalidExpiry { value: "tomorrow".into() }));
    }

    #[test]
    fn a_change_keeps_the_hashes_of_its_command() {
        let command = EventHash { identity: 0x0123_4567_89ab_cdef_1032_5476_98ba_dcfe, content: 7 };
        assert_eq!(CommandChange::new(command, None).command(), command);
    }
}
