//! Suspects: events that were being handled when the process ended uncleanly.
//!
//! A handler that takes the process down takes innocents in flight with it. So after such an end each suspect runs
//! alone: one batch of one event, with no other batch running. Whoever takes the process down again is condemned.

use std::collections::BTreeMap;

use camshaft_event::{ConsumerId, Generation, Offset};

/// What a worker leaves behind while it handles an event. The caller keeps it where it outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Who handles it.
    pub consumer: ConsumerId,
    /// The consumer's generation.
    pub generation: Generation,
    /// The event.
    pub offset: Offset,
    /// Whether nothing else runs.
    pub is_alone: bool,
}

/// How an event is to be run after its process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// With nothing else running.
    Alone,
    /// Not at all: it is a dead letter when its turn comes.
    Condemned,
}

/// The suspects of one consumer.
pub(crate) type Suspects = BTreeMap<Offset, Suspicion>;

impl Mark {
    pub(crate) fn suspicion(self) -> Suspicion {
        if self.is_alone { Suspicion::Condemned } else { Suspicion::Alone }
    }
}
