//! What is sequenced and not yet durable: the records on their way to the log, and the events that a reader
//! of the log might not find there yet.

use std::collections::VecDeque;

use camshaft_event::{Offset, Sequence};
use camshaft_tables::Progress;

use crate::Sequenced;
use crate::write_queue::{QueuedRecord, WriteQueue};

#[derive(Debug)]
pub(crate) struct Durability {
    pub(crate) queue: WriteQueue,
    /// Events of records that are not durable, in order.
    recent: VecDeque<Sequenced>,
    durable: Progress,
}

impl Durability {
    /// Everything up to `durable` is in the log.
    pub(crate) fn of(durable: Progress) -> Self {
        Self { queue: WriteQueue::default(), recent: VecDeque::new(), durable }
    }

    /// Up to where transactions are durable.
    pub(crate) fn durable(&self) -> Progress {
        self.durable
    }

    /// Queues a record. Its events follow by [`Durability::note`].
    pub(crate) fn push(&mut self, record: QueuedRecord, is_publish: bool) {
        self.queue.push(record, is_publish);
    }

    /// Keeps an event until it is durable.
    pub(crate) fn note(&mut self, event: Sequenced) {
        self.recent.push_back(event);
    }

    /// Notes that everything up to `sequence` is durable.
    pub(crate) fn advance(&mut self, sequence: Sequence) {
        if let Some(next_offset) = self.queue.durable(sequence) {
            self.durable = Progress { sequence, next_offset };
            while self.recent.front().is_some_and(|event| event.offset < next_offset) {
                self.recent.pop_front();
            }
        }
    }

    /// The first offset from which on all events are in memory; none if none is.
    pub(crate) fn first_in_memory(&self) -> Option<Offset> {
        self.recent.front().map(|event| event.offset)
    }

    /// The events in memory from the `skip`th on, in order.
    pub(crate) fn in_memory(&self, skip: usize) -> impl Iterator<Item = &Sequenced> {
        self.recent.range(skip.min(self.recent.len())..)
    }
}
