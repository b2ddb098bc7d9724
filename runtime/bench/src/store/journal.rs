//! fjall again, but with a batch going through its journal and memtable, to be measured beside the store that
//! the runtime uses, which adds a batch as a sorted table.

use std::ops::Bound;
use std::path::{Path, PathBuf};

use camshaft_tables::store::{Change, MAX_KEY_BYTES, Store, StoreError, StoreOperation, Visit};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{CACHE_BYTES, Settle, wait_until_quiet};

/// A memtable is sealed at this size, which a batch passes at once.
const MEMTABLE_BYTES: u64 = 32 << 20;

/// The least that fjall takes.
const JOURNAL_BYTES: u64 = 64 << 20;

/// A [`Store`] in one folder.
pub struct JournalStore {
    path: PathBuf,
    database: Database,
    entries: Keyspace,
}

impl JournalStore {
    /// Opens or makes the store in the folder `path`.
    pub fn open(path: &Path) -> Result<JournalStore, fjall::Error> {
        let database = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .max_journaling_size(JOURNAL_BYTES)
            .manual_journal_persist(true)
            .open()?;
        let entries = database
            .keyspace("entries", || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES))?;
        Ok(JournalStore { path: path.to_owned(), database, entries })
    }

    fn write_inner(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), fjall::Error> {
        let mut changes = self.database.batch().durability(Some(PersistMode::SyncAll));
        for (key, value) in batch {
            match value {
                Some(value) => changes.insert(&self.entries, key, value),
                None => changes.remove(&self.entries, key),
            }
        }
        changes.commit()
    }

    fn failed(&self, operation: StoreOperation, source: fjall::Error) -> StoreError {
        StoreError::Failed { operation, path: self.path.clone(), source: Box::new(source) }
    }
}

impl Store for JournalStore {
    fn max_key_bytes(&self) -> usize {
        MAX_KEY_BYTES
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.entries.get(key).map_err(|error| self.failed(StoreOperation::Get, error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, from: &[u8], until: Option<&[u8]>, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let until = until.map_or(Bound::Unbounded, Bound::Excluded);
        for entry in self.entries.range::<&[u8], _>((Bound::Included(from), until)) {
            let (key, value) =
                entry.into_inner().map_err(|error| self.failed(StoreOperation::Scan, error))?;
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), StoreError> {
        self.write_inner(batch).map_err(|error| self.failed(StoreOperation::Write, error))
    }
}

impl Settle for JournalStore {
    fn settle(&self) {
        wait_until_quiet(|| {
            self.database.outstanding_flushes() == 0 && self.database.active_compactions() == 0
        });
    }
}
