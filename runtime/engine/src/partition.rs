//! A partition: a consumer's unit of order and parallelism. One batch of it runs at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use camshaft_event::{Event, Key, Offset};

/// An event routed to a partition and not taken yet.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) offset: Offset,
    pub(crate) event: Arc<Event>,
}

#[derive(Debug, Default)]
pub(crate) struct Partition {
    pub(crate) pending: VecDeque<Pending>,
    /// Held keys whose next event may be tried.
    pub(crate) due: VecDeque<Key>,
    /// Whether a batch is running, and the first new event in it.
    pub(crate) running: Option<Option<Offset>>,
    /// Whether it stands in the consumer's queue of ready partitions.
    pub(crate) queued: bool,
    /// Every event of the partition before this offset is done, held or dead.
    pub(crate) done_before: Offset,
}

impl Partition {
    /// The first event that is neither done, held nor dead.
    pub(crate) fn first_open(&self) -> Option<Offset> {
        let pending = self.pending.front().map(|pending| pending.offset);
        self.running.flatten().or(pending)
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.pending.is_empty() || !self.due.is_empty()
    }
}
