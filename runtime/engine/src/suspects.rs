//! Suspects: events that were being handled when the process ended uncleanly.
//!
//! A handler that takes the process down takes innocents in flight with it. So after such an end each suspect
//! runs alone: one batch of one event, with no other batch running. An event is condemned after
//! [`MAX_LONE_ENDS`] ends while it ran alone. One would not do: the process may be killed from outside in the
//! middle of a run that lasts.

use std::collections::BTreeMap;

use camshaft_event::{ConsumerId, Generation, Offset};
use camshaft_sabotage::{Sabotage, is_on};

/// Ends of the process while an event runs alone, after which it is not run again. With the end before, a
/// process is started five times at most for one event: as often as supervisors allow in a row.
pub(crate) const MAX_LONE_ENDS: u32 = 3;

/// What a worker leaves behind while it handles an event. The caller keeps it where it outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Who handles it.
    pub consumer: ConsumerId,
    /// The consumer's generation.
    pub generation: Generation,
    /// The event.
    pub offset: Offset,
    /// Which run this is with nothing else beside it: 1 for the first; 0 if others may run.
    pub lone_runs: u32,
}

/// What is held against an event that was being handled when the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suspicion {
    /// Ends of the process while it ran alone.
    pub(crate) lone_ends: u32,
}

impl Suspicion {
    /// Whether it does not run again: it is a dead letter when its turn comes.
    pub(crate) fn is_condemned(self) -> bool {
        self.lone_ends >= if is_on(Sabotage::CondemnAtFirstEnd) { 1 } else { MAX_LONE_ENDS }
    }

    /// Which run alone its next one is.
    pub(crate) fn next_run(self) -> u32 {
        self.lone_ends.saturating_add(1)
    }
}

/// The suspects of one consumer.
pub(crate) type Suspects = BTreeMap<Offset, Suspicion>;

impl Mark {
    /// The process ended while this mark stood.
    pub(crate) fn suspicion(self) -> Suspicion {
        Suspicion { lone_ends: self.lone_runs }
    }
}
