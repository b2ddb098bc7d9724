//! Lagging consumers: each reads the log at its own pace through a bounded window.
//!
//! The caller's reader thread asks what to read, reads and decodes outside the lock, and hands the events
//! back.

use std::sync::Arc;

use camshaft_event::transaction::{DecodeError, EncodedEvents};
use camshaft_event::{ConsumerId, Generation, Offset, Timestamp};
use camshaft_log::{LogError, LogReader};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;
use thiserror::Error;

use super::Sequencer;
use crate::consumer::Reading;
use crate::{ConsumerSpec, Sequenced};

/// A read of the log that a consumer needs.
#[derive(Clone, Debug)]
pub struct LagRead {
    consumer: ConsumerId,
    generation: Generation,
    /// What it wants; others need not be handed over.
    pub spec: Arc<ConsumerSpec>,
    /// The first offset to read.
    pub from: Offset,
    /// The offset to stop before: what lies from here on is still in memory.
    pub until: Offset,
}

/// What a reader found.
#[derive(Debug)]
pub struct LogEvents {
    /// Events that the consumer wants, in offset order.
    pub events: Vec<Sequenced>,
    /// The offset after the last event that was looked at.
    pub next: Offset,
}

/// Why the log could not be read for a consumer.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A record is no transaction.
    #[error("record {sequence} of the log: {error}")]
    Decode {
        /// Which record.
        sequence: u64,
        /// What is wrong with it.
        error: DecodeError,
    },
}

impl LagRead {
    /// Whose read it is.
    pub(super) fn consumer(&self) -> ConsumerId {
        self.consumer
    }

    /// Reads about `max_bytes` of the log, without the sequencer's lock.
    ///
    /// # Errors
    /// A log that cannot be read, or that holds what is no transaction.
    pub fn read(&self, log: &dyn LogReader, max_bytes: u32) -> Result<LogEvents, ReadError> {
        let mut found = LogEvents { events: Vec::new(), next: self.from };
        match self.read_into(&mut found, log, max_bytes) {
            // What lies before the damage is whole; the next read begins with it.
            Err(ReadError::Decode { .. }) if found.next > self.from => Ok(found),
            Err(error) => Err(error),
            Ok(()) => Ok(found),
        }
    }

    fn read_into(&self, found: &mut LogEvents, log: &dyn LogReader, max_bytes: u32) -> Result<(), ReadError> {
        let Some(sequence) = log.find_offset(self.from.0)? else { return Ok(()) };
        for record in log.read_from(sequence, max_bytes)?.iter() {
            let refuse = |error| ReadError::Decode { sequence: record.sequence, error };
            for event in EncodedEvents::of(record.payload, Offset(record.first_offset)).map_err(refuse)? {
                let (offset, event) = event.map_err(refuse)?;
                if offset >= self.until {
                    return Ok(());
                }
                if offset < self.from {
                    continue;
                }
                if !self.spec.wants_type(event.event_type().map_err(refuse)?) {
                    found.next = offset.next();
                    continue;
                }
                let event = event.decode().map_err(refuse)?;
                found.next = offset.next();
                if self.spec.wants(&event) {
                    let at = Timestamp(record.timestamp_ms);
                    found.events.push(Sequenced { offset, at, event: Arc::new(event) });
                }
            }
        }
        Ok(())
    }
}

impl<S: Store> Sequencer<S> {
    /// What to read next, for some consumer that has room for it.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn next_read(&mut self, now: Timestamp) -> Result<Option<LagRead>, TablesError> {
        self.step(now, |sequencer| Ok(sequencer.find_read()))
    }

    fn find_read(&mut self) -> Option<LagRead> {
        // In turn, so that one consumer that always wants more does not keep the others waiting.
        let mut ids: Vec<ConsumerId> = self.lagging.iter().copied().collect();
        let next = ids.partition_point(|id| *id <= self.last_read);
        ids.rotate_left(next);
        for id in ids {
            self.follow_from_memory(id);
            let until = self.memory_starts_at();
            let Some(consumer) = self.consumers.quietly(id) else { continue };
            let wants_more = consumer.wants_more(&self.options);
            if let (Reading::Lagging { next, requested: requested @ false }, Some(spec)) =
                (&mut consumer.reading, &consumer.spec)
                && wants_more
                && *next < until
            {
                *requested = true;
                self.last_read = id;
                let spec = Arc::clone(spec);
                return Some(LagRead {
                    consumer: id,
                    generation: consumer.record.generation,
                    spec,
                    from: *next,
                    until,
                });
            }
        }
        None
    }

    /// Whether a consumer still waits for `read`. It does not if it was detached, reset or attached with
    /// other code since the request. A reader whose read failed checks this before it fails the runtime.
    #[must_use]
    pub fn is_current(&self, read: &LagRead) -> bool {
        self.consumers.get(read.consumer).is_some_and(|consumer| {
            consumer.record.generation == read.generation
                && consumer.reading == Reading::Lagging { next: read.from, requested: true }
                && consumer.spec.as_ref().is_some_and(|spec| Arc::ptr_eq(spec, &read.spec))
        })
    }

    /// Hands over what was read; of no effect if it is no longer waited for.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn feed(&mut self, read: &LagRead, found: LogEvents, now: Timestamp) -> Result<(), TablesError> {
        if !self.is_current(read) {
            return Ok(());
        }
        self.step(now, |sequencer| {
            sequencer.take_in(read, found);
            Ok(())
        })
    }

    fn take_in(&mut self, read: &LagRead, found: LogEvents) {
        let Some(consumer) = self.consumers.change(read.consumer) else { return };
        found.events.into_iter().for_each(|event| consumer.push(event));
        consumer.reading = Reading::Lagging { next: found.next, requested: false };
        self.follow_from_memory(read.consumer);
    }

    /// The first offset from which on all events are in memory.
    fn memory_starts_at(&self) -> Offset {
        self.durability.first_in_memory().unwrap_or(self.tables.progress().next_offset)
    }

    /// Lets a consumer that has read the log up to what is in memory go on there, and follow if it gets to
    /// the end.
    fn follow_from_memory(&mut self, id: ConsumerId) {
        let start = self.memory_starts_at();
        let tail = self.tables.progress().next_offset;
        let Some(consumer) = self.consumers.quietly(id) else { return };
        let (Reading::Lagging { next, requested: false }, Some(spec)) =
            (consumer.reading, consumer.spec.clone())
        else {
            return;
        };
        if next < start || !consumer.wants_more(&self.options) {
            return;
        }
        let Some(consumer) = self.consumers.change(id) else { return };
        let skip = usize::try_from(next.0 - start.0).unwrap_or(usize::MAX);
        for event in self.durability.in_memory(skip) {
            if !consumer.has_window(&self.options) {
                consumer.reading = Reading::Lagging { next: event.offset, requested: false };
                return;
            }
            if spec.wants(&event.event) {
                consumer.push(event.clone());
            }
        }
        debug_assert!(next <= tail, "a consumer never reads beyond the end");
        consumer.reading = Reading::Following;
        self.lagging.remove(&id);
    }

    /// Whether some consumer waits for a read of the log.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.lagging.iter().filter_map(|id| self.consumers.get(*id)).any(|consumer| {
            consumer.wants_more(&self.options)
                && matches!(consumer.reading, Reading::Lagging { requested: false, .. })
        })
    }
}
