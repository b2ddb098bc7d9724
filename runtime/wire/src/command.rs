//! Commands as senders and operators see them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camshaft_event::{Offset, Refusal, ScopeVersion, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{WaitsForView, moment};

/// A command: its state, and its answer once it has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CommandView {
    /// Offset of the command in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// The state of the command.
    pub state: CommandStatus,
    /// Whether the command was known: then the first sending of it counts. Absent in `GET
    /// /commands/{offset}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<bool>,
    /// The answer, in the state `answered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerView>,
    /// The events that the command published, if it published any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<FactsView>,
    /// The scopes that the decision read or recorded about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ScopeVersionView>,
    /// The consumer that holds the command, or whose dead letter it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// The cause of the wait, in the states `held`, `parked` and `suspended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<WaitsForView>,
    /// Earliest time of the next attempt, if an attempt has failed.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
}

/// The state of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommandStatus {
    /// Its consumer has not come to it.
    Pending,
    /// It waits for its next attempt.
    Held,
    /// It waits behind another command with its subject.
    Parked,
    /// It failed on a probation and waits for the end of the probation.
    Suspended,
    /// It is a dead letter. A redrive may still decide it.
    Dead,
    /// It was decided.
    Answered,
    /// An operator discarded it. It will never be decided.
    Discarded,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerView {
    /// The command was accepted, with this reply; null if the reply is empty, `{"base64": …}` if it is not
    /// JSON.
    Accepted(Value),
    /// The command was refused.
    Refused(RefusedView),
    /// A scope had another version than the sender expects.
    Mismatch(MismatchView),
}

/// A scope with another version than the sender of a command expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MismatchView {
    /// The scope, `kind/id`.
    pub scope: String,
    /// The version that the sender expects.
    pub expected: u64,
    /// The version when the command was decided.
    pub actual: u64,
}

/// A scope, and its version after a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScopeVersionView {
    /// The scope, `kind/id` with the id percent-encoded.
    pub scope: String,
    /// The number of its facts.
    pub version: u64,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RefusedView {
    /// The reason for programs.
    pub code: String,
    /// The reason for people.
    pub message: String,
    /// Further data for programs: JSON, or `{"base64": …}` if it is not JSON.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

/// Events that follow one another in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactsView {
    /// Offset of the first event.
    #[schema(value_type = u64)]
    pub first: Offset,
    /// Offset of the last event.
    #[schema(value_type = u64)]
    pub last: Offset,
}

/// Commands, in the order of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Commands {
    /// One result per command.
    pub results: Vec<CommandView>,
}

impl CommandView {
    /// A command in this state, with nothing else known.
    #[must_use]
    pub const fn new(offset: Offset, state: CommandStatus) -> Self {
        Self {
            offset,
            state,
            duplicate: None,
            answer: None,
            facts: None,
            scopes: Vec::new(),
            consumer: None,
            waits_for: None,
            due: None,
        }
    }
}

impl AnswerView {
    /// An accepted command with this reply.
    #[must_use]
    pub fn accepted(reply: &[u8]) -> Self {
        Self::Accepted(json_or_base64(reply))
    }
}

impl From<&ScopeVersion> for ScopeVersionView {
    fn from(at: &ScopeVersion) -> Self {
        Self { scope: at.scope.to_string(), version: at.version }
    }
}

impl From<&Refusal> for RefusedView {
    fn from(refusal: &Refusal) -> Self {
        let Refusal { code, message, data } = refusal;
        Self { code: code.clone(), message: message.clone(), data: json_or_base64(data) }
    }
}

/// Bytes as JSON: null if there are none, `{"base64": …}` if they are not JSON.
pub(crate) fn json_or_base64(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!({"base64": STANDARD.encode(bytes)}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_shown_as_json_if_it_is_json() {
        let shown = |reply: &[u8]| serde_json::to_value(AnswerView::accepted(reply)).unwrap();
        assert_eq!(shown(b"{\"balance\":7}"), json!({"accepted": {"balance": 7}}));
        assert_eq!(shown(b""), json!({"accepted": null}));
        assert_eq!(shown(b"\xff{"), json!({"accepted": {"base64": "/3s="}}));
    }
}
