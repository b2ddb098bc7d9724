//! Dead letters as the operator sees them.

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
    /// Of this consumer only.
    pub consumer: Option<String>,
    /// Of events of these types only.
    pub event_type: Option<TypePattern>,
    /// At most so many; at least 1.
    pub limit: usize,
    /// Those after the page that gave this out.
    pub cursor: Option<String>,
}

/// A dead letter in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterSummary {
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
    /// When it became a dead letter.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What kind of failure the last attempt was: `retry`, `reject`, `trap`, `deadline`, …
    pub reason: String,
    /// The first line of the last attempt's error.
    pub error: String,
    /// Failed attempts.
    pub attempts: u64,
    /// How often it was redriven.
    pub redrives: u32,
    /// Whether later events of its key wait behind it.
    pub parks: bool,
    /// How many do.
    pub waiting: u64,
}

/// A dead letter with all that is known about it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterView {
    /// What a listing says of it.
    #[serde(flatten)]
    pub summary: DeadLetterSummary,
    /// The event in the JSON format of CloudEvents, as [`event_json`](Self::event_json) makes it.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
    /// The first and the last ten failed attempts, oldest first.
    pub history: Vec<AttemptView>,
    /// SHA-256 of the plugin that failed last, in hex; empty for a closure.
    pub digest: String,
    /// Its version.
    pub version: String,
    /// What the last attempt read.
    pub inputs: InputsView,
    /// The first of the events that wait behind it, in order.
    pub waiting_events: Vec<WaitingView>,
}

impl DeadLetterView {
    /// An event, published at `offset`, as the field `event` holds it.
    #[must_use]
    pub fn event_json(event: &camshaft_event::Event, offset: Offset) -> Box<RawValue> {
        let json = camshaft_event::cloudevents::print(event, Some(offset));
        RawValue::from_string(json).expect("a printed event is JSON")
    }
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Its number, from 1, since the event was first tried or last redriven.
    pub attempt: u32,
    /// The attempt's time.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The activation that ran.
    pub activation: u64,
    /// What kind of failure: `retry`, `reject`, `trap`, `deadline`, …
    pub cause: String,
    /// Message, panic text and backtrace.
    pub error: String,
}

/// What an attempt saw, beside the event and what its entry in the history says. Enough to run it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputsView {
    /// The consumer's generation. With its name and the offset it is the seed of random numbers.
    #[serde(default)]
    pub generation: u32,
    /// What it could read of the plugin's configuration.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// State values, in the order of reading.
    pub state: Vec<InputView>,
    /// Whether some were left out because there was too much.
    pub truncated: bool,
}

/// A state value that an attempt read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputView {
    /// The key.
    pub key: String,
    /// How `key` is written, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The value as JSON; null if there was none.
    #[schema(value_type = Value)]
    pub value: serde_json::Value,
    /// The value's bytes in base64; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_base64: Option<String>,
}

impl InputView {
    /// What was read at `key`.
    #[must_use]
    pub fn new(key: &[u8], value: Option<&[u8]>) -> Self {
        let (key, encoding) = Encoding::of(key);
        let value_base64 = value.map(|value| STANDARD.encode(value));
        Self { key, encoding, value: value.map_or(serde_json::Value::Null, super::state_json), value_base64 }
    }

    /// The bytes of key and value; none if they are not written as base64 says.
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
    /// Its place in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
}

/// Where an event stands that was redriven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedrivenView {
    /// Whether it waits, is dead again or is gone.
    pub status: RedrivenStatus,
}

/// Where a redriven event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedrivenStatus {
    /// It is to be handled, at once or after a wait.
    Waiting,
    /// It is a dead letter.
    Dead,
    /// It is neither: it was handled, discarded or dropped with a reset.
    Gone,
}
