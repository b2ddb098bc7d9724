//! Ranges over the tables: memory and store read as one keyspace.

use std::ops::ControlFlow;

use crate::overlay::Merged;
use crate::store::{Store, StoreError, Visit};
use crate::{Tables, keys};

/// Sees a key with its value, or with none where memory says that the key is deleted.
type VisitChange<'v> = dyn FnMut(&[u8], Option<&[u8]>) -> ControlFlow<()> + 'v;

impl<S: Store> Tables<S> {
    /// Visits the entries from `from` up to `until` in key order, until `visit` breaks.
    pub(crate) fn scan(
        &self,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        self.scan_changes(from, until, &mut |key, value| match value {
            Some(value) => visit(key, value),
            None => ControlFlow::Continue(()),
        })
    }

    /// The same, with the keys that are deleted in memory: a visitor that counts its steps counts them, too.
    pub(crate) fn scan_changes(
        &self,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut VisitChange<'_>,
    ) -> Result<(), StoreError> {
        let frozen = self.frozen.as_ref().map(|frozen| &frozen.overlay);
        let mut memory = Merged::new(&self.active, frozen, from, until).peekable();
        let mut flow = ControlFlow::Continue(());
        let scanned = self.store.scan(from, until, &mut |key, value| {
            while let Some((newer, change)) = memory.next_if(|(newer, _)| *newer < key) {
                flow = visit(newer, change);
                if flow.is_break() {
                    return flow;
                }
            }
            flow = match memory.next_if(|(newer, _)| *newer == key) {
                Some((_, change)) => visit(key, change),
                None => visit(key, Some(value)),
            };
            flow
        });
        // Damage hides some entries of the store, and none of memory.
        if let Err(error) = &scanned
            && !error.is_damage()
        {
            return scanned;
        }
        for (key, change) in memory {
            if flow.is_break() {
                break;
            }
            flow = visit(key, change);
        }
        scanned
    }

    pub(crate) fn scan_prefix(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.scan(prefix, keys::end_of(prefix).as_deref(), visit)
    }

    /// The keys under a prefix that can be read; those in damaged parts of the store nobody can reach anyway.
    pub(crate) fn readable_keys_under(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut found = Vec::new();
        let scanned = self.scan_prefix(prefix, &mut |key, _| {
            found.push(key.to_vec());
            ControlFlow::Continue(())
        });
        match scanned {
            Err(error) if !error.is_damage() => Err(error),
            Ok(()) | Err(_) => Ok(found),
        }
    }
}
