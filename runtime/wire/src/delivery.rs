//! The deliveries of one event: its status at every consumer, and the events that the handlers published.

use camshaft_event::{Offset, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{AttemptView, moment};

/// An event of the log, and its deliveries to consumers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// Offset of the event in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// The event in the JSON format of CloudEvents.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
    /// One delivery for each consumer, by name.
    pub deliveries: Vec<DeliveryView>,
}

/// Delivery of an event to one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// The consumer's name.
    pub consumer: String,
    /// Status of the event at this consumer.
    pub status: DeliveryStatus,
    /// When the event got this status.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Number of the attempt that led to this status, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Version of the plugin that ran; empty for a closure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the plugin that ran, in hex; empty for a closure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Events that the handler published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedView>,
    /// Why the event is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<HeldBecause>,
    /// Earliest time of the next attempt of a held event.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// Number of failed attempts of a held event or a dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_attempts: Option<u64>,
    /// The last failed attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<AttemptView>,
}

/// Status of an event at a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryStatus {
    /// The handler succeeded.
    Done,
    /// A consumer with `at-most-once` delivery was called, and no outcome is recorded.
    Called,
    /// The event is held: it waits for an attempt.
    Held,
    /// The event is a dead letter.
    Dead,
    /// The event was a dead letter, and an operator discarded it.
    Discarded,
    /// A reset of the consumer dropped the event or moved past it.
    Dropped,
    /// The event could not be read, and an operator let the consumer skip it.
    Skipped,
    /// The consumer has not reached the event yet, or is handling it.
    Pending,
    /// The consumer does not handle the event: no subscription matches, or the consumer starts after the
    /// event.
    NotWanted,
    /// The status cannot be derived: too many records follow the event, or the consumer is detached.
    Unknown,
}

/// Why an event is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeldBecause {
    /// The event failed and waits for its next attempt.
    Retry,
    /// The event failed in a version on probation and waits for the end of the probation.
    Probation,
    /// The event waits behind an earlier event of its key.
    EarlierEvent,
    /// The event is next: it was redriven, or the event before it is done.
    Turn,
}

/// An event that a handler published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedView {
    /// Offset of the event in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// Type of the event.
    #[serde(rename = "type")]
    pub event_type: String,
}

impl DeliveryView {
    /// A delivery with a status and no other details.
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
