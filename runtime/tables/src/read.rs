//! Typed reads of the tables.

use std::ops::ControlFlow;

use camshaft_event::transaction::{Activation, ConsumerRecord, RecentEvents, RedriveJob, RedriveResults};
use camshaft_event::{
    ActivationId, ConsumerId, DeadLetter, Event, Generation, HeldEvent, Offset, RedriveId, Sequence,
    Timestamp,
};
use serde::de::DeserializeOwned;

use crate::store::{Store, StoreError};
use crate::{KnownIdentity, TablePart, Tables, TablesError, keys};

/// Whose state, and since which emptying of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSpace {
    /// The consumer.
    pub consumer: ConsumerId,
    /// [`ConsumerRecord::state_generation`].
    pub generation: Generation,
}

/// A state value with the transaction that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Which transaction wrote it; changes whenever the value does.
    pub version: Sequence,
    /// The value.
    pub value: Vec<u8>,
}

/// A timer that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerEntry {
    /// Its name.
    pub name: String,
    /// When it is due.
    pub at: Timestamp,
    /// What it will publish.
    pub event: Event,
}

impl Versioned {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, value) = Self::split(bytes)?;
        Some(Self { version, value: value.to_vec() })
    }

    /// The version and the value in the bytes of an entry.
    pub(crate) fn split(bytes: &[u8]) -> Option<(Sequence, &[u8])> {
        let (version, value) = bytes.split_first_chunk::<8>()?;
        Some((Sequence(u64::from_le_bytes(*version)), value))
    }
}

impl<S: Store> Tables<S> {
    pub(crate) fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.in_memory(key) {
            Some(known) => Ok(known.map(<[u8]>::to_vec)),
            None => self.store.get(key),
        }
    }

    pub(crate) fn in_memory(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.active.get(key).or_else(|| self.frozen.as_ref()?.overlay.get(key))
    }

    fn decoded<T: DeserializeOwned>(&self, key: &[u8], what: &'static str) -> Result<Option<T>, TablesError> {
        self.value(key)?.map(|bytes| decode(&bytes, what)).transpose()
    }

    fn decoded_under<T: DeserializeOwned>(
        &self,
        prefix: &[u8],
        what: &'static str,
        each: &mut dyn FnMut(&[u8], T),
    ) -> Result<(), TablesError> {
        let mut damaged = None;
        // Past a damaged value, too: the caller may need what is sound.
        let scanned = self.scan_prefix(prefix, &mut |key, value| {
            match decode(value, what) {
                Ok(value) => each(key, value),
                Err(error) => damaged = Some(error),
            }
            ControlFlow::Continue(())
        });
        scanned?;
        damaged.map_or(Ok(()), Err)
    }

    /// All consumers, also removed ones, by their numbers.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn consumers(&self) -> Result<Vec<ConsumerRecord>, TablesError> {
        let mut records = Vec::new();
        self.decoded_under(&[keys::CONSUMER], "consumer", &mut |_, record| records.push(record))?;
        Ok(records)
    }

    /// Where a consumer stands: every event before it is done, held or dead.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn floor(&self, consumer: ConsumerId) -> Result<Offset, TablesError> {
        let floor = self.offset(&keys::floor(consumer), "floor");
        Ok(floor.map_err(|error| error.of_consumer(consumer, TablePart::Progress))?.unwrap_or_default())
    }

    /// Where a consumer stands in the durable snapshot; what pins the log.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn flushed_floor(&self, consumer: ConsumerId) -> Result<Offset, TablesError> {
        let Some(bytes) = self.store.get(&keys::floor(consumer))? else { return Ok(Offset::default()) };
        let bytes = bytes.try_into().map_err(|_| TablesError::Damaged { what: "floor" })?;
        Ok(Offset(u64::from_le_bytes(bytes)))
    }

    /// A consumer as the durable snapshot knows it.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn flushed_consumer(&self, consumer: ConsumerId) -> Result<Option<ConsumerRecord>, TablesError> {
        self.store.get(&keys::consumer(consumer))?.map(|bytes| decode(&bytes, "consumer")).transpose()
    }

    /// Where one of its partitions stands by its own transactions; the floor may be further on.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn checkpoint(&self, consumer: ConsumerId, partition: u32) -> Result<Offset, TablesError> {
        let checkpoint = self.offset(&keys::checkpoint(consumer, partition), "checkpoint");
        Ok(checkpoint.map_err(|error| error.of_consumer(consumer, TablePart::Progress))?.unwrap_or_default())
    }

    pub(crate) fn offset(&self, key: &[u8], what: &'static str) -> Result<Option<Offset>, TablesError> {
        let Some(bytes) = self.value(key)? else { return Ok(None) };
        let bytes = bytes.try_into().map_err(|_| TablesError::Damaged { what })?;
        Ok(Some(Offset(u64::from_le_bytes(bytes))))
    }

    /// The events by which a consumer is measured, as of the snapshot or of the last change of code since;
    /// what was handled after that is for the caller to count.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn recent_events(&self, consumer: ConsumerId) -> Result<Option<RecentEvents>, TablesError> {
        let recent = self.decoded(&keys::recent(consumer), "recent events");
        recent.map_err(|error| error.of_consumer(consumer, TablePart::Progress))
    }

    /// One activation.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn activation(&self, id: ActivationId) -> Result<Option<Activation>, TablesError> {
        self.decoded(&keys::activation(id), "activation")
    }

    /// The highest number given to an activation.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn last_activation(&self) -> Result<ActivationId, TablesError> {
        let mut last = ActivationId::default();
        self.decoded_under(&keys::activations(), "activation", &mut |_, activation: Activation| {
            last = last.max(activation.id);
        })?;
        Ok(last)
    }

    /// One held event.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn held(&self, consumer: ConsumerId, offset: Offset) -> Result<Option<HeldEvent>, TablesError> {
        let found = self.decoded(&keys::held(consumer, offset), "held event");
        found.map_err(|error| error.of_consumer(consumer, TablePart::Held(offset)))
    }

    /// Calls `each` for a consumer's held events in offset order.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn each_held(
        &self,
        consumer: ConsumerId,
        each: &mut dyn FnMut(Offset, HeldEvent),
    ) -> Result<(), TablesError> {
        let read = self.decoded_under(&keys::all_held(consumer), "held event", &mut |key, held| {
            each(keys::trailing_offset(key).unwrap_or_default(), held);
        });
        read.map_err(|error| error.of_consumer(consumer, TablePart::Progress))
    }

    /// One dead letter.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn dead_letter(
        &self,
        consumer: ConsumerId,
        offset: Offset,
    ) -> Result<Option<DeadLetter>, TablesError> {
        let found = self.decoded(&keys::dead(consumer, offset), "dead letter");
        found.map_err(|error| error.of_consumer(consumer, TablePart::DeadLetter(offset)))
    }

    /// Calls `each` for a consumer's dead letters in offset order.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn each_dead_letter(
        &self,
        consumer: ConsumerId,
        each: &mut dyn FnMut(Offset, DeadLetter),
    ) -> Result<(), TablesError> {
        let read = self.decoded_under(&keys::all_dead(consumer), "dead letter", &mut |key, letter| {
            each(keys::trailing_offset(key).unwrap_or_default(), letter);
        });
        read.map_err(|error| error.of_consumer(consumer, TablePart::Progress))
    }

    /// One timer.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn timer(&self, consumer: ConsumerId, name: &str) -> Result<Option<TimerEntry>, TablesError> {
        let found = self.decoded::<(Timestamp, Event)>(&keys::timer(consumer, name), "timer");
        let found = found.map_err(|error| error.of_consumer(consumer, TablePart::Timer(name.to_owned())))?;
        Ok(found.map(|(at, event)| TimerEntry { name: name.to_owned(), at, event }))
    }

    /// Calls `each` with the names and due times of a consumer's timers.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn each_timer(
        &self,
        consumer: ConsumerId,
        each: &mut dyn FnMut(String, Timestamp),
    ) -> Result<(), TablesError> {
        let prefix = keys::all_timers(consumer);
        let read = self.decoded_under(&prefix, "timer", &mut |key, (at, _): (Timestamp, Event)| {
            let name = key.get(prefix.len()..).unwrap_or_default();
            each(String::from_utf8_lossy(name).into_owned(), at);
        });
        read.map_err(|error| error.of_consumer(consumer, TablePart::Progress))
    }

    /// The redrive jobs that are kept, by their numbers.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn redrive_jobs(&self) -> Result<Vec<RedriveJob>, TablesError> {
        let mut jobs = Vec::new();
        self.decoded_under(&keys::redrives(), "redrive job", &mut |_, job| jobs.push(job))?;
        Ok(jobs)
    }

    /// What became of the dead letters that a job has redriven, as far as anything did.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn redrive_results(&self, id: RedriveId) -> Result<RedriveResults, TablesError> {
        Ok(self.decoded(&keys::redrive_results(id), "results of a redrive job")?.unwrap_or_default())
    }

    /// What is known of a published event by the hash of its identity, in memory only. The caller probes the
    /// store with [`Tables::stored_identity`], outside the critical section where it can.
    #[must_use]
    pub fn recent_identity(&self, hash: u128) -> Option<KnownIdentity> {
        self.active.identity(hash).or_else(|| self.frozen.as_ref()?.overlay.identity(hash))
    }

    /// What the store knows of a published event.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn stored_identity(store: &S, hash: u128) -> Result<Option<KnownIdentity>, TablesError> {
        let Some(bytes) = store.get(&keys::identity(hash))? else { return Ok(None) };
        KnownIdentity::from_bytes(&bytes).map(Some).ok_or(TablesError::Damaged { what: "identity" })
    }

    /// A state value if memory knows it: `Some(None)` is a deleted key, `None` means the store must be asked
    /// with [`Tables::stored_state`], outside the critical section where it can.
    #[must_use]
    pub fn recent_state(&self, space: StateSpace, key: &[u8]) -> Option<Option<Versioned>> {
        let known = self.in_memory(&keys::state(space.consumer, space.generation, key))?;
        Some(known.and_then(Versioned::from_bytes))
    }

    /// A state value from the store.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn stored_state(store: &S, space: StateSpace, key: &[u8]) -> Result<Option<Versioned>, TablesError> {
        let of_consumer = |error: TablesError| error.of_consumer(space.consumer, TablePart::State);
        let found = store.get(&keys::state(space.consumer, space.generation, key));
        let Some(bytes) = found.map_err(|error| of_consumer(error.into()))? else { return Ok(None) };
        let damaged = || of_consumer(TablesError::Damaged { what: "state value" });
        Versioned::from_bytes(&bytes).map(Some).ok_or_else(damaged)
    }

    /// A state value, wherever it is.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn state(&self, space: StateSpace, key: &[u8]) -> Result<Option<Versioned>, TablesError> {
        self.recent_state(space, key).map_or_else(|| Self::stored_state(&self.store, space, key), Ok)
    }

    /// The longest key a plugin may use, in bytes.
    #[must_use]
    pub fn max_state_key_bytes(&self) -> usize {
        self.store.max_key_bytes() - keys::STATE_PREFIX_BYTES
    }
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, TablesError> {
    rmp_serde::from_slice(bytes).map_err(|_| TablesError::Damaged { what })
}
