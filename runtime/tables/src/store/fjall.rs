//! The store on disk: fjall, a log-structured tree. The runtime opens one in its data folder.
//!
//! A batch comes sorted, so it becomes a table of the tree as it is: written and synced beside the others,
//! then added to the list of tables in one step. fjall's own journal and memtable stay unused, for the event
//! log and the overlay are exactly that already. A thread of fjall's merges tables in the background. Why
//! fjall and not LMDB is measured by `camshaft-bench store`.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::thread;
use std::time::Duration;

use fjall::compaction::filter::{
    CompactionFilter, CompactionFilterResult, Context, Factory, ItemAccessor, Verdict,
};
use fjall::config::{PartitioningPolicy, PinningPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, LsmError, PersistMode};

use super::{Change, Expired, MAX_KEY_BYTES, Store, StoreError, StoreOperation, Visit, check_key};

/// A read looks through every table that is not merged yet, so a writer that is this far ahead waits for the
/// merge.
const MOST_UNMERGED_TABLES: usize = 12;

/// How often a waiting writer looks again; a merge takes about a second.
const MERGE_POLL: Duration = Duration::from_millis(5);

/// A [`Store`] in one folder on disk.
pub struct FjallStore {
    path: PathBuf,
    cache_bytes: u64,
    /// Empty only while it is being opened anew, or after that failed; then the next call tries again.
    engine: RwLock<Option<Engine>>,
    closed: AtomicBool,
    expiry: Arc<Expiry>,
}

struct Engine {
    entries: Keyspace,
    database: Database,
}

/// What merges leave out.
#[derive(Default)]
struct Expiry(RwLock<Option<Expired>>);

/// What one merge leaves out.
struct LeaveOut(Option<Expired>);

impl FjallStore {
    /// Opens the store in the folder `path`, making an empty one where there is none. It keeps up to
    /// `cache_bytes` of what was read in memory; beside that a batch being written and a merge take about 60
    /// MiB together.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] when the folder cannot be made, read or written, is open already, or holds a
    /// store of another format; [`StoreError::Full`] when the disk has no room even for an empty one.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<FjallStore, StoreError> {
        let store = FjallStore {
            path: path.to_owned(),
            cache_bytes,
            engine: RwLock::new(None),
            closed: AtomicBool::new(false),
            expiry: Arc::default(),
        };
        store.reopen(StoreOperation::Open)?;
        Ok(store)
    }

    /// Gives the folder back, while others still hold this store: each later call of theirs fails. The
    /// runtime calls it when it has stopped. What was written stays.
    pub fn close(&self) {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        self.closed.store(true, Ordering::Release);
        *engine = None;
    }

    /// Whether no merge is running. Nothing needs to wait for it, but a measurement counts it.
    pub fn is_settled(&self) -> bool {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        engine.as_ref().is_none_or(|engine| engine.database.active_compactions() == 0)
    }

    /// Closes the engine, if it is open, and opens it again.
    fn reopen(&self, operation: StoreOperation) -> Result<(), StoreError> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Failed {
                operation,
                path: self.path.clone(),
                source: "the store is closed".into(),
            });
        }
        // The old one holds the folder's lock, so it has to go first.
        *engine = None;
        let opened = open_engine(&self.path, self.cache_bytes, &self.expiry);
        *engine = Some(opened.map_err(|error| self.failed(operation, error))?);
        Ok(())
    }

    fn engine(&self, operation: StoreOperation) -> Result<RwLockReadGuard<'_, Option<Engine>>, StoreError> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        if engine.is_some() {
            return Ok(engine);
        }
        drop(engine);
        self.reopen(operation)?;
        Ok(self.engine.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `read` on the open engine.
    fn read<R>(
        &self,
        operation: StoreOperation,
        read: impl FnOnce(&Keyspace) -> Result<R, fjall::Error>,
    ) -> Result<R, StoreError> {
        let engine = self.engine(operation)?;
        let engine = engine.as_ref().ok_or(fjall::Error::Poisoned);
        engine.and_then(|engine| read(&engine.entries)).map_err(|error| self.unread(operation, error))
    }

    /// Why entries could not be read. The engine is open, so what a block of a table holds or a sector of the
    /// disk is to blame, and other entries may be sound.
    fn unread(&self, operation: StoreOperation, error: fjall::Error) -> StoreError {
        match error {
            fjall::Error::Io(ref cause) | fjall::Error::Storage(LsmError::Io(ref cause))
                if !is_bad_read(cause) =>
            {
                self.failed(operation, error)
            }
            fjall::Error::Storage(_) | fjall::Error::Io(_) | fjall::Error::Decompress(_) => {
                StoreError::Damaged { operation, path: self.path.clone(), source: Box::new(error) }
            }
            other => self.failed(operation, other),
        }
    }

    fn write_inner(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), StoreError> {
        let failed = |error| self.failed(StoreOperation::Write, error);
        let engine = self.engine(StoreOperation::Write)?;
        let engine = engine.as_ref().ok_or(fjall::Error::Poisoned).map_err(failed)?;
        engine.wait_for_merge();
        let mut table = engine.entries.start_ingestion().map_err(failed)?;
        let mut before = None;
        for (key, value) in batch {
            check_key(&self.path, MAX_KEY_BYTES, before, key)?;
            before = Some(key);
            match value {
                Some(value) => table.write(key, value),
                None => table.write_tombstone(key),
            }
            .map_err(failed)?;
        }
        // IMPORTANT: this syncs the table and its folder, then replaces the synced list of tables by one that
        // has it. Until that last step nothing of the batch is visible, in this process or after a crash.
        table.finish().map_err(failed)
    }

    /// Whether the merging thread has met an error and ended.
    fn is_stopped(&self) -> bool {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        // fjall tells this only as the refusal of a write; syncing its empty journal is the cheapest one.
        engine.as_ref().is_some_and(|engine| engine.database.persist(PersistMode::Buffer).is_err())
    }

    fn failed(&self, operation: StoreOperation, error: fjall::Error) -> StoreError {
        let path = self.path.clone();
        let source: Box<dyn Error + Send + Sync> = match error {
            fjall::Error::Io(error) | fjall::Error::Storage(LsmError::Io(error)) if is_full(&error) => {
                return StoreError::Full { path };
            }
            error if operation == StoreOperation::Open && is_damaged(&error) => {
                return StoreError::Damaged { operation, path, source: Box::new(error) };
            }
            fjall::Error::Io(error) | fjall::Error::Storage(LsmError::Io(error)) => Box::new(error),
            error => Box::new(error),
        };
        StoreError::Failed { operation, path, source }
    }
}

impl Store for FjallStore {
    fn max_key_bytes(&self) -> usize {
        MAX_KEY_BYTES
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(StoreOperation::Get, |entries| Ok(entries.get(key)?.map(|value| value.to_vec())))
    }

    fn scan(&self, from: &[u8], until: Option<&[u8]>, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        if until.is_some_and(|until| until <= from) {
            return Ok(());
        }
        let until = until.map_or(Bound::Unbounded, Bound::Excluded);
        self.read(StoreOperation::Scan, |entries| {
            let mut last = None;
            for entry in entries.range::<&[u8], _>((Bound::Included(from), until)) {
                match entry.into_inner() {
                    Ok((key, value)) if visit(&key, &value).is_break() => break,
                    Ok((key, _)) => last = Some(key),
                    Err(error) => {
                        let from =
                            last.as_ref().map_or(Bound::Included(from), |last| Bound::Excluded(&**last));
                        visit_behind_damage(entries, (from, until), visit);
                        return Err(error);
                    }
                }
            }
            Ok(())
        })
    }

    fn write(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), StoreError> {
        // A merge that met a full disk has stopped for good. Opening again starts it afresh and takes the
        // half written tables away, so that the room which an operator makes is enough.
        if self.is_stopped() {
            self.reopen(StoreOperation::Write)?;
        }
        self.write_inner(batch).inspect_err(|_| {
            // Should this fail, too, then the next call tries it again and says so; the first error says
            // more.
            let _ = self.reopen(StoreOperation::Write);
        })
    }

    fn expire(&self, expired: Expired) {
        *self.expiry.0.write().unwrap_or_else(PoisonError::into_inner) = Some(expired);
    }
}

impl Factory for Expiry {
    fn name(&self) -> &'static str {
        "expired entries"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(LeaveOut(self.0.read().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

impl CompactionFilter for LeaveOut {
    /// An entry is destroyed, not replaced by a mark that it is gone: that would be carried from merge to
    /// merge. What may lie below it has expired as well.
    fn filter_item(&mut self, entry: ItemAccessor<'_>, _: &Context) -> CompactionFilterResult {
        let Some(expired) = &self.0 else { return Ok(Verdict::Keep) };
        Ok(if expired(entry.key(), &entry.value()?) { Verdict::Destroy } else { Verdict::Keep })
    }
}

impl Engine {
    /// Each batch asks for one merge. While none is running, waiting would help nobody.
    fn wait_for_merge(&self) {
        while self.entries.l0_table_count() > MOST_UNMERGED_TABLES && self.database.active_compactions() > 0 {
            thread::sleep(MERGE_POLL);
        }
    }
}

/// By default the filter and the index of a large table are one block each, of a megabyte and more, and
/// compete for the cache with what they lead to. Once they do not all fit, each lookup reads and checks a
/// whole one. In parts it reads a few kilobytes, but even where they are cached, finding the part takes
/// longer than asking it. So the filters of the upper levels, which are bounded, stay in memory whole: about
/// 20 MiB beside the cache when these levels are full.
fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .filter_block_partitioning_policy(PartitioningPolicy::new([false, false, true]))
        .filter_block_pinning_policy(PinningPolicy::all(true))
        .index_block_partitioning_policy(PartitioningPolicy::all(true))
}

fn open_engine(path: &Path, cache_bytes: u64, expiry: &Arc<Expiry>) -> Result<Engine, fjall::Error> {
    fs::create_dir_all(path)?;
    let expiry = Arc::clone(expiry);
    let database = Database::builder(path)
        .cache_size(cache_bytes)
        // One thread merges; more would only take turns, and the workers need the cores.
        .worker_threads(1)
        .with_compaction_filter_factories(Arc::new(move |_| Some(Arc::clone(&expiry) as Arc<dyn Factory>)))
        .open()?;
    let entries = database.keyspace("entries", options)?;
    // IMPORTANT: fjall syncs its folder, but not the one that names it. Without this a power cut could take
    // the whole store away after batches were reported durable.
    if let Some(parent) = path.canonicalize()?.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(Engine { entries, database })
}

/// Visits the entries of a range, whose first ones are damaged, that lie behind all damage. Where that ends,
/// only going back from the end of the range tells.
fn visit_behind_damage(entries: &Keyspace, range: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) {
    let sound = entries.range::<&[u8], _>(range).rev().map_while(|entry| entry.key().ok());
    let Some(first) = sound.last() else { return };
    for entry in entries.range::<&[u8], _>((Bound::Included(&*first), range.1)) {
        let Ok((key, value)) = entry.into_inner() else { return };
        if visit(&key, &value).is_break() {
            return;
        }
    }
}

/// Whether what the folder holds is damaged or incomplete, not only out of reach.
fn is_damaged(error: &fjall::Error) -> bool {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(LsmError::Io(error)) => is_bad_read(error),
        fjall::Error::Storage(_)
        | fjall::Error::JournalRecovery(_)
        | fjall::Error::Decompress(_)
        | fjall::Error::InvalidTrailer
        | fjall::Error::InvalidTag(_)
        | fjall::Error::Unrecoverable => true,
        _ => false,
    }
}

/// Whether the disk cannot read a place, or a file ends before it: not a shortage that passes, such as of
/// descriptors.
fn is_bad_read(error: &io::Error) -> bool {
    /// `EIO`, the same on all systems that have it: a sector that cannot be read.
    const BAD_SECTOR: i32 = 5;
    error.raw_os_error() == Some(BAD_SECTOR)
        || matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::NotFound
        )
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
