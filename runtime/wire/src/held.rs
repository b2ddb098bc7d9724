//! Held events as operators see them.

use camshaft_event::{Offset, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AttemptView, WaitsForView, moment};

/// An event that waits for its next attempt, or behind another event of its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldEventView {
    /// `CONSUMER:OFFSET`.
    pub id: String,
    /// Name of the consumer that holds the event.
    pub consumer: String,
    /// Offset of the event in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// The event's type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The event's ordering key, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Failed attempts since the first attempt or the last redrive; 0 if the event only waits behind another.
    pub attempts: u32,
    /// How often the event was redriven.
    pub redrives: u32,
    /// When the event became held, if that is known.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub held_since: Option<Timestamp>,
    /// Earliest time of the next attempt, if an attempt has failed.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// The cause of the wait.
    pub waits_for: WaitsForView,
    /// The last failed attempt, if there is one, with the first line of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<AttemptView>,
}
