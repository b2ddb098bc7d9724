//! fjall behind the tables' trait, to be measured beside the store that the runtime uses.
//!
//! Two ways to write a batch: through journal and memtable, or as sorted tables that are added in one step.

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use camshaft_tables::store::{Change, MAX_KEY_BYTES, Store, StoreError, StoreOperation, Visit};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::Settle;

/// Blocks and indexes in memory: what a budget of 256 MiB leaves beside two overlays of 64 MiB.
const CACHE_BYTES: u64 = 32 << 20;

/// A memtable is sealed at this size, which a batch passes at once.
const MEMTABLE_BYTES: u64 = 32 << 20;

/// The least that fjall takes.
const JOURNAL_BYTES: u64 = 64 << 20;

/// How a batch gets in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// Journal, memtable, later a table.
    Batch,
    /// A table at once. fjall does not slow this down when compaction falls behind; settling does.
    Ingest,
}

/// A [`Store`] in one folder.
pub struct FjallStore {
    path: PathBuf,
    database: Database,
    entries: Keyspace,
    writing: Writing,
}

impl FjallStore {
    /// Opens or makes the store in the folder `path`.
    pub fn open(path: &Path, writing: Writing) -> Result<FjallStore, fjall::Error> {
        let database = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .manual_journal_persist(true)
            .open()?;
        let entries = database
            .keyspace("entries", || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES))?;
        Ok(FjallStore { path: path.to_owned(), database, entries, writing })
    }

    fn write_inner(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), fjall::Error> {
        match self.writing {
            Writing::Batch => {
                let mut changes = self.database.batch().durability(Some(PersistMode::SyncAll));
                for (key, value) in batch {
                    match value {
                        Some(value) => changes.insert(&self.entries, key, value),
                        None => changes.remove(&self.entries, key),
                    }
                }
                changes.commit()
            }
            Writing::Ingest => {
                let mut ingestion = self.entries.start_ingestion()?;
                for (key, value) in batch {
                    match value {
                        Some(value) => ingestion.write(key, value)?,
                        None => ingestion.write_tombstone(key)?,
                    }
                }
                ingestion.finish()
            }
        }
    }

    fn failed(&self, operation: StoreOperation, source: fjall::Error) -> StoreError {
        StoreError::Failed { operation, path: self.path.clone(), source: Box::new(source) }
    }
}

impl Store for FjallStore {
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

impl Settle for FjallStore {
    fn settle(&self) {
        // fjall tells what runs, not what is queued; twenty quiet milliseconds in a row count as an end.
        let mut quiet = 0;
        while quiet < 4 {
            let busy = self.database.outstanding_flushes() > 0 || self.database.active_compactions() > 0;
            quiet = if busy { 0 } else { quiet + 1 };
            thread::sleep(Duration::from_millis(5));
        }
    }
}
