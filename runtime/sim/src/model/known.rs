//! What the model knows of one consumer in its current generation.

use std::collections::BTreeMap;

use camshaft_event::transaction::{ConsumerRecord, ConsumerStatus, Handled, TimerChange};
use camshaft_event::{ActivationId, Offset, Timestamp};

use super::commands::is_refusal;
use super::probation::Versions;
use super::reads::State;
use super::scopes::Scopes;
use crate::accounts::is_account;

/// Where an event is with one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It waits; later ones of its key may have gone past it while it was a dead letter.
    Held {
        attempts: u32,
        /// Those of them that do not count: they asked for another on probation.
        uncounted: u32,
        is_passed: bool,
        /// The activation on probation that failed it last.
        suspended_by: Option<ActivationId>,
    },
    Dead {
        parks: bool,
    },
    /// Done, but what its call asks for may still come.
    Released {
        attempts: u32,
    },
    Done,
    Discarded,
}

impl Place {
    /// Whether an event waits for the end of the probation that `record` tells of.
    pub(crate) fn waits_for_probation(self, record: &ConsumerRecord) -> bool {
        let newest = record.probation.as_ref().map(|_| record.activation);
        matches!(self, Self::Held { suspended_by: Some(by), .. } if newest == Some(by))
    }
}

pub(crate) struct Known {
    pub(crate) record: ConsumerRecord,
    /// The first event that it had to look at.
    pub(crate) start: Offset,
    pub(crate) places: BTreeMap<Offset, Place>,
    pub(crate) state: State,
    pub(crate) scopes: Scopes,
    /// Offsets of what was done since the state was empty, in log order; without refused commands.
    pub(crate) done: Vec<Offset>,
    pub(crate) timers: BTreeMap<String, Timestamp>,
    pub(crate) versions: Versions,
    /// How often the call with an event was released, in this generation.
    pub(crate) released: BTreeMap<Offset, u64>,
}

impl Known {
    pub(super) fn new(record: ConsumerRecord) -> Self {
        Self {
            record,
            start: Offset(0),
            places: BTreeMap::new(),
            state: State::new(),
            scopes: Scopes::default(),
            done: Vec::new(),
            timers: BTreeMap::new(),
            versions: Versions::default(),
            released: BTreeMap::new(),
        }
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.record.status == ConsumerStatus::Removed
    }

    pub(super) fn take_effects(&mut self, handled: &Handled) {
        if !is_refusal(handled) {
            self.done.push(handled.cause);
        }
        for write in handled.state.iter().filter(|write| !is_account(&write.key)) {
            match &write.value {
                Some(value) => self.state.insert(write.key.to_vec(), value.to_vec()),
                None => self.state.remove(&*write.key),
            };
        }
        for change in &handled.timers {
            match change {
                TimerChange::Set { name, at, .. } => self.timers.insert(name.clone(), *at),
                TimerChange::Cancel { name } => self.timers.remove(name),
            };
        }
    }

    /// What is done in this generation.
    pub(crate) fn done_now(&self) -> impl Iterator<Item = Offset> {
        self.places.iter().filter(|(_, place)| **place == Place::Done).map(|(offset, _)| *offset)
    }

    pub(crate) fn first(&self, wanted: impl Fn(Place) -> bool) -> Option<Offset> {
        self.places.iter().find(|(_, place)| wanted(**place)).map(|(offset, _)| *offset)
    }

    pub(crate) fn count(&self, wanted: impl Fn(Place) -> bool) -> usize {
        self.places.values().filter(|place| wanted(**place)).count()
    }
}

/// The name of a timer that is changed, and when it is due if it is set afterwards.
pub(super) fn timer(change: &TimerChange) -> (&str, Option<Timestamp>) {
    match change {
        TimerChange::Set { name, at, .. } => (name, Some(*at)),
        TimerChange::Cancel { name } => (name, None),
    }
}
