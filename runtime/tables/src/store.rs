//! The store: the ordered keyspace on disk below the tables' memory overlay. The tables read through it and
//! flush a frozen overlay into it as one atomic batch.
//!
//! A store knows bytes only, never what a key means. It owns no thread and no clock, merges nothing and
//! caches nothing that the tables hold already.

use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "testing")]
pub mod conformance;
mod fjall;
mod memory;

pub use fjall::FjallStore;
pub use memory::MemoryStore;

/// The longest key of the stores here, in bytes. Far above what the tables make of a plugin's key, and low
/// enough for any engine that may follow.
pub const MAX_KEY_BYTES: usize = 1982;

/// A durable, ordered map from keys to values, written in whole batches by one thread and read by many.
///
/// The flusher calls [`write`](Store::write); workers and the API call [`get`](Store::get) and
/// [`scan`](Store::scan) at any time, also while a batch is being written. Keys order as bytes. A key has 1
/// to [`max_key_bytes`](Store::max_key_bytes) bytes; a value may be empty.
pub trait Store: Send + Sync + 'static {
    /// The longest key that this store takes, in bytes. The tables refuse a guest's longer key before it gets
    /// here.
    fn max_key_bytes(&self) -> usize;

    /// The value of `key`, or `None` when the store does not hold it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] when this entry cannot be read though others may be, [`StoreError::Failed`]
    /// when nothing can.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits the entries from `from` (inclusive, empty = the first) up to `until` (exclusive, `None` = the
    /// end of the keyspace), ascending, until `visit` breaks.
    ///
    /// One scan sees one state: all of a batch or none of it. Be quick in `visit`, for a running scan may
    /// keep replaced entries on the disk, and do not call back into the store from it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] when some entries could not be read; all that could be, as far as that is
    /// cheap, were visited by then. [`StoreError::Failed`] when nothing can be read.
    fn scan(&self, from: &[u8], until: Option<&[u8]>, visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// Applies `batch` atomically and returns once it is durable: a crash leaves all of it or none.
    ///
    /// A value sets the key, `None` deletes it (deleting a missing key is no error). After an error nothing
    /// of the batch is visible, and the same batch may be tried again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] when the disk has no room, [`StoreError::KeyLength`] for an empty or too long
    /// key, [`StoreError::Failed`] for all else.
    ///
    /// # Panics
    ///
    /// When the keys do not ascend strictly: the caller has merged its overlay wrongly.
    fn write(&self, batch: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), StoreError>;

    /// Allows the store to let go of all entries that `expired` finds, now and later, until it is told
    /// otherwise; it knows none at first. Whether one is still found is open, so it must not matter, and what
    /// has expired once must stay so: an older value of its key may be found again.
    ///
    /// A store that keeps them does no wrong, but grows.
    fn expire(&self, expired: Expired) {
        drop(expired);
    }
}

/// Whether an entry, by its key and its value, is of no use any more.
pub type Expired = Arc<dyn Fn(&[u8], &[u8]) -> bool + Send + Sync>;

/// A key and its new value; `None` deletes the key.
pub type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// What a scan does with each key and value.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// What the store was asked to do when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOperation {
    /// Opening the store's folder.
    Open,
    /// [`Store::get`].
    Get,
    /// [`Store::scan`].
    Scan,
    /// [`Store::write`].
    Write,
}

impl fmt::Display for StoreOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreOperation::Open => "open",
            StoreOperation::Get => "read a key of",
            StoreOperation::Scan => "scan",
            StoreOperation::Write => "write a batch to",
        })
    }
}

/// Why a store could not do what it was asked to. Nothing that was durable before is lost by any of them.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk, or the address space reserved for the store, is used up. The batch may be tried again later.
    #[error("could not write a batch to the store at '{path}': no space left")]
    Full {
        /// The store's folder.
        path: PathBuf,
    },
    /// A key is empty or longer than the store takes.
    #[error("could not {operation} the store at '{path}': a key has {bytes} bytes, not 1 to {max_key_bytes}")]
    KeyLength {
        /// What the store was doing.
        operation: StoreOperation,
        /// The store's folder.
        path: PathBuf,
        /// The length of the key at fault.
        bytes: usize,
        /// The longest key that the store takes.
        max_key_bytes: usize,
    },
    /// Entries are damaged, or lie where the disk cannot be read. Others may be sound.
    #[error("could not {operation} the store at '{path}': entries are damaged: {source}")]
    Damaged {
        /// What the store was doing.
        operation: StoreOperation,
        /// The store's folder.
        path: PathBuf,
        /// What the storage engine said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The storage engine or the operating system refused.
    #[error("could not {operation} the store at '{path}': {source}")]
    Failed {
        /// What the store was doing.
        operation: StoreOperation,
        /// The store's folder.
        path: PathBuf,
        /// What the storage engine said.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether entries are damaged.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, StoreError::Damaged { .. })
    }

    /// What an operator can do about it, as a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            StoreError::Full { .. } => "Free space on that disk; the runtime retries by itself.",
            StoreError::KeyLength { .. } => "Use shorter keys.",
            StoreError::Damaged { operation: StoreOperation::Open, .. } => {
                "Restore the data directory from a backup; keep the damaged one."
            }
            StoreError::Damaged { .. } => "Run `camshaft verify`; it lists the damage and the remedies.",
            StoreError::Failed { operation: StoreOperation::Open, .. } => {
                "Check that the folder exists, is writable and is used by no other process."
            }
            StoreError::Failed { .. } => "Check the disk, then start the runtime again.",
        }
    }
}

/// Refuses a batch's key that is empty, too long, or not above the one before it.
fn check_key(path: &Path, max_key_bytes: usize, before: Option<&[u8]>, key: &[u8]) -> Result<(), StoreError> {
    assert!(before.is_none_or(|before| before < key), "a batch's keys ascend strictly");
    if key.is_empty() || key.len() > max_key_bytes {
        return Err(StoreError::KeyLength {
            operation: StoreOperation::Write,
            path: path.to_owned(),
            bytes: key.len(),
            max_key_bytes,
        });
    }
    Ok(())
}
