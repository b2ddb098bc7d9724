//! The dead letters of a consumer, as memory knows them: enough to list, select and count them. The letters
//! themselves lie in the tables.

use std::collections::BTreeMap;

use camshaft_event::{DeadLetter, FailureCause, Key, Offset, Sequence, Timestamp};

/// What is known here of a dead letter.
#[derive(Clone, Debug)]
pub(crate) struct DeadEntry {
    pub(crate) key: Key,
    pub(crate) parks: bool,
    bytes: usize,
    pub(crate) event_type: Box<str>,
    /// How its last attempt failed.
    pub(crate) reason: Option<FailureCause>,
    pub(crate) at: Timestamp,
    /// The transaction in which it became one.
    pub(crate) since: Sequence,
}

impl DeadEntry {
    pub(crate) fn of(letter: &DeadLetter, key: Key, since: Sequence) -> Self {
        Self {
            key,
            parks: letter.parks,
            bytes: letter.size(),
            event_type: letter.event.event_type.as_str().into(),
            reason: letter.history.latest().map(|latest| latest.cause),
            at: letter.at,
            since,
        }
    }
}

/// All dead letters of one consumer, by offset.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters {
    by_offset: BTreeMap<Offset, DeadEntry>,
    bytes: usize,
}

impl DeadLetters {
    pub(crate) fn insert(&mut self, offset: Offset, entry: DeadEntry) {
        self.bytes += entry.bytes;
        if let Some(replaced) = self.by_offset.insert(offset, entry) {
            self.bytes -= replaced.bytes;
        }
    }

    pub(crate) fn remove(&mut self, offset: Offset) -> Option<DeadEntry> {
        let entry = self.by_offset.remove(&offset)?;
        self.bytes -= entry.bytes;
        Some(entry)
    }

    pub(crate) fn get(&self, offset: Offset) -> Option<&DeadEntry> {
        self.by_offset.get(&offset)
    }

    /// Those from an offset on, in order.
    pub(crate) fn from(&self, offset: Offset) -> impl Iterator<Item = (Offset, &DeadEntry)> {
        self.by_offset.range(offset..).map(|(offset, entry)| (*offset, entry))
    }

    pub(crate) fn len(&self) -> usize {
        self.by_offset.len()
    }

    /// What all of them take in the tables, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}
