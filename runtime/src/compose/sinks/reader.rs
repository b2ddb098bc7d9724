//! State as a sink reads it: durable, since what it reads may leave the process with the call.
//!
//! Another call of the same sink may have written it a moment ago. Then the read waits for a sync, a few
//! milliseconds; the other tasks of its thread move on to another one meanwhile.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use camshaft_engine::{SharedSequencer, StateReader};
use camshaft_event::ConsumerId;
use camshaft_tables::store::{StoreError, StoreOperation};
use camshaft_tables::{PortionBounds, StatePortion, StateSpace, TablesError, Versioned};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::compose::EmbeddedStore;
use crate::compose::core::Core;
use crate::compose::durable::DurableWatch;

pub(super) struct DurableState {
    sequencer: SharedSequencer<EmbeddedStore>,
    durable: DurableWatch,
    store: PathBuf,
}

impl DurableState {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        let store = core.config.data.join("tables");
        Self { sequencer: core.sequencer.clone(), durable: core.durable.clone(), store }
    }

    /// Waits until whatever of the consumer's state has been read is durable.
    fn wait(&self, consumer: ConsumerId) -> Result<(), TablesError> {
        let written = self.sequencer.lock().state_written(consumer);
        if self.durable.is_durable(written) {
            return Ok(());
        }
        let waited = block_in_place(|| Handle::current().block_on(self.durable.wait_for(written)));
        waited.map_err(|_| {
            let source = io::Error::other("the data read never becomes durable: the runtime has ended");
            let (operation, path) = (StoreOperation::Get, self.store.clone());
            StoreError::Failed { operation, path, source: Box::new(source) }.into()
        })
    }
}

impl StateReader for DurableState {
    fn state(&self, space: StateSpace, key: &[u8]) -> Result<Option<Versioned>, TablesError> {
        let found = self.sequencer.state(space, key)?;
        self.wait(space.consumer)?;
        Ok(found)
    }

    fn replaced_bytes(&self, space: StateSpace, key: &[u8]) -> Result<Option<usize>, TablesError> {
        // Nothing of it leaves the process, so it need not be durable.
        self.sequencer.replaced_bytes(space, key)
    }

    fn state_portion(
        &self,
        space: StateSpace,
        prefix: &[u8],
        after: Option<&[u8]>,
        bounds: PortionBounds,
    ) -> Result<StatePortion, TablesError> {
        let found = self.sequencer.state_portion(space, prefix, after, bounds)?;
        self.wait(space.consumer)?;
        Ok(found)
    }

    fn has_timer(&self, consumer: ConsumerId, name: &str) -> bool {
        self.sequencer.has_timer(consumer, name)
    }
}
