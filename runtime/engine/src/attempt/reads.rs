//! What an attempt reads of committed state, and how it gets there.

use std::collections::BTreeMap;

use camshaft_event::{ConsumerId, Sequence};
use camshaft_tables::{StateSpace, TablesError, Versioned};

/// Committed state as a running handler reads it; also what is not durable yet.
pub trait StateReader: Send + Sync {
    /// One value.
    ///
    /// # Errors
    /// Tables that cannot be read.
    fn state(&self, space: StateSpace, key: &[u8]) -> Result<Option<Versioned>, TablesError>;
    /// At most `max` entries under `prefix` behind `after`, in key order.
    ///
    /// # Errors
    /// Tables that cannot be read.
    fn scan_state(
        &self,
        space: StateSpace,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<Vec<(Vec<u8>, Versioned)>, TablesError>;
    /// Whether a consumer has a timer of this name.
    fn has_timer(&self, consumer: ConsumerId, name: &str) -> bool;
}

/// What was read of committed state: the version of each key, 0 for an absent one.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    versions: BTreeMap<Vec<u8>, Sequence>,
    /// Whether all of the plugin's state was looked at.
    pub(crate) scanned: bool,
    /// Whether a key changed while it was read twice: no place in the log shows what the handler saw.
    torn: bool,
}

impl Reads {
    pub(crate) fn note(&mut self, key: &[u8], version: Sequence) {
        match self.versions.get(key) {
            Some(known) => self.torn |= *known != version,
            None => {
                self.versions.insert(key.to_vec(), version);
            }
        }
    }

    /// Adds what a later attempt of the batch read.
    pub(crate) fn absorb(&mut self, later: Self) {
        self.scanned |= later.scanned;
        self.torn |= later.torn;
        if self.versions.is_empty() {
            self.versions = later.versions;
            return;
        }
        later.versions.into_iter().for_each(|(key, version)| self.note(&key, version));
    }

    /// What must still be so when the batch commits; `None` if it cannot be.
    pub(crate) fn versions(&self) -> Option<impl Iterator<Item = (&[u8], Sequence)>> {
        let versions = self.versions.iter().map(|(key, version)| (key.as_slice(), *version));
        (!self.torn).then_some(versions)
    }
}
