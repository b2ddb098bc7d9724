//! The sections of a transaction. Variant numbers are persisted, never renumber.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_repr::{Deserialize_repr, Serialize_repr};

use super::{Activation, ConsumerRecord, RecentEvents, RedriveChanged};
use crate::{ActivationId, ConsumerId, DeadLetter, Event, Generation, HeldEvent, Offset, Timestamp};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Section {
    /// A producer published.
    #[serde(rename = "0")]
    Published(Published),
    /// A consumer dealt with one event.
    #[serde(rename = "1")]
    Handled(Box<Handled>),
    /// A timer came due.
    #[serde(rename = "2")]
    Fired(Box<Fired>),
    /// An operator redrove or discarded a dead letter.
    #[serde(rename = "3")]
    Intervention(Box<Intervention>),
    /// A consumer was created, attached, detached, paused, resumed, reset or removed.
    #[serde(rename = "4")]
    Consumer(Box<ConsumerChanged>),
    /// Code and settings of a consumer took effect.
    #[serde(rename = "5")]
    Activated(Box<Activated>),
    /// A redrive job was started, got on or ended, or what it had redriven did.
    #[serde(rename = "6")]
    Redrive(Box<RedriveChanged>),
}

/// Events from a producer, entered in the dedupe index; also the runtime's own system events, which are not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// In the producer's order.
    pub events: Vec<Event>,
}

/// How a consumer dealt with an event. Persisted as a number, never renumber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize_repr, Deserialize_repr)]
#[repr(u8)]
pub enum Outcome {
    /// The handler succeeded; its effects stand in the section.
    #[default]
    Done = 0,
    /// The event waits behind another of its key; the handler was not called.
    Held = 1,
    /// The attempt failed and the event waits for another.
    Retrying = 2,
    /// The event became a dead letter.
    DeadLettered = 3,
    /// The event counts as done, and its handler is called once that is durable: delivery at most once. What came of
    /// the call follows in a section of its own, or never.
    Released = 4,
    /// The attempt failed on probation: it is not counted, and the event waits for the end of the probation.
    Suspended = 5,
}

/// What one consumer did with one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// Whose handler.
    pub consumer: ConsumerId,
    /// The event.
    pub cause: Offset,
    /// The partition whose checkpoint passes the event; none for an event that was already held.
    pub advances: Option<u32>,
    /// The generation of the state that it wrote.
    pub state_generation: Generation,
    /// The activation that ran.
    pub activation: ActivationId,
    /// The attempt's number, from 1; 0 if the handler was not called.
    pub attempt: u32,
    /// The attempt's time.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// What the handler published, then what the runtime says about it.
    pub events: Vec<Event>,
    /// What the handler wrote, in key order.
    pub state: Vec<StateWrite>,
    /// Timers set and cancelled, in order.
    pub timers: Vec<TimerChange>,
    /// The new whole values of held events.
    pub held: Vec<HeldChange>,
    /// The new whole values of dead letters.
    pub dead: Vec<DeadChange>,
    /// Whether the event had failed before, so that it says nothing of the activation.
    #[serde(default)]
    pub again: bool,
}

/// One key of a plugin's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateWrite {
    /// The key.
    pub key: ByteBuf,
    /// Its new value; deleted if absent.
    pub value: Option<ByteBuf>,
}

/// A timer set or cancelled by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimerChange {
    /// Set, in place of an earlier one of the name.
    #[serde(rename = "0")]
    Set {
        /// Unique per consumer.
        name: String,
        /// When it is due.
        at: Timestamp,
        /// What it will publish.
        event: Box<Event>,
    },
    /// Cancelled, if it was set.
    #[serde(rename = "1")]
    Cancel {
        /// The timer's name.
        name: String,
    },
}

/// The new value of a held event; gone if absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldChange {
    /// The event's offset.
    pub offset: Offset,
    /// The whole value.
    pub event: Option<Box<HeldEvent>>,
}

/// The new value of a dead letter; gone if absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadChange {
    /// The event's offset.
    pub offset: Offset,
    /// The whole value.
    pub letter: Option<Box<DeadLetter>>,
}

/// A timer that came due: it is removed and its event published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// Whose timer.
    pub consumer: ConsumerId,
    /// Its name.
    pub name: String,
    /// The event, with the time of firing.
    pub event: Event,
}

/// An operator's act on dead letters, or on what a consumer cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervention {
    /// Whose dead letters.
    pub consumer: ConsumerId,
    /// Held events that came of it.
    pub held: Vec<HeldChange>,
    /// Dead letters that went.
    pub dead: Vec<DeadChange>,
    /// What the runtime says about it.
    pub events: Vec<Event>,
    /// Timers that are dropped, since they cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<String>,
}

/// A change of a consumer itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerChanged {
    /// The whole new record.
    pub record: ConsumerRecord,
    /// Where all its partitions stand from now on; unchanged if absent.
    pub checkpoint: Option<Offset>,
    /// Whether held events, dead letters and timers are dropped.
    pub clears: bool,
    /// What the runtime says about it.
    pub events: Vec<Event>,
    /// The events by which it is measured from now on; unchanged if absent. Those of a new activation go on from here.
    #[serde(default)]
    pub recent: Option<RecentEvents>,
}

/// Code and settings that took effect; the consumer's record follows in its own section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activated {
    /// The whole activation.
    pub activation: Activation,
    /// What the runtime says about it.
    pub events: Vec<Event>,
}

impl Section {
    /// The events that the section adds to the log, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        match self {
            Self::Published(published) => published.events.as_slice(),
            Self::Handled(handled) => handled.events.as_slice(),
            Self::Fired(fired) => std::slice::from_ref(&fired.event),
            Self::Intervention(intervention) => intervention.events.as_slice(),
            Self::Consumer(changed) => changed.events.as_slice(),
            Self::Activated(activated) => activated.events.as_slice(),
            Self::Redrive(changed) => changed.events.as_slice(),
        }
        .iter()
    }

    /// The same events, moved out.
    #[must_use]
    pub fn into_events(self) -> Vec<Event> {
        match self {
            Self::Published(published) => published.events,
            Self::Handled(handled) => handled.events,
            Self::Fired(fired) => vec![fired.event],
            Self::Intervention(intervention) => intervention.events,
            Self::Consumer(changed) => changed.events,
            Self::Activated(activated) => activated.events,
            Self::Redrive(changed) => changed.events,
        }
    }
}
