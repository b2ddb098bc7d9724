//! Plugins' state, as of a durable transaction.

use camshaft_engine::StateReader;

use super::Runtime;
use crate::StateError;
use crate::compose::Never;
use crate::view::{Encoding, Page};

impl Runtime {
    /// At most `limit` state entries of a plugin whose keys begin with `prefix`, behind `after`.
    ///
    /// # Errors
    /// A plugin that never ran, or tables that cannot be read.
    pub async fn state_list(
        &self,
        plugin: &str,
        prefix: &[u8],
        limit: usize,
        after: Option<Vec<u8>>,
    ) -> Result<Page<(Vec<u8>, Vec<u8>)>, StateError> {
        let core = &self.0.core;
        let (found, sequence) = {
            let sequencer = core.sequencer.lock();
            let space = sequencer.state_space(plugin).ok_or_else(|| missing(plugin))?;
            let found =
                sequencer.tables().scan_state(space, prefix, after.as_deref(), limit.saturating_add(1));
            (found.map_err(|error| unavailable(plugin, &error))?, sequencer.sequenced().sequence)
        };
        self.settle(plugin, sequence).await?;
        let mut items: Vec<_> = found.into_iter().map(|(key, found)| (key, found.value)).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|(key, _)| Encoding::cursor(key));
        Ok(Page { items, next })
    }

    /// One state value of a plugin.
    ///
    /// # Errors
    /// A plugin that never ran, or tables that cannot be read.
    pub async fn state_get(&self, plugin: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let core = &self.0.core;
        let (space, sequence) = {
            let sequencer = core.sequencer.lock();
            (sequencer.state_space(plugin).ok_or_else(|| missing(plugin))?, sequencer.sequenced().sequence)
        };
        let found = core.sequencer.state(space, key).map_err(|error| unavailable(plugin, &error))?;
        // IMPORTANT: the value may be newer than what is durable, and must not be seen before it is.
        let version = found.as_ref().map_or(sequence, |found| sequence.max(found.version));
        self.settle(plugin, version).await?;
        Ok(found.map(|found| found.value))
    }

    async fn settle(&self, plugin: &str, sequence: camshaft_event::Sequence) -> Result<(), StateError> {
        let settled = self.0.core.durable.wait_for(sequence).await;
        settled.map_err(|never| match never {
            Never::Poisoned => unavailable(plugin, &"the log is poisoned: a sync failed"),
            Never::Closed => unavailable(plugin, &"the runtime is shutting down"),
        })
    }
}

fn missing(plugin: &str) -> StateError {
    StateError::NoSuchPlugin { plugin: plugin.to_owned() }
}

fn unavailable(plugin: &str, error: &dyn std::fmt::Display) -> StateError {
    StateError::Unavailable { plugin: plugin.to_owned(), reason: error.to_string() }
}
