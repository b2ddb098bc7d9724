//! Dead letters as operators see them.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use camshaft_event::{Offset, Timestamp, TypePattern};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Encoding, moment};

/// Which dead letters to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterQuery {
    /// Lists dead letters of this consumer only.
    pub consumer: Option<String>,
    /// Lists dead letters with these event types only.
    pub event_type: Option<TypePattern>,
    /// Maximum number of dead letters on the page, at least 1.
    pub limit: usize,
    /// `next` of the previous page.
    pub cursor: Option<String>,
}

/// A dead letter in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterSummary {
    /// `CONSUMER:OFFSET`.
    pub id: String,
    /// Name of the consumer.
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
    /// When the event became a dead letter.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Cause of the last attempt's failure: `retry`, `reject`, `trap`, `deadline`, …
    pub reason: String,
    /// The first line of the last attempt's error.
    pub error: String,
    /// Number of failed attempts.
    pub attempts: u64,
    /// How often the event was redriven.
    pub redrives: u32,
    /// Whether later events of the same key wait behind this one.
    pub parks: bool,
    /// Number of events that wait behind this one.
    pub waiting: u64,
}

/// A dead letter with all its details.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterView {
    /// The fields that a listing shows.
    #[serde(flatten)]
    pub summary: DeadLetterSummary,
    /// The event in the JSON format of CloudEvents, with the extension `offset`.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
    /// The first and the last ten failed attempts, oldest first.
    pub history: Vec<AttemptView>,
    /// SHA-256 of the plugin file that ran in the last failed attempt, in hex; empty for a closure.
    pub digest: String,
    /// Version of that plugin.
    pub version: String,
    /// The data that the last attempt read.
    pub inputs: InputsView,
    /// The first events that wait behind this one, in order.
    pub waiting_events: Vec<WaitingView>,
}

impl DeadLetterView {
    /// The JSON of an event at `offset`, for the field `event`.
    #[must_use]
    pub fn event_json(event: &camshaft_event::Event, offset: Offset) -> Box<RawValue> {
        let json = camshaft_event::cloudevents::print(event, Some(offset));
        RawValue::from_string(json).expect("a printed event is JSON")
    }
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Number of the attempt, from 1. A redrive restarts the numbering.
    pub attempt: u32,
    /// Time of the attempt.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Number of the activation that ran.
    pub activation: u64,
    /// Cause of the failure: `retry`, `reject`, `trap`, `deadline`, …
    pub cause: String,
    /// Message, panic text and backtrace.
    pub error: String,
}

/// The inputs of an attempt, apart from the event and the fields of its entry in the history. With these, the
/// attempt can run again elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputsView {
    /// Generation of the consumer. It is part of the seed of random numbers, with the consumer's name and the
    /// offset.
    #[serde(default)]
    pub generation: u32,
    /// The plugin's configuration that the attempt could read.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// State values that the attempt read, in the order of reading.
    pub state: Vec<InputView>,
    /// Whether state values were left out, for example because of their size.
    pub truncated: bool,
}

/// A state value that an attempt read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputView {
    /// The key.
    pub key: String,
    /// How `key` is encoded, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The value as JSON; null if the key had no value.
    #[schema(value_type = Value)]
    pub value: serde_json::Value,
    /// The bytes of the value in base64; absent if the key had no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_base64: Option<String>,
}

impl InputView {
    /// The value that an attempt read at `key`.
    #[must_use]
    pub fn new(key: &[u8], value: Option<&[u8]>) -> Self {
        let (key, encoding) = Encoding::of(key);
        let value_base64 = value.map(|value| STANDARD.encode(value));
        Self { key, encoding, value: value.map_or(serde_json::Value::Null, super::state_json), value_base64 }
    }

    /// The bytes of the key and the value; none if one of them is not valid base64.
    #[must_use]
    pub fn bytes(&self) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let key = match self.encoding {
            None => self.key.clone().into_bytes(),
            Some(Encoding::Base64) => STANDARD.decode(&self.key).ok()?,
        };
        let value = self.value_base64.as_ref().map(|text| STANDARD.decode(text).ok());
        match value {
            Some(None) => None,
            value => Some((key, value.flatten())),
        }
    }
}

/// An event that waits behind a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingView {
    /// Offset of the event in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// Id of the event.
    pub id: String,
    /// Type of the event.
    #[serde(rename = "type")]
    pub event_type: String,
}

/// Status of an event that is or was a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedrivenView {
    /// Whether the event is waiting, dead or gone.
    pub status: RedrivenStatus,
}

/// Status of an event that is or was a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedrivenStatus {
    /// The event will be handled, at once or after a wait.
    Waiting,
    /// The event is a dead letter.
    Dead,
    /// The event was handled, discarded or dropped by a reset.
    Gone,
}
