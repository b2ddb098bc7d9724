//! Redrive jobs as the operator asks for them and sees them.

use std::num::NonZeroU32;

use camshaft_event::transaction::RedriveSelection;
use camshaft_event::{FailureCause, RedriveId, Timestamp, TypePattern};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use utoipa::ToSchema;

use super::{moment, whole};

/// Which dead letters a job shall redrive, and how fast. What is absent does not select.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedriveRequest {
    /// Whose dead letters.
    pub consumer: String,
    /// Of events of these types only, such as `order.*`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = r"^(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+)(?:\.(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+))*(?:\.\*\*)?$|^\*\*$")]
    pub event_type: Option<TypePattern>,
    /// Of those whose last attempt failed so only: `retry`, `reject`, `trap`, `deadline`, …
    #[serde(default, with = "reason", skip_serializing_if = "Option::is_none")]
    #[schema(
        value_type = Option<String>,
        pattern = "^(?:retry|reject|trap|deadline|memory|stack|refused-effect|too-many-hops|panic|process-end|conflict)$"
    )]
    pub reason: Option<FailureCause>,
    /// Of those that became dead letters at this time or later only.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Of those that became dead letters before this time only.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Dead letters per second; as many as there is room for if absent.
    #[serde(default, deserialize_with = "whole::rate", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub rate: Option<NonZeroU32>,
}

impl From<RedriveRequest> for RedriveSelection {
    fn from(request: RedriveRequest) -> Self {
        let RedriveRequest { consumer, event_type, reason, since, until, rate: _ } = request;
        Self { consumer, event_type, reason, since, until }
    }
}

/// What a job would take if it were started now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedrivePreview {
    /// How many dead letters.
    pub selected: u64,
    /// The ids of the first of them, in the order in which they would be redriven.
    pub first: Vec<String>,
}

/// A redrive job: what it takes, how far it is, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedriveView {
    /// Its number, from 1.
    #[schema(value_type = u64)]
    pub id: RedriveId,
    /// What it was asked for.
    #[serde(flatten)]
    pub request: RedriveRequest,
    /// How far it is.
    pub status: RedriveStatusView,
    /// When it was started.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it was done or cancelled.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// Dead letters that it took at its start: the sum of the next three.
    pub selected: u64,
    /// Those whose turn has not come.
    pub remaining: u64,
    /// Those that it has sent back to their consumer.
    pub redriven: u64,
    /// Those that were gone before their turn: redriven by hand, discarded, or dropped with a reset.
    pub gone: u64,
    /// Redriven events that were handled since.
    pub handled: u64,
    /// Redriven events that became dead letters again.
    pub dead_again: u64,
}

/// How far a redrive job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedriveStatusView {
    /// Dead letters are left to be redriven.
    Running,
    /// It has dealt with all that it had selected.
    Done,
    /// Somebody stopped it; what it had redriven stays redriven.
    Cancelled,
}

/// The reason of a dead letter of this code.
///
/// # Errors
/// A sentence that names all codes.
pub fn parse_reason(code: &str) -> Result<FailureCause, String> {
    FailureCause::from_code(code).ok_or_else(|| {
        let codes = FailureCause::ALL.map(FailureCause::code).join(", ");
        format!("\"{code}\" is no reason of a dead letter; the reasons are {codes}")
    })
}

/// Reasons by their codes, for serde's `with`.
mod reason {
    use super::{Deserialize, Deserializer, Error, FailureCause, Serialize, Serializer, parse_reason};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(reason: &Option<FailureCause>, serializer: S) -> Result<S::Ok, S::Error> {
        reason.map(FailureCause::code).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FailureCause>, D::Error> {
        let code = Option::<String>::deserialize(deserializer)?;
        code.map(|code| parse_reason(&code).map_err(D::Error::custom)).transpose()
    }
}
