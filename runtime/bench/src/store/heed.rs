//! LMDB, by way of heed, behind the tables' trait, to be measured beside the store that the runtime uses.
//!
//! Its settings are those it would run with: durable commits, a map that is only read, no read-ahead, and a
//! bound on the pages of one batch in memory (see Cargo.toml).

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use camshaft_tables::store::{Change, MAX_KEY_BYTES, Store, StoreError, StoreOperation, Visit};
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions};

use super::Settle;

/// How much address space to reserve. It bounds how large the file may grow and costs nothing until then.
const MAP_BYTES: usize = 1 << 40;

/// The least that is worth opening with, where a limit on address space is in force.
const LEAST_MAP_BYTES: usize = 1 << 30;

/// One slot per thread that has ever read: the workers and the API's threads, with room.
const MAX_READERS: u32 = 1024;

/// A [`Store`] in one folder on disk.
pub struct HeedStore {
    path: PathBuf,
    env: Env,
    entries: Database<'static, Bytes, Bytes>,
}

impl HeedStore {
    /// Opens the store in the folder `path`, making an empty one where there is none. The caller holds the
    /// lock of the data folder: no second process may have this store open.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] when the folder cannot be made, read or written, is open already, or holds
    /// something else.
    pub fn open(path: &Path) -> Result<HeedStore, StoreError> {
        HeedStore::open_inner(path).map_err(|source| StoreError::Failed {
            operation: StoreOperation::Open,
            path: path.to_owned(),
            source,
        })
    }

    fn open_inner(path: &Path) -> Result<HeedStore, Box<dyn Error + Send + Sync>> {
        fs::create_dir_all(path)?;
        let env = reserve(path)?;
        // Guests' keys may be this long, so a build of LMDB with its shorter default must not get here.
        assert!(env.max_key_size() >= MAX_KEY_BYTES, "heed is built with `longer-keys`");
        let transaction = env.write_txn()?;
        let entries = env
            .create_databases_and_commit(transaction, |open, transaction| {
                open.create_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
            })?
            .unwrap_commit();
        // IMPORTANT: LMDB syncs its file but not the folders that name it. Without these two a power cut
        // could take the whole file away after batches were reported durable.
        File::open(path)?.sync_all()?;
        if let Some(parent) = path.canonicalize()?.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(HeedStore { path: path.to_owned(), env, entries })
    }

    fn write_inner(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), heed::Error> {
        let mut transaction = self.env.write_txn()?;
        for (key, value) in batch {
            match value {
                Some(value) => self.entries.put(&mut transaction, key, value)?,
                None => {
                    self.entries.delete(&mut transaction, key)?;
                }
            }
        }
        // IMPORTANT: with LMDB's default flags this syncs the pages, then writes the new root through a file
        // opened for synchronous writes. Any relaxing flag would break what `Store::write` promises.
        transaction.commit()?;
        Ok(())
    }

    fn failed(&self, operation: StoreOperation, source: heed::Error) -> StoreError {
        StoreError::Failed { operation, path: self.path.clone(), source: Box::new(source) }
    }
}

impl Store for HeedStore {
    fn max_key_bytes(&self) -> usize {
        MAX_KEY_BYTES
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        // LMDB calls these two an error; nothing can have been stored under them.
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Ok(None);
        }
        let read = || {
            let transaction = self.env.read_txn()?;
            Ok(self.entries.get(&transaction, key)?.map(<[u8]>::to_vec))
        };
        read().map_err(|error| self.failed(StoreOperation::Get, error))
    }

    fn scan(&self, from: &[u8], until: Option<&[u8]>, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        if until.is_some_and(|until| until <= from) {
            return Ok(());
        }
        // LMDB refuses to look for an empty key.
        let lower = if from.is_empty() { Bound::Unbounded } else { Bound::Included(from) };
        let upper = until.map_or(Bound::Unbounded, Bound::Excluded);
        let mut read = || {
            let transaction = self.env.read_txn()?;
            for entry in self.entries.range(&transaction, &(lower, upper))? {
                let (key, value) = entry?;
                if visit(key, value).is_break() {
                    break;
                }
            }
            Ok(())
        };
        read().map_err(|error| self.failed(StoreOperation::Scan, error))
    }

    fn write(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), StoreError> {
        self.write_inner(batch).map_err(|error| self.failed(StoreOperation::Write, error))
    }
}

/// Opens the folder with as much address space as the process may have.
fn reserve(path: &Path) -> Result<Env, heed::Error> {
    let mut map_bytes = MAP_BYTES;
    loop {
        match open_env(path, map_bytes) {
            Err(heed::Error::Io(error))
                if error.kind() == io::ErrorKind::OutOfMemory && map_bytes > LEAST_MAP_BYTES =>
            {
                map_bytes /= 2;
            }
            opened => return opened,
        }
    }
}

#[expect(unsafe_code, reason = "mapping a file is sound only while nobody else changes it")]
fn open_env(path: &Path, map_bytes: usize) -> Result<Env, heed::Error> {
    let mut options = EnvOpenOptions::new();
    options.map_size(map_bytes).max_readers(MAX_READERS);
    // SAFETY: the flag only advises the kernel that reads are random, so that a miss fetches one page instead
    // of its neighbours too; it changes nothing about durability or locking.
    unsafe { options.flags(EnvFlags::NO_READ_AHEAD) };
    // SAFETY: the data folder is the runtime's own and locked by it, so nothing truncates or rewrites the
    // file under the map. The map is read-only (no WRITE_MAP): a stray pointer cannot damage the store, and a
    // full disk is an error of a write instead of a fault at a page.
    unsafe { options.open(path) }
}

impl Settle for HeedStore {}
