//! How calls from outside reach the engine: nothing of it is shown before it is durable.
//!
//! The sequencer runs ahead of the disk. [`Core::read_durably`] reads it, [`Core::change`] changes it, and
//! both return once what they saw or did is durable; no lock is held while they wait. Beside them stand
//! [`Core::damaged_consumers`] and [`Core::fact_bytes`] for `/health`, and [`Steps`] for the threads that run
//! plugins, which show nothing.

use std::sync::Arc;

use camshaft_engine::{Probe, PublishRefusal, Sequencer, SharedSequencer};
use camshaft_event::{Event, Role, Sequence, Timestamp};

use super::EmbeddedStore;
use super::core::Core;
use crate::Unavailable;

/// What was read of the engine. It may be newer than what is durable, so only [`Core::settle`] opens it.
#[must_use = "it is shown once it is settled"]
pub(crate) struct Unsettled<T> {
    found: T,
    /// The last transaction that it may show.
    sequence: Sequence,
}

impl Core {
    /// Reads the engine, and returns what was found once all of it is durable. `read` takes the lock for
    /// bounded steps; between two of them others change the engine.
    ///
    /// # Errors
    /// The runtime ended before that became durable.
    pub(crate) async fn read_durably<T>(
        &self,
        read: impl FnOnce(&SharedSequencer<EmbeddedStore>) -> T,
    ) -> Result<T, Unavailable> {
        self.settle(self.read_unsettled(read)).await
    }

    /// The first half of [`Core::read_durably`], for reads that are made on another thread than the one that
    /// waits.
    pub(crate) fn read_unsettled<T>(
        &self,
        read: impl FnOnce(&SharedSequencer<EmbeddedStore>) -> T,
    ) -> Unsettled<T> {
        let found = read(&self.sequencer);
        // IMPORTANT: after the read, so that it covers the last of its steps.
        Unsettled { found, sequence: self.sequencer.lock().sequenced().sequence }
    }

    /// The second half of [`Core::read_durably`]: waits until what was read is durable.
    ///
    /// # Errors
    /// The runtime ended before that became durable.
    pub(crate) async fn settle<T>(&self, unsettled: Unsettled<T>) -> Result<T, Unavailable> {
        self.durable.wait_for(unsettled.sequence).await?;
        Ok(unsettled.found)
    }

    /// Changes the engine by `act` in one step, and returns what it did once that is durable. `act` is given
    /// the time, and says beside its result up to which transaction that has to be durable.
    ///
    /// # Errors
    /// What `act` says; a runtime that takes no changes, or that ended before the change became durable.
    pub(crate) async fn change<T, E: From<Unavailable>>(
        &self,
        act: impl FnOnce(&mut Sequencer<EmbeddedStore>, Timestamp) -> Result<(T, Sequence), E>,
    ) -> Result<T, E> {
        self.check_open()?;
        let (done, sequence) = self.step(|sequencer| act(sequencer, self.now()))?;
        self.durable.wait_for(sequence).await.map_err(Unavailable::from)?;
        Ok(done)
    }

    /// Whether changes are taken: not after a failed sync, nor while it stops.
    ///
    /// # Errors
    /// They are not.
    pub(crate) fn check_open(&self) -> Result<(), Unavailable> {
        match (self.durable.state().poisoned, self.is_draining()) {
            (Some(_), _) => Err(Unavailable::Poisoned),
            (None, true) => Err(Unavailable::ShuttingDown),
            (None, false) => Ok(()),
        }
    }

    /// Checks and looks up events that are to be published. It shows nothing.
    ///
    /// # Errors
    /// Events that can never be published, or a store that cannot be read.
    pub(crate) fn probe(&self, events: Vec<Event>) -> Result<Probe, PublishRefusal> {
        self.sequencer.probe(events)
    }

    /// The same for commands that are to be sent.
    ///
    /// # Errors
    /// Commands that can never be sent, or a store that cannot be read.
    pub(crate) fn probe_commands(&self, commands: Vec<Event>) -> Result<Probe, PublishRefusal> {
        self.sequencer.probe_commands(commands)
    }

    /// The role of the consumer that owns a command type; `None` if no consumer owns it. It shows nothing of
    /// the engine: it says which scope a command declares.
    pub(crate) fn owner_role(&self, command_type: &str) -> Option<Role> {
        let sequencer = self.sequencer.lock();
        let (owner, _) = sequencer.owner(command_type)?;
        sequencer.consumer_state(owner).map(|owner| owner.record.role)
    }

    /// The names of damaged consumers, without waiting: health must answer whatever has become of the log.
    /// Damage is what this process met when it read, so there is nothing of it that could be durable.
    pub(crate) fn damaged_consumers(&self) -> Vec<String> {
        self.sequencer.lock().damaged()
    }

    /// The bytes of all facts, without waiting. A size shows no fact.
    pub(crate) fn fact_bytes(&self) -> u64 {
        self.sequencer.lock().tables().fact_bytes()
    }
}

/// The engine for the threads that run plugins. They decide by what is not durable yet, and wait for nothing;
/// so nothing of it may be shown. Opening the runtime makes the only one, and calls from outside have none.
pub(crate) struct Steps(Arc<Core>);

impl Steps {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        Self(Arc::clone(core))
    }

    /// Changes the engine; see [`Core::step`].
    pub(crate) fn step<T>(&self, step: impl FnOnce(&mut Sequencer<EmbeddedStore>) -> T) -> T {
        self.0.step(step)
    }

    /// Reads the engine as it is now.
    pub(crate) fn peek<T>(&self, read: impl FnOnce(&Sequencer<EmbeddedStore>) -> T) -> T {
        read(&self.0.sequencer.lock())
    }
}
