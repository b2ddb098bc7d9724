//! A batch: up to 64 events of one partition that one worker handles and that commit as one transaction.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use camshaft_event::{ActivationId, Event, Generation, HeldEvent, Key, Offset, Sequence, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::StateSpace;

use crate::ConsumerSpec;
use crate::suspects::Suspicion;

/// Work for one worker, from [`crate::Sequencer::take`].
#[derive(Debug)]
pub struct Batch {
    /// The declaration that applies; `spec.code` says what to run.
    pub spec: Arc<ConsumerSpec>,
    /// The activation that runs.
    pub activation: ActivationId,
    /// The consumer's generation.
    pub generation: Generation,
    pub(crate) space: StateSpace,
    pub(crate) partition: u32,
    pub(crate) items: Vec<Item>,
    /// Keys among the items that were held when the batch was taken.
    pub(crate) keys: HashMap<Key, KeyInBatch>,
    /// The last transaction when the batch was taken: all that it reads, it reads later.
    pub(crate) taken_after: Sequence,
    /// Bytes of its state when the batch was taken.
    pub(crate) state_bytes: u64,
    /// Bytes of all facts when the batch was taken.
    pub(crate) fact_bytes: u64,
    /// The consumer's timers when the batch was taken.
    pub(crate) timers: usize,
    /// What is to be done with its one event, if that was running when the process ended.
    pub(crate) suspicion: Option<Suspicion>,
    /// Whether its consumer's calls were late when it was taken.
    pub(crate) is_late: bool,
    /// Which opening of the circuit its outcome may end, if it is a trial.
    pub(crate) trial: Option<u64>,
    /// Whether its one event is done already, by [`crate::Sequencer::release`].
    pub(crate) is_released: bool,
    /// Whether its activation is on probation.
    pub(crate) is_on_probation: bool,
}

/// One event of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) offset: Offset,
    pub(crate) key: Key,
    pub(crate) event: SharedEvent,
}

/// An event that several owners read: fresh from the log, or one that was held.
#[derive(Clone, Debug)]
pub struct SharedEvent(pub(crate) Origin);

/// Where an item comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// With the time when it was sequenced.
    Log(Arc<Event>, Timestamp),
    Held(Arc<HeldEvent>),
}

impl Deref for SharedEvent {
    type Target = Event;

    fn deref(&self) -> &Event {
        match &self.0 {
            Origin::Log(event, _) => event,
            Origin::Held(held) => &held.event,
        }
    }
}

/// A held key as one batch sees it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyInBatch {
    /// Held events of the key that are not done yet, in the batch or not.
    pub(crate) remaining: usize,
    /// Whether no event of the key may be tried any more in this batch.
    pub(crate) blocked: bool,
    /// Whether a dead letter parks new events of the key.
    pub(crate) parked: bool,
}

impl KeyInBatch {
    /// Whether a new event of the key must wait.
    pub(crate) fn holds_new(self) -> bool {
        (self.blocked || self.parked || self.remaining > 0) && !is_on(Sabotage::PassHeldKey)
    }
}

impl Item {
    /// The held event, if it is one.
    pub(crate) fn held(&self) -> Option<&HeldEvent> {
        match &self.event.0 {
            Origin::Log(..) => None,
            Origin::Held(held) => Some(held),
        }
    }

    /// Where it lies and when it was sequenced, if it is not held.
    pub(crate) fn new_since(&self) -> Option<(Offset, Timestamp)> {
        if let Origin::Log(_, at) = &self.event.0 { Some((self.offset, *at)) } else { None }
    }

    /// The event as one that is held from now on, with the story of its attempts so far.
    pub(crate) fn to_held(&self) -> HeldEvent {
        match &self.event.0 {
            Origin::Log(event, at) => HeldEvent::waiting((**event).clone(), Some(*at)),
            Origin::Held(held) => (**held).clone(),
        }
    }
}

impl Batch {
    /// Whether what fails in it counts for nothing but the measure: its activation is on probation. A call
    /// that is released cannot be taken back, so that counts all the same.
    #[must_use]
    pub fn is_uncounted(&self) -> bool {
        self.is_on_probation && !self.is_released
    }

    /// How many events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it runs alone, since its event was being handled when the last process ended.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.suspicion.is_some()
    }

    /// Whether it is to be called as a sink: from [`crate::Sequencer::take_call`].
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.spec.policy.sink.is_some()
    }

    /// Whether it holds no event; the sequencer never hands out such a batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
