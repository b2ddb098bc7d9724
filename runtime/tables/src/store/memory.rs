//! A store in memory, for tests and the simulator. It keeps the promises of the trait but for the disk: what
//! it holds ends with it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use super::{Change, Expired, MAX_KEY_BYTES, Store, StoreError, Visit, check_key};

/// A [`Store`] that is one map behind a lock.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }
}

// A panic inside `visit` poisons nothing here: the map is changed only after the whole batch was read.
impl Store for MemoryStore {
    fn max_key_bytes(&self) -> usize {
        MAX_KEY_BYTES
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.get(key).cloned())
    }

    fn scan(&self, from: &[u8], until: Option<&[u8]>, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        // A map's range panics on bounds that are the wrong way round; a scan of nothing is no fault.
        if until.is_some_and(|until| until <= from) {
            return Ok(());
        }
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let until = until.map_or(Bound::Unbounded, Bound::Excluded);
        for (key, value) in entries.range::<[u8], _>((Bound::Included(from), until)) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        let mut before = None;
        for (key, value) in batch {
            check_key(Path::new("(memory)"), MAX_KEY_BYTES, before, key)?;
            before = Some(key);
            changes.push((key.to_vec(), value.map(<[u8]>::to_vec)));
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in changes {
            match value {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key),
            };
        }
        Ok(())
    }

    fn expire(&self, expired: Expired) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|key, value| !expired(key, value));
    }
}
