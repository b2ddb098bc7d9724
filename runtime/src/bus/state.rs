//! Plugins' state, as of a durable transaction.

use camshaft_engine::{SharedSequencer, StateReader};
use camshaft_event::Sequence;
use camshaft_tables::{PortionBounds, StateSpace, TablesError};

use super::{Runtime, long_reads::PAGE_BYTES};
use crate::StateError;
use crate::compose::{EmbeddedStore, Never};
use crate::view::{Encoding, Page, StateEntryView, state_json};

/// Bytes of keys and values that a listing reads at a time.
const PORTION_BYTES: usize = 256 * 1024;

/// Entries that it reads at a time.
const PORTION_ENTRIES: usize = 256;

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
        let space = self.0.core.sequencer.lock().state_space(plugin).ok_or_else(|| missing(plugin))?;
        let prefix = prefix.to_owned();
        let read = self.read_long(move |sequencer| {
            let mut items = Vec::new();
            let more = entries(sequencer, space, &prefix, after, &mut |key, value| {
                let is_wanted = items.len() < limit;
                if is_wanted {
                    items.push((key, value));
                }
                is_wanted
            });
            (items, more, sequencer.lock().sequenced().sequence)
        });
        let (items, more, sequence) = read.await.map_err(|reason| unavailable(plugin, &reason))?;
        let more = more.map_err(|error| unavailable(plugin, &error))?;
        self.settle(plugin, sequence).await?;
        let next = items.last().filter(|_| more).map(|(key, _)| Encoding::cursor(key));
        Ok(Page { items, next })
    }

    /// The same as JSON. Large values make a page shorter.
    ///
    /// # Errors
    /// A plugin that never ran, or tables that cannot be read.
    pub async fn state_page(
        &self,
        plugin: &str,
        prefix: &[u8],
        limit: usize,
        after: Option<Vec<u8>>,
    ) -> Result<Page<StateEntryView>, StateError> {
        let (name, prefix) = (plugin.to_owned(), prefix.to_owned());
        let read = self.read_long(move |sequencer| page(sequencer, &name, &prefix, limit, after)).await;
        let (page, sequence) = read.unwrap_or_else(|reason| Err(unavailable(plugin, &reason)))?;
        self.settle(plugin, sequence).await?;
        Ok(page)
    }

    /// One state value of a plugin, as JSON.
    ///
    /// # Errors
    /// A plugin that never ran, or tables that cannot be read.
    pub async fn state_text(&self, plugin: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let Some(value) = self.state_get(plugin, key).await? else { return Ok(None) };
        let read = self.read_long(move |_| state_json(&value).to_string().into_bytes()).await;
        read.map(Some).map_err(|reason| unavailable(plugin, &reason))
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

    async fn settle(&self, plugin: &str, sequence: Sequence) -> Result<(), StateError> {
        let settled = self.0.core.durable.wait_for(sequence).await;
        settled.map_err(|never| match never {
            Never::Poisoned => unavailable(plugin, &"the log is poisoned: a sync failed"),
            Never::Closed => unavailable(plugin, &"the runtime is shutting down"),
        })
    }
}

/// A page of state, and the transaction up to which it may show.
fn page(
    sequencer: &SharedSequencer<EmbeddedStore>,
    plugin: &str,
    prefix: &[u8],
    limit: usize,
    after: Option<Vec<u8>>,
) -> Result<(Page<StateEntryView>, Sequence), StateError> {
    let space = sequencer.lock().state_space(plugin).ok_or_else(|| missing(plugin))?;
    let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
    let more = entries(sequencer, space, prefix, after, &mut |key, value| {
        let is_wanted = items.len() < limit && bytes < PAGE_BYTES;
        if is_wanted {
            let (item, item_bytes) = StateEntryView::measured(&key, &value);
            bytes += item_bytes;
            items.push(item);
            last = Some(key);
        }
        is_wanted
    });
    let more = more.map_err(|error| unavailable(plugin, &error))?;
    // IMPORTANT: values may be newer than what is durable, and must not be seen before they are.
    let sequence = sequencer.lock().sequenced().sequence;
    let next = last.filter(|_| more).as_deref().map(Encoding::cursor);
    Ok((Page { items, next }, sequence))
}

/// Hands the entries behind `after` to `take`, in key order, until it wants no more. Returns whether it was offered one
/// that it did not want. The sequencer's lock is held for one portion at a time.
fn entries(
    sequencer: &SharedSequencer<EmbeddedStore>,
    space: StateSpace,
    prefix: &[u8],
    mut after: Option<Vec<u8>>,
    take: &mut dyn FnMut(Vec<u8>, Vec<u8>) -> bool,
) -> Result<bool, TablesError> {
    let bounds = PortionBounds { entries: PORTION_ENTRIES, bytes: PORTION_BYTES };
    loop {
        let portion = sequencer.state_portion(space, prefix, after.as_deref(), bounds)?;
        for (key, found) in portion.entries {
            if !take(key, found.value) {
                return Ok(true);
            }
        }
        after = portion.after;
        if after.is_none() {
            return Ok(false);
        }
    }
}

fn missing(plugin: &str) -> StateError {
    StateError::NoSuchPlugin { plugin: plugin.to_owned() }
}

fn unavailable(plugin: &str, error: &dyn std::fmt::Display) -> StateError {
    StateError::Unavailable { plugin: plugin.to_owned(), reason: error.to_string() }
}
