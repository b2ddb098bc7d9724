//! The state of a command: memory under the lock, the store outside of it.

use std::sync::Arc;

use camshaft_event::Offset;
use camshaft_tables::store::Store;
use camshaft_tables::{Tables, TablesError};

use super::SharedSequencer;
use crate::sequencer::CommandState;

impl<S: Store> SharedSequencer<S> {
    /// The state of the command at `offset`. `None` if no consumer has dealt with it yet, or if there is no
    /// command at that offset. It may be newer than what is durable.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn command_state(&self, offset: Offset) -> Result<Option<CommandState>, TablesError> {
        loop {
            let (store, snapshot, first_offset) = {
                let sequencer = self.lock();
                if let Some(state) = sequencer.recent_command_state(offset)? {
                    return Ok(Some(state));
                }
                let tables = sequencer.tables();
                (Arc::clone(tables.store()), tables.snapshot().sequence, sequencer.first_offset())
            };
            if let Some(decision) = Tables::stored_decision(store.as_ref(), offset, first_offset)? {
                return Ok(Some(CommandState::Decided(decision)));
            }
            // A flush since then may have moved the decision from memory into the store.
            if self.lock().tables().snapshot().sequence == snapshot {
                return Ok(None);
            }
        }
    }
}
