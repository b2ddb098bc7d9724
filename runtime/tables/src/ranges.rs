//! Ranges of a plugin's state, and whether something in them has changed.
//!
//! The sequencer asks under its lock, so only memory is searched, and only a bounded part of it.

use camshaft_event::Sequence;
use camshaft_sabotage::{Sabotage, is_on};

use crate::overlay::Entry;
use crate::store::Store;
use crate::{StateSpace, Tables, Versioned, keys};

/// Entries that one search looks at.
const MAX_VISITED: usize = 4_096;

/// The keys of a plugin's state between two bounds, present or absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateRange {
    /// The first key of the range.
    pub from: Vec<u8>,
    /// The first key after the range; `None` if the range ends with the state.
    pub until: Option<Vec<u8>>,
}

impl StateRange {
    /// The keys that begin with `prefix` and lie after `after`.
    #[must_use]
    pub fn under(prefix: &[u8], after: Option<&[u8]>) -> Self {
        let after = after.filter(|after| *after >= prefix);
        Self { from: after.map_or_else(|| prefix.to_vec(), next_key), until: keys::end_of(prefix) }
    }

    /// The part of the range that ends with the key `last`.
    #[must_use]
    pub fn up_to(self, last: &[u8]) -> Self {
        Self { until: Some(next_key(last)), ..self }
    }

    /// Whether no key can lie in the range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.until.as_ref().is_some_and(|until| self.from >= *until)
    }

    /// The bounds as keys of the tables.
    pub(crate) fn in_tables(&self, space: StateSpace) -> (Vec<u8>, Vec<u8>) {
        let key = |key: &[u8]| keys::state(space.consumer, space.generation, key);
        let until = self.until.as_ref().map_or_else(|| keys::end_of_state(space), |until| key(until));
        (key(&self.from), until)
    }
}

impl<S: Store> Tables<S> {
    /// Whether a key in one of `ranges` may have changed after transaction `since`.
    ///
    /// Memory holds every change after the snapshot, deletions included. If the snapshot is newer than
    /// `since`, changes may have left memory, and the answer is yes. It is also yes if the ranges have more
    /// than 4,096 entries in memory.
    #[must_use]
    pub fn may_have_changed(&self, space: StateSpace, ranges: &[StateRange], since: Sequence) -> bool {
        if ranges.is_empty() {
            return false;
        }
        if self.snapshot.sequence > since && !is_on(Sabotage::TrustFlushedRange) {
            return true;
        }
        let frozen = self.frozen.as_ref().filter(|frozen| frozen.progress().sequence > since);
        let overlays = [Some(&self.active), frozen.map(|frozen| &frozen.overlay)];
        let mut visited = 0;
        let mut has_changed = |entry: &Entry| {
            visited += 1;
            visited > MAX_VISITED || writer(entry).is_none_or(|writer| writer > since)
        };
        ranges.iter().filter(|range| !range.is_empty()).any(|range| {
            let (from, until) = range.in_tables(space);
            let mut overlays = overlays.into_iter().flatten();
            overlays.any(|overlay| overlay.entries(&from, Some(&until)).any(&mut has_changed))
        })
    }
}

/// The first key after `key`.
fn next_key(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// The transaction that an entry of state comes from; `None` if its value is damaged.
fn writer(entry: &Entry) -> Option<Sequence> {
    match entry {
        Entry::Value(bytes) => Versioned::split(bytes).map(|(version, _)| version),
        Entry::Deleted(at) => Some(*at),
    }
}
