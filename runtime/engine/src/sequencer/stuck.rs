//! Stuck work: the oldest event that a consumer has not handled, and what the oldest held key waits for.
//!
//! Each is found by an index, however many events wait.

use camshaft_event::{Key, Offset, Timestamp};

use super::Pause;
use crate::clock::SteadyTime;
use crate::consumer::{Consumer, Reading};
use crate::held_keys::HeldPlace;

/// An event that is neither done nor dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unhandled {
    /// Its place.
    pub offset: Offset,
    /// When it was sequenced. Not known here if it has not been read from the log yet, where it may turn out
    /// to be none that the consumer wants, or if an older version set it aside; the log may tell.
    pub sequenced_at: Option<Timestamp>,
}

/// A held key: the first of its events that wait, and what that waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldestHeld {
    /// The key.
    pub key: Key,
    /// The first event that waits under it.
    pub first: Unhandled,
    /// How many wait under it, this one included.
    pub events: usize,
    /// What the first one waits for.
    pub waits_for: WaitsFor,
    /// When its next attempt is due at the earliest, if one has failed.
    pub due: Option<Timestamp>,
}

/// What a held event waits for: the first of these that applies; of its due time and the rate limit, the
/// later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// For the dead letter before it to be redriven or discarded.
    DeadLetter {
        /// That one.
        offset: Offset,
    },
    /// For another held event of its key, which comes first.
    Event {
        /// That one.
        offset: Offset,
    },
    /// For the end of the attempt that is being made of it.
    Attempt,
    /// For the consumer to be attached again.
    Code,
    /// For the end of a pause.
    Pause(Pause),
    /// For the end of the probation on which it failed.
    Probation {
        /// At the latest.
        until: Timestamp,
    },
    /// For its next attempt.
    Retry {
        /// Not before.
        due: Timestamp,
    },
    /// For the rate limit.
    Rate {
        /// Until then.
        until: Timestamp,
    },
    /// For a worker, or for the batch that its partition runs.
    Turn,
}

impl Consumer {
    pub(super) fn oldest(&self, tail: Offset) -> Option<Unhandled> {
        let open = self.first_open().map(|(offset, at)| Unhandled { offset, sequenced_at: Some(at) });
        let unread = match self.reading {
            Reading::Following => None,
            Reading::Lagging { next, .. } | Reading::Stopped { next } => {
                (next < tail).then_some(Unhandled { offset: next, sequenced_at: None })
            }
        };
        let held = self.held.oldest().map(|held| held.first());
        [open, unread, held].into_iter().flatten().min_by_key(|unhandled| unhandled.offset)
    }

    pub(super) fn oldest_held(&self, steady: &SteadyTime) -> Option<OldestHeld> {
        let held = self.held.oldest()?;
        let (waits_for, due) = (self.waits_for(&held, steady), held.due(steady));
        Some(OldestHeld { key: held.key.clone(), first: held.first(), events: held.events, waits_for, due })
    }

    /// Whether an attempt of a held event is being made, or begins before anything else of its partition can.
    pub(super) fn is_attempting(&self, held: &HeldPlace<'_>) -> bool {
        let partition = self.partitions.get(held.key.partition(self.record.partitions) as usize);
        partition.is_some_and(|partition| partition.running_held.contains(&held.offset))
    }

    /// What a held event waits for.
    pub(super) fn waits_for(&self, held: &HeldPlace<'_>, steady: &SteadyTime) -> WaitsFor {
        let pause = Pause::of(self, steady).into_iter().find(|pause| match pause {
            Pause::Operator { .. } | Pause::Probation { .. } | Pause::Damaged => true,
            Pause::Breaker { .. } => self.circuit.blocks_until().is_some(),
            Pause::Bound => false,
        });
        if self.is_attempting(held) {
            WaitsFor::Attempt
        } else if let Some(offset) = held.parked_behind {
            WaitsFor::DeadLetter { offset }
        } else if let Some(offset) = held.behind {
            WaitsFor::Event { offset }
        } else if !self.is_attached() {
            WaitsFor::Code
        } else if let Some(pause) = pause {
            WaitsFor::Pause(pause)
        } else if let Some(until) = self.probation_until().filter(|_| held.is_suspended) {
            WaitsFor::Probation { until: steady.to_wall(until) }
        } else {
            let number = held.key.partition(self.record.partitions);
            let partition = self.partitions.get(number as usize);
            let is_running = partition.is_some_and(|partition| partition.running.is_some());
            let has_come = |due: Timestamp| due < steady.now(due);
            match (held.scheduled, self.next_token().filter(|_| !is_running)) {
                // At the rate limit it is not moved there before the limit is over, either.
                (Some(due), _) if is_running && has_come(due) => WaitsFor::Turn,
                (due, Some(until)) if due.is_none_or(|due| due < until) => {
                    WaitsFor::Rate { until: steady.to_wall(until) }
                }
                (Some(due), _) => WaitsFor::Retry { due: steady.to_wall(due) },
                (None, _) => WaitsFor::Turn,
            }
        }
    }
}

impl HeldPlace<'_> {
    fn first(&self) -> Unhandled {
        Unhandled { offset: self.offset, sequenced_at: self.entry.sequenced_at }
    }

    /// When its next attempt is due at the earliest, as the wall clock will show it; none if none has failed,
    /// or if it waits for the end of a probation.
    pub(super) fn due(&self, steady: &SteadyTime) -> Option<Timestamp> {
        let is_retried = self.entry.tried && !self.is_suspended;
        is_retried.then(|| steady.to_wall(self.entry.due))
    }
}
