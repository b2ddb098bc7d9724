//! The sections of a transaction. Variant numbers are persisted; never renumber them.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_repr::{Deserialize_repr, Serialize_repr};

use super::{Activation, ConsumerRecord, RecentEvents, RedriveChanged};
use crate::{
    ActivationId, CommandChange, ConsumerId, DeadLetter, Event, Generation, HeldEvent, Offset, Timestamp,
};

/// One section: a publish, a handled event or another change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Section {
    /// A producer published events.
    #[serde(rename = "0")]
    Published(Published),
    /// A consumer processed one event.
    #[serde(rename = "1")]
    Handled(Box<Handled>),
    /// A timer fired.
    #[serde(rename = "2")]
    Fired(Box<Fired>),
    /// An operator acted on dead letters, held events or damaged entries.
    #[serde(rename = "3")]
    Intervention(Box<Intervention>),
    /// A consumer was created, attached, detached, paused, resumed, reset or removed.
    #[serde(rename = "4")]
    Consumer(Box<ConsumerChanged>),
    /// New code or settings of a consumer took effect.
    #[serde(rename = "5")]
    Activated(Box<Activated>),
    /// A redrive job started, progressed or ended, or one of its redriven events was handled or dead again.
    #[serde(rename = "6")]
    Redrive(Box<RedriveChanged>),
    /// The folds of scopes were made again from their facts.
    #[serde(rename = "7")]
    Refolded(Box<Refolded>),
}

/// Events from a producer, which enter the deduplication index. Also the runtime's own system events, which
/// do not enter it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The events, in the producer's order.
    pub events: Vec<Event>,
}

/// The outcome of an event for a consumer. Persisted as a number; never renumber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize_repr, Deserialize_repr)]
#[repr(u8)]
pub enum Outcome {
    /// The handler succeeded; the section contains its effects.
    #[default]
    Done = 0,
    /// The event waits behind an earlier event of its key; the handler was not called.
    Held = 1,
    /// The attempt failed, and the event waits for the next attempt.
    Retrying = 2,
    /// The event became a dead letter.
    DeadLettered = 3,
    /// The event counts as done, and its handler is called after this section is durable: delivery at most
    /// once. The result of the call follows in a section of its own, or never.
    Released = 4,
    /// The attempt failed during a probation. It is not counted, and the event waits until the probation
    /// ends.
    Suspended = 5,
}

/// The processing of one event by one consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// The consumer.
    pub consumer: ConsumerId,
    /// The offset of the event.
    pub cause: Offset,
    /// The partition whose checkpoint moves past the event; none for an event that was already held.
    pub advances: Option<u32>,
    /// The generation of the state that the handler wrote.
    pub state_generation: Generation,
    /// The activation that ran.
    pub activation: ActivationId,
    /// The attempt's number, from 1; 0 if the handler was not called.
    pub attempt: u32,
    /// The attempt's time.
    pub at: Timestamp,
    /// The outcome.
    pub outcome: Outcome,
    /// Events that the handler published, then the runtime's system events about this outcome.
    pub events: Vec<Event>,
    /// State that the handler wrote, in key order.
    pub state: Vec<StateWrite>,
    /// Timers set and cancelled, in order.
    pub timers: Vec<TimerChange>,
    /// The new whole values of held events.
    pub held: Vec<HeldChange>,
    /// The new whole values of dead letters.
    pub dead: Vec<DeadChange>,
    /// Whether the event had failed before. Such an event does not count in the measurement of the
    /// activation.
    #[serde(default)]
    pub again: bool,
    /// The change of the command, if the event is one and the consumer owns its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Box<CommandChange>>,
}

/// A write to one key of a plugin's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateWrite {
    /// The key.
    pub key: ByteBuf,
    /// The new value; `None` deletes the key.
    pub value: Option<ByteBuf>,
}

/// A change of a timer, identified by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimerChange {
    /// Sets the timer and replaces an earlier one of that name.
    #[serde(rename = "0")]
    Set {
        /// The timer's name, unique per consumer.
        name: String,
        /// When it is due.
        at: Timestamp,
        /// The event that it will publish.
        event: Box<Event>,
    },
    /// Cancels the timer, if it is set.
    #[serde(rename = "1")]
    Cancel {
        /// The timer's name.
        name: String,
    },
}

/// The new value of a held event; `None` removes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldChange {
    /// The event's offset.
    pub offset: Offset,
    /// The whole value.
    pub event: Option<Box<HeldEvent>>,
}

/// The new value of a dead letter; `None` removes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadChange {
    /// The event's offset.
    pub offset: Offset,
    /// The whole value.
    pub letter: Option<Box<DeadLetter>>,
}

/// A timer that fired: the timer is removed and its event is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// The consumer that set the timer.
    pub consumer: ConsumerId,
    /// The timer's name.
    pub name: String,
    /// The event, with the time of firing.
    pub event: Event,
}

/// An operator's action on dead letters, held events or damaged entries of a consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervention {
    /// The consumer.
    pub consumer: ConsumerId,
    /// Changes of held events.
    pub held: Vec<HeldChange>,
    /// Changes of dead letters.
    pub dead: Vec<DeadChange>,
    /// The runtime's system events about the action.
    pub events: Vec<Event>,
    /// Timers that are dropped because they cannot be read.
    #[serde(default)]
    pub timers: Vec<String>,
    /// The commands among the events that the operator acted on, by their offsets. Only the last field of a
    /// section may be left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<(Offset, CommandChange)>,
}

/// A change of a consumer itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerChanged {
    /// The whole new record.
    pub record: ConsumerRecord,
    /// The new checkpoint of all partitions; unchanged if absent.
    pub checkpoint: Option<Offset>,
    /// Whether held events, dead letters and timers are dropped.
    pub clears: bool,
    /// The runtime's system events about the change.
    pub events: Vec<Event>,
    /// The recent events by which the activation is measured; unchanged if absent. Events of a new activation
    /// are added to them.
    #[serde(default)]
    pub recent: Option<RecentEvents>,
}

/// Folds that code of another revision made again. The scopes keep their versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refolded {
    /// The aggregate.
    pub consumer: ConsumerId,
    /// The generation of its state.
    pub state_generation: Generation,
    /// The new whole values of its scopes.
    pub state: Vec<StateWrite>,
}

/// Code and settings that took effect. The consumer's record follows in its own section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activated {
    /// The whole activation.
    pub activation: Activation,
    /// The runtime's system events about the activation.
    pub events: Vec<Event>,
}

impl Handled {
    /// Whether the sender of a command may wait for this section: the command was decided, or is dead and
    /// will not be decided soon.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        match &self.command {
            Some(change) => change.outcome.is_some() || self.outcome == Outcome::DeadLettered,
            None => false,
        }
    }
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
            Self::Refolded(_) => &[],
        }
        .iter()
    }

    /// The same events, by value.
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
            Self::Refolded(_) => Vec::new(),
        }
    }
}
