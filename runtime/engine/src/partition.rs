//! A partition: a consumer's unit of order and parallelism. One batch of it runs at a time.

use std::collections::VecDeque;

use camshaft_event::{Key, Offset, Timestamp};

use crate::Sequenced;

#[derive(Debug, Default)]
pub(crate) struct Partition {
    /// What was routed to it and is not taken yet.
    pub(crate) pending: VecDeque<Sequenced>,
    /// Held keys whose next event may be tried.
    pub(crate) due: VecDeque<Key>,
    /// Whether a batch is running, and the first new event in it with its time.
    pub(crate) running: Option<Option<(Offset, Timestamp)>>,
    /// The held events in that batch.
    pub(crate) running_held: Vec<Offset>,
    /// Whether it stands in the consumer's queue of ready partitions.
    pub(crate) queued: bool,
    /// Every event of the partition before this offset is done, held or dead.
    pub(crate) done_before: Offset,
}

impl Partition {
    /// The first event that is neither done, held nor dead, and when it was sequenced.
    pub(crate) fn first_open(&self) -> Option<(Offset, Timestamp)> {
        let pending = self.pending.front().map(|pending| (pending.offset, pending.at));
        self.running.flatten().or(pending)
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.pending.is_empty() || !self.due.is_empty()
    }
}
