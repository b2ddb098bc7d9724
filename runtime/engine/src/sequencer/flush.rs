//! When the overlay is frozen, and how far the log may be trimmed.

use std::sync::Arc;

use camshaft_event::transaction::ConsumerStatus;
use camshaft_event::{ConsumerId, Offset, Timestamp};
use camshaft_tables::store::Store;
use camshaft_tables::{Frozen, Progress};

use super::Sequencer;
use crate::consumer::Consumer;

impl<S: Store> Sequencer<S> {
    /// Freezes the overlay for the flusher. IMPORTANT: it may write only once the frozen sequence is durable.
    pub fn freeze(&mut self) -> Option<Arc<Frozen>> {
        let tail = self.tables.progress().next_offset;
        let floors: Vec<(ConsumerId, Offset)> = self
            .consumers
            .iter()
            .filter(|(_, consumer)| consumer.record.status != ConsumerStatus::Removed)
            .map(|(id, consumer)| (*id, consumer.floor(tail)))
            .collect();
        self.tables.freeze(floors)
    }

    /// Lets go of the frozen overlay after it was written. The caller drops it outside the lock.
    pub fn flushed(&mut self) -> Option<Arc<Frozen>> {
        self.tables.flushed()
    }

    /// What the log must keep: everything after the returned sequence, and everything from the returned offset
    /// on. The least of the durable snapshot and of all consumers that pin the log.
    #[must_use]
    pub fn needed(&self, now: Timestamp) -> Progress {
        let snapshot = self.tables.snapshot();
        let pins = |consumer: &&Consumer| match consumer.record.status {
            ConsumerStatus::Attached => true,
            ConsumerStatus::Detached { since } => now.ms_since(since) < self.options.detached_retention_ms,
            ConsumerStatus::Removed => false,
        };
        let floor = self
            .consumers
            .values()
            .filter(pins)
            .filter_map(|consumer| self.tables.flushed_floor(consumer.record.id).ok())
            .min()
            .unwrap_or(snapshot.next_offset);
        Progress { sequence: snapshot.sequence, next_offset: floor.min(snapshot.next_offset) }
    }

    /// Notes that the log now begins at `offset`.
    pub fn set_first_offset(&mut self, offset: Offset) {
        self.first_offset = self.first_offset.max(offset);
    }
}
