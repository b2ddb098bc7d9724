//! When the overlay is frozen, and how far the log may be trimmed.

use std::sync::Arc;

use camshaft_event::transaction::ConsumerStatus;
use camshaft_event::{Offset, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::store::Store;
use camshaft_tables::{ConsumerProgress, Frozen, Progress};

use super::Sequencer;
use crate::consumer::Consumer;

impl<S: Store> Sequencer<S> {
    /// Freezes the overlay for the flusher. IMPORTANT: it may write only once the frozen sequence is durable.
    pub fn freeze(&mut self) -> Option<Arc<Frozen>> {
        let tail = self.tables.progress().next_offset;
        let progress: Vec<ConsumerProgress> = self
            .consumers
            .values()
            .filter(|consumer| consumer.record.status != ConsumerStatus::Removed)
            // Of one that could not be put together nobody knows where it stands.
            .filter(|consumer| consumer.is_whole())
            .map(|consumer| ConsumerProgress {
                consumer: consumer.record.id,
                floor: consumer.floor(tail),
                recent: (consumer.watch.recent.measure().events > 0).then(|| consumer.watch.recent.clone()),
            })
            .collect();
        self.tables.freeze(progress)
    }

    /// Lets go of the frozen overlay after it was written. The caller drops it outside the lock.
    pub fn flushed(&mut self) -> Option<Arc<Frozen>> {
        self.tables.flushed()
    }

    /// What the log must keep: everything after the returned sequence, and everything from the returned
    /// offset on. The least of the durable snapshot and of all consumers that pin the log. What a detached
    /// consumer lets go cannot be taken back, so `now` comes from [`crate::Retention::now`].
    #[must_use]
    pub fn needed(&self, now: Timestamp) -> Progress {
        let Progress { sequence, next_offset } = self.tables.snapshot();
        let tail = self.tables.progress().next_offset;
        let floors = self.consumers.values().filter(|consumer| self.pins(consumer, now)).map(|consumer| {
            // The lower of where it stands and where a crash would put it back to. What cannot be read pins
            // all.
            let flushed = self.tables.flushed_floor(consumer.record.id).unwrap_or_default();
            consumer.floor(tail).min(flushed)
        });
        Progress { sequence, next_offset: floors.fold(next_offset, Offset::min) }
    }

    /// Whether the log must keep what a consumer has not read: by what memory knows of it or by the snapshot,
    /// since a crash may take back its removal.
    fn pins(&self, consumer: &Consumer, now: Timestamp) -> bool {
        if is_on(Sabotage::TrimUnread) {
            return false;
        }
        let pins = |status: ConsumerStatus| match status {
            ConsumerStatus::Attached => true,
            ConsumerStatus::Detached { since } => now.ms_since(since) < self.options.detached_retention_ms,
            ConsumerStatus::Removed => false,
        };
        pins(consumer.record.status)
            || match self.tables.flushed_consumer(consumer.record.id) {
                Ok(flushed) => flushed.is_some_and(|flushed| pins(flushed.status)),
                Err(_) => true,
            }
    }

    /// Notes that the log now begins at `offset`.
    pub fn set_first_offset(&mut self, offset: Offset) {
        self.first_offset = self.first_offset.max(offset);
    }
}
