//! The simulated store: a map that loses nothing it has said to have written, that can be full, and that a
//! crash can meet in the middle of a batch. A batch is whole or not there. A key whose value expired shows an
//! older one again, as a tree of tables may.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camshaft_event::ConsumerId;
use camshaft_tables::store::{Change, Expired, MemoryStore, Store, StoreError, StoreOperation, Visit};

#[derive(Debug, Default)]
pub(crate) struct SimStore {
    entries: Arc<MemoryStore>,
    /// Values that were replaced, by their keys, since these were last deleted.
    older: Arc<Mutex<BTreeMap<Vec<u8>, Vec<u8>>>>,
    mishap: Mutex<Option<Mishap>>,
    /// Keys of entries that cannot be read; outlives the process.
    spoiled: Arc<Mutex<BTreeSet<Vec<u8>>>>,
    /// Keys of entries that could not be read at some time, though they may have been written anew since.
    once_spoiled: Arc<Mutex<BTreeSet<Vec<u8>>>>,
}

/// What befalls the next batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// There is no room for it.
    Full,
    /// The process ends while it is written; whether it is there afterwards.
    Crash { survives: bool },
}

impl SimStore {
    /// The store as the next start finds it.
    pub(crate) fn after_crash(&self) -> Self {
        Self {
            entries: Arc::clone(&self.entries),
            older: Arc::clone(&self.older),
            mishap: Mutex::default(),
            spoiled: Arc::clone(&self.spoiled),
            once_spoiled: Arc::clone(&self.once_spoiled),
        }
    }

    /// Another store with the same entries.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::default();
        let entries = self.dump();
        let written =
            copy.write(&mut entries.iter().map(|(key, value)| (key.as_slice(), Some(value.as_slice()))));
        written.expect("what one store holds another one takes");
        copy
    }

    /// Lets something happen to the next batch.
    pub(crate) fn expect(&self, mishap: Mishap) {
        *self.mishap.lock().unwrap_or_else(PoisonError::into_inner) = Some(mishap);
    }

    /// Damages an entry, if there is one.
    pub(crate) fn spoil(&self, key: Vec<u8>) -> bool {
        let is_there = self.entries.get(&key).is_ok_and(|found| found.is_some());
        if is_there {
            lock(&self.once_spoiled).insert(key.clone());
        }
        is_there && self.spoiled().insert(key)
    }

    /// Whether the state of a consumer has damaged entries.
    pub(crate) fn has_spoiled(&self, consumer: ConsumerId) -> bool {
        has_state(&self.spoiled(), consumer)
    }

    /// Whether it ever had. A call that read a damaged entry may end long after that was written anew.
    pub(crate) fn was_spoiled(&self, consumer: ConsumerId) -> bool {
        has_state(&lock(&self.once_spoiled), consumer)
    }

    /// Undoes all damage.
    pub(crate) fn mend(&self) {
        self.spoiled().clear();
    }

    /// Writes a batch, and keeps the values that it replaces.
    fn replace(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), StoreError> {
        let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        self.entries.write(&mut batch.inspect(|(key, value)| match self.entries.get(key) {
            Ok(Some(replaced)) if value.is_some() => _ = older.insert(key.to_vec(), replaced),
            _ => _ = older.remove(*key),
        }))
    }

    fn spoiled(&self) -> MutexGuard<'_, BTreeSet<Vec<u8>>> {
        lock(&self.spoiled)
    }

    fn damaged(operation: StoreOperation) -> StoreError {
        let source = "the entry is damaged".into();
        StoreError::Damaged { operation, path: PathBuf::from("(simulated)"), source }
    }

    /// All entries, sorted.
    pub(crate) fn dump(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut entries = BTreeMap::new();
        let scanned = self.entries.scan(b"", None, &mut |key, value| {
            entries.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        });
        scanned.expect("a store in memory can be read");
        entries
    }
}

impl Store for SimStore {
    fn max_key_bytes(&self) -> usize {
        self.entries.max_key_bytes()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if self.spoiled().contains(key) {
            return Err(Self::damaged(StoreOperation::Get));
        }
        self.entries.get(key)
    }

    fn scan(&self, from: &[u8], until: Option<&[u8]>, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let spoiled = self.spoiled().clone();
        let mut is_damaged = false;
        self.entries.scan(from, until, &mut |key, value| {
            if spoiled.contains(key) {
                is_damaged = true;
                return ControlFlow::Continue(());
            }
            visit(key, value)
        })?;
        if is_damaged { Err(Self::damaged(StoreOperation::Scan)) } else { Ok(()) }
    }

    fn write(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), StoreError> {
        let path = PathBuf::from("(simulated)");
        match self.mishap.lock().unwrap_or_else(PoisonError::into_inner).take() {
            None => {
                // What is written anew is sound.
                let mut spoiled = self.spoiled();
                self.replace(&mut batch.inspect(|(key, _)| _ = spoiled.remove(*key)))
            }
            Some(Mishap::Full) => Err(StoreError::Full { path }),
            Some(Mishap::Crash { survives }) => {
                if survives {
                    self.replace(batch)?;
                }
                let source = "the process ends here".into();
                Err(StoreError::Failed { operation: StoreOperation::Write, path, source })
            }
        }
    }

    fn expire(&self, expired: Expired) {
        let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = self.dump().into_iter().filter(|(key, value)| expired(key, value));
        let again: Vec<_> = gone.filter_map(|(key, _)| older.remove_entry(&key)).collect();
        self.entries.expire(Arc::clone(&expired));
        let again = again.iter().map(|(key, value)| (key.as_slice(), Some(value.as_slice())));
        let shown =
            self.entries.write(&mut again.filter(|(key, value)| !expired(key, value.unwrap_or_default())));
        shown.expect("a store in memory takes what it held");
    }
}

fn lock(keys: &Mutex<BTreeSet<Vec<u8>>>) -> MutexGuard<'_, BTreeSet<Vec<u8>>> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a state entry of `consumer` is among the keys.
fn has_state(keys: &BTreeSet<Vec<u8>>, consumer: ConsumerId) -> bool {
    let prefix = [&[6], &consumer.0.to_be_bytes()[..]].concat();
    keys.iter().any(|key| key.starts_with(&prefix))
}
