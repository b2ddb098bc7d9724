//! Redrive jobs as operators request and see them.

use std::num::NonZeroU32;

use camshaft_event::transaction::RedriveSelection;
use camshaft_event::{FailureCause, RedriveId, Timestamp, TypePattern};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use utoipa::ToSchema;

use super::{moment, whole};

/// Which dead letters a job redrives, and how fast. An absent member does not restrict the selection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedriveRequest {
    /// Name of the consumer whose dead letters are redriven.
    pub consumer: String,
    /// Selects events with these types, such as `order.*`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = r"^(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+)(?:\.(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+))*(?:\.\*\*)?$|^\*\*$")]
    pub event_type: Option<TypePattern>,
    /// Selects dead letters by the cause of their last failure: `retry`, `reject`, `trap`, `deadline`, …
    #[serde(default, with = "reason", skip_serializing_if = "Option::is_none")]
    #[schema(
        value_type = Option<String>,
        pattern = "^(?:retry|reject|trap|deadline|memory|stack|refused-effect|too-many-hops|panic|process-end|conflict)$"
    )]
    pub reason: Option<FailureCause>,
    /// Selects events that became dead letters at this time or later.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Selects events that became dead letters before this time.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Maximum dead letters per second. If absent, the job redrives as many as the runtime has room for.
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

/// The dead letters that a job would select if it started now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedrivePreview {
    /// Number of selected dead letters.
    pub selected: u64,
    /// Ids of the first selected dead letters, in the order of their redrive.
    pub first: Vec<String>,
}

/// A redrive job: its selection, progress and results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedriveView {
    /// Number of the job, from 1.
    #[schema(value_type = u64)]
    pub id: RedriveId,
    /// The request that started the job.
    #[serde(flatten)]
    pub request: RedriveRequest,
    /// Status of the job.
    pub status: RedriveStatusView,
    /// When the job started.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When the job was done or cancelled.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// Dead letters that the job selected at its start: the sum of `remaining`, `redriven` and `gone`.
    pub selected: u64,
    /// Selected dead letters that are not redriven yet.
    pub remaining: u64,
    /// Dead letters that the job has sent back to their consumer.
    pub redriven: u64,
    /// Dead letters that were gone before their turn: redriven by hand, discarded, or dropped by a reset.
    pub gone: u64,
    /// Redriven events that have been handled since.
    pub handled: u64,
    /// Redriven events that became dead letters again.
    pub dead_again: u64,
}

/// Status of a redrive job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedriveStatusView {
    /// Some dead letters are still to be redriven.
    Running,
    /// The job has processed all selected dead letters.
    Done,
    /// An operator stopped the job; dead letters that it has redriven stay redriven.
    Cancelled,
}

/// The dead-letter reason with this code.
///
/// # Errors
/// No reason has the code. The error is a sentence that lists all codes.
pub fn parse_reason(code: &str) -> Result<FailureCause, String> {
    FailureCause::from_code(code).ok_or_else(|| {
        let codes = FailureCause::ALL.map(FailureCause::code).join(", ");
        format!("\"{code}\" is not a dead-letter reason; the reasons are {codes}")
    })
}

/// Reasons by their codes, for serde's `with`.
mod reason {
    use super::{Deserialize, Deserializer, Error, FailureCause, Serialize, Serializer, parse_reason};

    #[expect(clippy::ref_option, reason = "serde requires this signature")]
    pub fn serialize<S: Serializer>(reason: &Option<FailureCause>, serializer: S) -> Result<S::Ok, S::Error> {
        reason.map(FailureCause::code).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FailureCause>, D::Error> {
        let code = Option::<String>::deserialize(deserializer)?;
        code.map(|code| parse_reason(&code).map_err(D::Error::custom)).transpose()
    }
}
