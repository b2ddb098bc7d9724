//! Plugins' state, as of a durable transaction.

use camshaft_engine::{SharedSequencer, StateReader};
use camshaft_tables::{PortionBounds, StateSpace, TablesError};

use super::{Runtime, long_reads::PAGE_BYTES};
use crate::StateError;
use crate::compose::EmbeddedStore;
use crate::view::{Encoding, Page, StateEntryView, state_json};

/// Bytes of keys and values that a listing reads at a time.
const PORTION_BYTES: usize = 256 * 1024;

/// Entries that it reads at a time.
const PORTION_ENTRIES: usize = 256;

/// A key and its value.
type Entry = (Vec<u8>, Vec<u8>);

impl Runtime {
    /// Returns at most `limit` state entries of a plugin whose keys begin with `prefix` and follow `after`.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn state_list(
        &self,
        plugin: &str,
        prefix: &[u8],
        limit: usize,
        after: Option<Vec<u8>>,
    ) -> Result<Page<(Vec<u8>, Vec<u8>)>, StateError> {
        let (name, prefix) = (plugin.to_owned(), prefix.to_owned());
        let read =
            move |sequencer: &SharedSequencer<EmbeddedStore>| list(sequencer, &name, &prefix, limit, after);
        self.read_long(read, |reason| failed(plugin, &reason)).await
    }

    /// Like [`Runtime::state_list`], as JSON. Large values make a page shorter.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn state_page(
        &self,
        plugin: &str,
        prefix: &[u8],
        limit: usize,
        after: Option<Vec<u8>>,
    ) -> Result<Page<StateEntryView>, StateError> {
        let (name, prefix) = (plugin.to_owned(), prefix.to_owned());
        let read =
            move |sequencer: &SharedSequencer<EmbeddedStore>| page(sequencer, &name, &prefix, limit, after);
        self.read_long(read, |reason| failed(plugin, &reason)).await
    }

    /// Returns one state value of a plugin as JSON.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn state_text(&self, plugin: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let Some(value) = self.state_get(plugin, key).await? else { return Ok(None) };
        let text = self.render(move || state_json(&value).to_string().into_bytes()).await;
        text.map(Some).map_err(|reason| failed(plugin, &reason))
    }

    /// Returns one state value of a plugin.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn state_get(&self, plugin: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let read = self.0.core.read_durably(|sequencer| {
            let space = space(sequencer, plugin)?;
            sequencer.state(space, key).map_err(|error| failed(plugin, &error))
        });
        Ok(read.await??.map(|found| found.value))
    }
}

/// A page of state, as it is kept.
fn list(
    sequencer: &SharedSequencer<EmbeddedStore>,
    plugin: &str,
    prefix: &[u8],
    limit: usize,
    after: Option<Vec<u8>>,
) -> Result<Page<Entry>, StateError> {
    let space = space(sequencer, plugin)?;
    let mut items = Vec::new();
    let more = entries(sequencer, space, prefix, after, &mut |key, value| {
        let is_wanted = items.len() < limit;
        if is_wanted {
            items.push((key, value));
        }
        is_wanted
    });
    let more = more.map_err(|error| failed(plugin, &error))?;
    let next = items.last().filter(|_| more).map(|(key, _)| Encoding::cursor(key));
    Ok(Page { items, next })
}

/// A page of state, as JSON.
fn page(
    sequencer: &SharedSequencer<EmbeddedStore>,
    plugin: &str,
    prefix: &[u8],
    limit: usize,
    after: Option<Vec<u8>>,
) -> Result<Page<StateEntryView>, StateError> {
    let space = space(sequencer, plugin)?;
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
    let more = more.map_err(|error| failed(plugin, &error))?;
    let next = last.filter(|_| more).as_deref().map(Encoding::cursor);
    Ok(Page { items, next })
}

/// Hands the entries behind `after` to `take`, in key order, until it wants no more. Returns whether it was
/// offered one that it did not want. The sequencer's lock is held for one portion at a time.
pub(super) fn entries(
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

fn space(sequencer: &SharedSequencer<EmbeddedStore>, plugin: &str) -> Result<StateSpace, StateError> {
    let space = sequencer.lock().state_space(plugin);
    space.ok_or_else(|| StateError::NoSuchPlugin { plugin: plugin.to_owned() })
}

fn failed(plugin: &str, error: &dyn std::fmt::Display) -> StateError {
    StateError::Failed { plugin: plugin.to_owned(), reason: error.to_string() }
}
