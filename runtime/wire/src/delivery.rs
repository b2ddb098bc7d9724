//! What became of one event: of every consumer, whether it handled the event, how, and what it published.

use camshaft_event::{Offset, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{AttemptView, moment};

/// An event of the log, and what its consumers did with it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// Its place in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// The event in the JSON format of CloudEvents.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
    /// One for each consumer, by name.
    pub deliveries: Vec<DeliveryView>,
}

/// What a consumer did with an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// The consumer's name.
    pub consumer: String,
    /// What became of the event.
    pub status: DeliveryStatus,
    /// When that happened; of a held event, since when it is held.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// The attempt that did it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The version that ran; empty for a closure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the plugin that ran, in hex; empty for a closure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What the handler published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedView>,
    /// Why a held event is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<HeldBecause>,
    /// Not before this time is a held event tried again.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// Failed attempts of an event that is held or dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_attempts: Option<u64>,
    /// The last of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<AttemptView>,
}

/// What became of an event at a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryStatus {
    /// The handler succeeded.
    Done,
    /// A consumer that is called at most once was called, and no outcome is recorded.
    Called,
    /// The event waits outside the log for an attempt.
    Held,
    /// It is a dead letter.
    Dead,
    /// It was a dead letter, and an operator discarded it.
    Discarded,
    /// A reset of the consumer dropped it, or passed it over.
    Dropped,
    /// An operator let the consumer go on without it, since it could not be read.
    Skipped,
    /// The consumer has not come to it yet, or is handling it.
    Pending,
    /// The consumer does not handle it: its type or filter does not match, or it began behind the event.
    NotWanted,
    /// The log holds too many records behind the event to tell, or the consumer is detached.
    Unknown,
}

/// Why an event is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeldBecause {
    /// It failed and waits for its next attempt.
    Retry,
    /// It failed in a version on probation and waits for the end of that.
    Probation,
    /// It waits behind an earlier event of its key.
    EarlierEvent,
    /// It is to be tried next: it was redriven, or what it waited behind is done.
    Turn,
}

/// An event that a handler published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedView {
    /// Its place in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
}

impl DeliveryView {
    /// A delivery of which nothing but its status is known.
    #[must_use]
    pub const fn new(consumer: String, status: DeliveryStatus) -> Self {
        Self {
            consumer,
            status,
            at: None,
            attempt: None,
            version: None,
            digest: None,
            published: Vec::new(),
            waits_for: None,
            due: None,
            failed_attempts: None,
            last_failure: None,
        }
    }
}
