//! The overlay: changes in memory that the store does not hold yet.

use std::collections::{BTreeMap, HashMap, btree_map};
use std::iter::Peekable;
use std::ops::Bound;

use camshaft_event::Sequence;
use foldhash::fast::RandomState;

use crate::KnownIdentity;
use crate::store::Change;

/// Bookkeeping that an entry costs beside its bytes; an estimate that errs on the high side.
const ENTRY_OVERHEAD_BYTES: usize = 96;
const IDENTITY_BYTES: usize = 64;

/// What the overlay holds for a key.
#[derive(Debug)]
pub(crate) enum Entry {
    /// The key has this value.
    Value(Vec<u8>),
    /// This transaction deleted the key.
    Deleted(Sequence),
}

/// Puts and deletes since the last freeze.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    changes: BTreeMap<Vec<u8>, Entry>,
    identities: HashMap<u128, KnownIdentity, RandomState>,
    bytes: usize,
}

impl Overlay {
    /// Sets the value of `key`.
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.insert(key, Entry::Value(value));
    }

    /// Marks `key` as deleted by transaction `at`.
    pub(crate) fn delete(&mut self, key: Vec<u8>, at: Sequence) {
        self.insert(key, Entry::Deleted(at));
    }

    /// What transaction `at` says of `key`: its value, or that it is deleted.
    pub(crate) fn change(&mut self, key: Vec<u8>, value: Option<Vec<u8>>, at: Sequence) {
        self.insert(key, value.map_or(Entry::Deleted(at), Entry::Value));
    }

    fn insert(&mut self, key: Vec<u8>, entry: Entry) {
        let added = entry.value_bytes();
        match self.changes.entry(key) {
            btree_map::Entry::Vacant(slot) => {
                self.bytes += slot.key().len() + added + ENTRY_OVERHEAD_BYTES;
                slot.insert(entry);
            }
            btree_map::Entry::Occupied(mut slot) => {
                let removed = slot.insert(entry).value_bytes();
                self.bytes = (self.bytes + added).saturating_sub(removed);
            }
        }
    }

    pub(crate) fn put_identity(&mut self, hash: u128, known: KnownIdentity) {
        if self.identities.insert(hash, known).is_none() {
            self.bytes += IDENTITY_BYTES;
        }
    }

    /// `None` if the overlay does not know; `Some(None)` if the key is deleted.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.changes.get(key).map(Entry::value)
    }

    pub(crate) fn identity(&self, hash: u128) -> Option<KnownIdentity> {
        self.identities.get(&hash).copied()
    }

    pub(crate) fn identities(&self) -> impl Iterator<Item = (u128, KnownIdentity)> {
        self.identities.iter().map(|(hash, known)| (*hash, *known))
    }

    /// The changes from `from` up to `until`, in key order.
    pub(crate) fn changes(&self, from: &[u8], until: Option<&[u8]>) -> impl Iterator<Item = Change<'_>> {
        self.range(from, until).map(|(key, entry)| (key.as_slice(), entry.value()))
    }

    /// The entries from `from` up to `until`, in key order.
    pub(crate) fn entries(&self, from: &[u8], until: Option<&[u8]>) -> impl Iterator<Item = &Entry> {
        self.range(from, until).map(|(_, entry)| entry)
    }

    /// Estimate of the memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn range(&self, from: &[u8], until: Option<&[u8]>) -> Peekable<Range<'_>> {
        let until = until.map_or(Bound::Unbounded, Bound::Excluded);
        self.changes.range::<[u8], _>((Bound::Included(from), until)).peekable()
    }
}

impl Entry {
    /// The value; `None` if the key is deleted.
    fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Value(value) => Some(value),
            Self::Deleted(_) => None,
        }
    }

    fn value_bytes(&self) -> usize {
        self.value().map_or(0, <[u8]>::len)
    }
}

// A deletion needs no more room than a value without its bytes.
const _: () = assert!(size_of::<Entry>() == size_of::<Vec<u8>>());

type Range<'o> = btree_map::Range<'o, Vec<u8>, Entry>;

/// Changes of two overlays in key order; where both know a key, the newer one counts.
pub(crate) struct Merged<'o> {
    newer: Peekable<Range<'o>>,
    older: Option<Peekable<Range<'o>>>,
}

impl<'o> Merged<'o> {
    pub(crate) fn new(
        newer: &'o Overlay,
        older: Option<&'o Overlay>,
        from: &[u8],
        until: Option<&[u8]>,
    ) -> Self {
        Self { newer: newer.range(from, until), older: older.map(|older| older.range(from, until)) }
    }
}

impl<'o> Iterator for Merged<'o> {
    type Item = Change<'o>;

    fn next(&mut self) -> Option<Self::Item> {
        let older = self.older.as_mut().and_then(|older| older.peek().map(|(key, _)| *key));
        let newer = self.newer.peek().map(|(key, _)| *key);
        let take_older = match (newer, older) {
            (Some(newer), Some(older)) => older < newer,
            (newer, _) => newer.is_none(),
        };
        let (key, entry) = if take_older {
            self.older.as_mut()?.next()?
        } else {
            if newer == older {
                self.older.as_mut().and_then(Iterator::next);
            }
            self.newer.next()?
        };
        Some((key.as_slice(), entry.value()))
    }
}
