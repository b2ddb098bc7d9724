//! The next piece of work of a pool of threads. A thread that asks for it sleeps until there is some.

use camshaft_engine::{Batch, Sequencer};
use camshaft_event::Timestamp;
use camshaft_tables::TablesError;

use super::EmbeddedStore;
use super::bell::Bell;
use super::code::Code;
use super::core::Core;

/// Threads that take work of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    /// Batches of handlers.
    Workers,
    /// Calls of sinks.
    Sinks,
}

impl Pool {
    /// Rung when there may be work.
    const fn bell(self, core: &Core) -> &Bell {
        match self {
            Self::Workers => &core.work,
            Self::Sinks => &core.sinks,
        }
    }

    fn take(
        self,
        sequencer: &mut Sequencer<EmbeddedStore>,
        now: Timestamp,
    ) -> Result<Option<Batch>, TablesError> {
        match self {
            Self::Workers => {
                let batch = sequencer.take(now)?;
                // Without one there is no work either: workers do not wake each other while the engine has no
                // room.
                debug_assert!(batch.is_some() || !sequencer.has_work(), "a worker overlooked work");
                Ok(batch)
            }
            Self::Sinks => sequencer.take_call(now),
        }
    }
}

impl Core {
    /// Waits for the next work of `pool`, and takes it with the code that it runs. None once the runtime
    /// drains; what cannot be taken ends the runtime.
    pub(super) fn next(&self, pool: Pool) -> Option<(Code, Batch)> {
        loop {
            let seen = pool.bell(self).count();
            if self.is_draining() {
                return None;
            }
            // In one step: code is only removed after its consumer was detached in one.
            let taken = self.step(|sequencer| {
                let batch = pool.take(sequencer, self.now())?;
                Ok::<_, TablesError>(batch.map(|batch| (self.code.get(batch.spec.code), batch)))
            });
            match taken {
                Ok(Some((Some(code), batch))) => return Some((code, batch)),
                Ok(Some((None, batch))) => {
                    self.fail(format!("consumer \"{}\" has no code", batch.spec.name));
                }
                Ok(None) => pool.bell(self).wait(seen, None),
                Err(error) => self.fail(error),
            }
        }
    }
}
