//! Held events as the operator sees them.

use camshaft_event::{Offset, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AttemptView, WaitsForView, moment};

/// An event that waits for its next attempt, or behind another of its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldEventView {
    /// `CONSUMER:OFFSET`.
    pub id: String,
    /// Whose.
    pub consumer: String,
    /// The event's place in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// The event's type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The event's ordering key, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Failed attempts since it was first tried or last redriven; 0 if it only waits behind another.
    pub attempts: u32,
    /// How often it was redriven.
    pub redrives: u32,
    /// Since when it is held, if that is known.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub held_since: Option<Timestamp>,
    /// When its next attempt is due at the earliest, if one has failed.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// What it waits for.
    pub waits_for: WaitsForView,
    /// The attempt that failed last, if one has, with the first line of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<AttemptView>,
}
