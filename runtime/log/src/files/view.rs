//! What the writer and the readers of a log on files share: which segments there are and how far they go.
//!
//! The writer publishes a batch here after its bytes are written, so readers never look at bytes in flight.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use super::segment::Segment;
use crate::record::Checksum;
use crate::{Disk, LogError};

/// How many segments besides the last keep an open file and noted places.
const SEGMENTS_KEPT_OPEN: usize = 64;

/// The shared part of a log. As a reader it is known as `LogReader`.
pub(crate) struct View {
    /// The write side owns the disk, and its lock with it: readers that outlive it do not hold the directory.
    disk: Weak<dyn Disk>,
    pub identity: u64,
    pub checksum: Checksum,
    pub max_payload_bytes: u32,
    extent: RwLock<Extent>,
    pub synced: AtomicU64,
    pub reserved_bytes: AtomicU64,
    /// The first failure that left the log's state unknown.
    poison: OnceLock<String>,
    open_segments: Mutex<VecDeque<Arc<Segment>>>,
}

/// Which records there are.
#[derive(Clone)]
pub(crate) struct Extent {
    /// Oldest first; never empty. The last one is being written.
    pub segments: Vec<Arc<Segment>>,
    pub last_sequence: u64,
    pub next_offset: u64,
    pub last_timestamp_ms: u64,
}

impl View {
    pub fn new(disk: &Arc<dyn Disk>, identity: u64, max_payload_bytes: u32, extent: Extent) -> Self {
        assert!(!extent.segments.is_empty(), "a log has at least the segment it writes");
        Self {
            disk: Arc::downgrade(disk),
            identity,
            checksum: Checksum::of_log(identity),
            max_payload_bytes,
            // Recovery synced all it found.
            synced: AtomicU64::new(extent.last_sequence),
            extent: RwLock::new(extent),
            reserved_bytes: AtomicU64::new(0),
            poison: OnceLock::new(),
            open_segments: Mutex::new(VecDeque::new()),
        }
    }

    pub fn extent(&self) -> RwLockReadGuard<'_, Extent> {
        self.extent.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the writer only.
    pub fn extent_mut(&self) -> RwLockWriteGuard<'_, Extent> {
        self.extent.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk, if the log is open and not poisoned.
    pub fn disk(&self) -> Result<Arc<dyn Disk>, LogError> {
        self.check_sound()?;
        self.disk.upgrade().ok_or(LogError::Closed)
    }

    /// Fails if the log is poisoned.
    pub fn check_sound(&self) -> Result<(), LogError> {
        match self.poison.get() {
            Some(cause) => Err(LogError::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    /// Poisons the log for all its users, and returns what to tell the caller.
    pub fn poison(&self, error: &LogError) -> LogError {
        let cause = self.poison.get_or_init(|| error.to_string());
        LogError::Poisoned { cause: cause.clone() }
    }

    pub fn set_synced(&self, sequence: u64) {
        self.synced.store(sequence, Ordering::Release);
    }

    pub fn set_reserved(&self, bytes: u64) {
        self.reserved_bytes.store(bytes, Ordering::Release);
    }

    /// Counts a segment among those kept open, and closes the one that has been open for longest.
    pub fn keep_open(&self, segment: &Arc<Segment>) {
        let mut open = self.open_segments.lock().unwrap_or_else(PoisonError::into_inner);
        open.push_back(Arc::clone(segment));
        if open.len() > SEGMENTS_KEPT_OPEN
            && let Some(oldest) = open.pop_front()
        {
            oldest.forget();
        }
    }
}
