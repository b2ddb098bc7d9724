//! The sequencer behind its lock, as threads and handlers share it.

mod commands;
mod dead_letters;
mod facts;
mod held_events;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use camshaft_event::{ConsumerId, Event, Scope, Sequence, Timestamp};
use camshaft_log::{Kept, LogReader};
use camshaft_tables::store::Store;
use camshaft_tables::{PortionBounds, StatePortion, StateSpace, Tables, TablesError, Versioned};

use crate::EngineOptions;
use crate::attempt::StateReader;
use crate::facts::{Fact, FactsError};
use crate::sequencer::{Probe, PublishRefusal, Sequencer};

/// A cheap-to-clone handle to the one sequencer.
pub struct SharedSequencer<S> {
    sequencer: Arc<Mutex<Sequencer<S>>>,
    log: Arc<dyn LogReader>,
    kept: Arc<Kept>,
}

impl<S> fmt::Debug for SharedSequencer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSequencer").finish_non_exhaustive()
    }
}

impl<S> Clone for SharedSequencer<S> {
    fn clone(&self) -> Self {
        Self {
            sequencer: Arc::clone(&self.sequencer),
            log: Arc::clone(&self.log),
            kept: Arc::clone(&self.kept),
        }
    }
}

impl<S: Store> SharedSequencer<S> {
    /// Puts `sequencer` behind its lock. Facts are read from `log`, which is the sequencer's, and from
    /// `kept`, which holds those that the log has dropped.
    #[must_use]
    pub fn new(sequencer: Sequencer<S>, log: Arc<dyn LogReader>, kept: Arc<Kept>) -> Self {
        Self { sequencer: Arc::new(Mutex::new(sequencer)), log, kept }
    }

    /// Enters the critical section.
    ///
    /// # Panics
    /// If a thread panicked in it: its invariants are then unknown, and the process must stop and recover.
    pub fn lock(&self) -> MutexGuard<'_, Sequencer<S>> {
        self.sequencer.lock().expect("no thread panics while it holds the sequencer")
    }

    /// Checks, encodes and looks up a producer's events outside the critical section, for
    /// [`Sequencer::publish`].
    ///
    /// # Errors
    /// Events that can never be published, or a store that cannot be read.
    pub fn probe(&self, events: Vec<Event>) -> Result<Probe, PublishRefusal> {
        let (store, snapshot, options) = self.for_probe();
        Probe::new(events, options.max_event_bytes, options.max_transaction_bytes, &store, snapshot)
    }

    /// The same for commands.
    ///
    /// # Errors
    /// Commands that can never be sent, or a store that cannot be read.
    pub fn probe_commands(&self, commands: Vec<Event>) -> Result<Probe, PublishRefusal> {
        let (store, snapshot, options) = self.for_probe();
        Probe::of_commands(commands, &options, &store, snapshot)
    }

    fn for_probe(&self) -> (Arc<S>, Sequence, Arc<EngineOptions>) {
        let sequencer = self.lock();
        let tables = sequencer.tables();
        (Arc::clone(tables.store()), tables.snapshot().sequence, Arc::clone(sequencer.options()))
    }

    /// Commits a batch; see [`Sequencer::commit`].
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn commit(
        &self,
        finished: crate::Finished,
        now: Timestamp,
    ) -> Result<crate::sequencer::Committed, TablesError> {
        self.lock().commit(finished, now)
    }
}

impl<S: Store> StateReader for SharedSequencer<S> {
    fn state(&self, space: StateSpace, key: &[u8]) -> Result<Option<Versioned>, TablesError> {
        let store = {
            let sequencer = self.lock();
            if let Some(found) = sequencer.tables().recent_state(space, key) {
                return Ok(found);
            }
            Arc::clone(sequencer.tables().store())
        };
        // A flush in between can only bring a newer version, which the commit then finds changed.
        Tables::stored_state(store.as_ref(), space, key)
    }

    fn state_portion(
        &self,
        space: StateSpace,
        prefix: &[u8],
        after: Option<&[u8]>,
        bounds: PortionBounds,
    ) -> Result<StatePortion, TablesError> {
        // One portion at a time holds the lock for a short time. The commit detects a write between two
        // portions as a change in the scanned range.
        self.lock().tables().state_portion(space, prefix, after, bounds)
    }

    fn facts(
        &self,
        consumer: ConsumerId,
        scope: &Scope,
        after: u64,
        max: usize,
    ) -> Result<Vec<Fact>, FactsError> {
        Self::facts(self, consumer, scope, after, max)
    }

    fn has_timer(&self, consumer: ConsumerId, name: &str) -> bool {
        self.lock().has_timer(consumer, name)
    }
}
