//! What an attempt reads of committed state, and how it gets there.

use std::collections::BTreeMap;

use camshaft_event::{ConsumerId, Scope, Sequence};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::{PortionBounds, StatePortion, StateRange, StateSpace, TablesError, Versioned};

use super::ranges::Ranges;
use super::size_in_state;
use crate::facts::{Fact, FactsError};

/// Committed state as a running handler reads it; also what is not durable yet.
pub trait StateReader: Send + Sync {
    /// One value.
    ///
    /// # Errors
    /// Tables that cannot be read.
    fn state(&self, space: StateSpace, key: &[u8]) -> Result<Option<Versioned>, TablesError>;
    /// The size in bytes of the value that a write replaces. The handler does not see it, so it does not
    /// count as a read.
    ///
    /// # Errors
    /// Tables that cannot be read.
    fn replaced_bytes(&self, space: StateSpace, key: &[u8]) -> Result<Option<usize>, TablesError> {
        Ok(self.state(space, key)?.map(|found| found.value.len()))
    }
    /// The next entries under `prefix` behind `after`, in key order. It takes as long as `bounds` allow.
    ///
    /// # Errors
    /// Tables that cannot be read.
    fn state_portion(
        &self,
        space: StateSpace,
        prefix: &[u8],
        after: Option<&[u8]>,
        bounds: PortionBounds,
    ) -> Result<StatePortion, TablesError>;
    /// The facts of a scope behind version `after`, in order, at most `max`. Fewer if the log does not have
    /// the others yet; see [`crate::SharedSequencer::facts`].
    ///
    /// # Errors
    /// Tables or a log that cannot be read; a fact that the tables do not know.
    fn facts(
        &self,
        consumer: ConsumerId,
        scope: &Scope,
        after: u64,
        max: usize,
    ) -> Result<Vec<Fact>, FactsError> {
        let _ = (consumer, max);
        Err(FactsError::Missing { scope: scope.clone(), version: after + 1 })
    }
    /// Whether a consumer has a timer of this name.
    fn has_timer(&self, consumer: ConsumerId, name: &str) -> bool;
}

/// What was seen of committed state.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    keys: BTreeMap<Vec<u8>, Seen>,
    ranges: Ranges,
    /// Whether a key changed while it was read twice: no place in the log shows what the handler saw.
    torn: bool,
}

/// One key as it was when it was first read or written to.
#[derive(Debug)]
struct Seen {
    /// What it took.
    bytes: u64,
    /// The version that must still be its when the batch commits, 0 for an absent one, if a handler read it.
    version: Option<Sequence>,
}

impl Reads {
    /// Records what a handler read; whether the key is kept from now on.
    pub(crate) fn note(&mut self, key: &[u8], found: Option<&Versioned>) -> bool {
        let version = found.map(|found| found.version).unwrap_or_default();
        let bytes = size_in_state(key, found.map(|found| found.value.len()));
        self.add(key, Seen { bytes, version: Some(version) })
    }

    /// Records what a key took that is written to unread; whether the key is kept from now on.
    pub(crate) fn note_write(&mut self, key: &[u8], bytes: u64) -> bool {
        self.add(key, Seen { bytes, version: None })
    }

    fn add(&mut self, key: &[u8], seen: Seen) -> bool {
        match self.keys.get_mut(key) {
            Some(Seen { version: Some(known), .. }) => {
                let has_changed = seen.version.is_some_and(|version| version != *known);
                self.torn |= has_changed && !is_on(Sabotage::IgnoreTornRead);
            }
            Some(known) => *known = seen,
            None => {
                self.keys.insert(key.to_vec(), seen);
                return true;
            }
        }
        false
    }

    /// Records what a handler scanned; by how many bytes more is kept from now on.
    pub(crate) fn note_scan(&mut self, range: StateRange) -> usize {
        self.ranges.add(range)
    }

    /// What a key took, if it was seen.
    pub(crate) fn size(&self, key: &[u8]) -> Option<u64> {
        self.keys.get(key).map(|seen| seen.bytes)
    }

    /// For [`Sabotage::RecordUnread`]: as if the key had only been written to.
    pub(crate) fn forget_read(&mut self, key: &[u8]) {
        if let Some(seen) = self.keys.get_mut(key) {
            seen.version = None;
        }
    }

    /// Forgets the keys that were only written to: nothing was, since the attempt failed.
    pub(crate) fn forget_writes(&mut self) {
        self.keys.retain(|_, seen| seen.version.is_some());
    }

    /// Adds what a later attempt of the batch saw.
    pub(crate) fn absorb(&mut self, later: Self) {
        if !is_on(Sabotage::ForgetScan) {
            self.ranges.absorb(later.ranges);
        }
        self.torn |= later.torn;
        if self.keys.is_empty() {
            self.keys = later.keys;
            return;
        }
        later.keys.into_iter().for_each(|(key, seen)| _ = self.add(&key, seen));
    }

    /// What must still be so when the batch commits; `None` if it cannot be.
    pub(crate) fn versions(&self) -> Option<impl Iterator<Item = (&[u8], Sequence)>> {
        let versions = self.keys.iter().filter_map(|(key, seen)| Some((key.as_slice(), seen.version?)));
        (!self.torn).then_some(versions)
    }

    /// The ranges in which nothing may change until the batch commits.
    pub(crate) fn ranges(&self) -> &[StateRange] {
        self.ranges.as_slice()
    }

    /// The keys that were written to unread, with what they took.
    pub(crate) fn unread(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let unread = self.keys.iter().filter(|(_, seen)| seen.version.is_none());
        unread.map(|(key, seen)| (key.as_slice(), seen.bytes))
    }
}
