//! Ranges over the tables: memory and store read as one keyspace.

use std::ops::ControlFlow;

use crate::overlay::Merged;
use crate::store::{Store, StoreError, Visit};
use crate::{Tables, keys};

impl<S: Store> Tables<S> {
    /// Visits the entries from `from` up to `until` in key order, until `visit` breaks.
    pub(crate) fn scan(
        &self,
        from: &[u8],
        until: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let frozen = self.frozen.as_ref().map(|frozen| &frozen.overlay);
        let mut memory = Merged::new(&self.active, frozen, from, until).peekable();
        let mut flow = ControlFlow::Continue(());
        let scanned = self.store.scan(from, until, &mut |key, value| {
            while let Some((newer, change)) = memory.next_if(|(newer, _)| *newer < key) {
                if let Some(change) = change {
                    flow = visit(newer, change);
                    if flow.is_break() {
                        return flow;
                    }
                }
            }
            flow = match memory.next_if(|(newer, _)| *newer == key) {
                Some((_, Some(change))) => visit(key, change),
                Some((_, None)) => ControlFlow::Continue(()),
                None => visit(key, value),
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
            if let Some(change) = change {
                flow = visit(key, change);
            }
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
