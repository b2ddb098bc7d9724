//! Entries that outlive the log's records: immutable, sorted files in a folder of their own, one per trim.
//!
//! Before the log is trimmed, its caller copies the entries that must stay with [`Kept::writer`]. Readers
//! then find them by offset with [`Kept::read`]. What an entry means is the caller's to know. `FORMAT.md`
//! specifies the files; nothing here removes one.

mod block;
mod file;
mod header;
mod names;
pub(crate) mod verify;
mod writer;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crate::record::Checksum;
use crate::{Disk, LogError};
use file::KeptFile;
use names::{TEMPORARY, parse_name};
pub use writer::KeptWriter;

/// How many files stay open, with their index in memory.
const FILES_KEPT_OPEN: usize = 64;

/// The kept entries of one log. Any thread may read; one writes.
pub struct Kept {
    disk: Arc<dyn Disk>,
    identity: u64,
    /// In the order of their ranges.
    files: RwLock<Vec<Arc<KeptFile>>>,
    open_files: Mutex<VecDeque<Arc<KeptFile>>>,
    /// The failure after which it is not known whether the last name is durable.
    poison: OnceLock<String>,
}

/// An entry as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEntry {
    /// Its offset in the log.
    pub offset: u64,
    /// The timestamp of its record, in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// The content, opaque.
    pub bytes: Vec<u8>,
}

/// An entry to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKept<'a> {
    /// Its offset in the log.
    pub offset: u64,
    /// The timestamp of its record, in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// The content, opaque; at most [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES).
    pub bytes: &'a [u8],
}

/// A range of offsets: from the first one up to the one behind the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub from: u64,
    pub until: u64,
}

impl Kept {
    /// Opens the folder of the log with this identity, and removes an unfinished file.
    ///
    /// # Errors
    /// [`LogError::NewerFormat`] if a newer program wrote the newest file, [`LogError::Corrupt`] if that file
    /// belongs to another log or ranges overlap, [`LogError::Io`] where the folder cannot be read.
    pub fn open(disk: Arc<dyn Disk>, identity: u64) -> Result<Self, LogError> {
        let (ranges, has_temporary) = list(disk.as_ref())?;
        if has_temporary {
            disk.remove(TEMPORARY).map_err(|error| LogError::io("remove", TEMPORARY, error))?;
        }
        if !ranges.is_empty() {
            // IMPORTANT: the log may be trimmed because of a name that only a killed process has seen.
            disk.sync_dir().map_err(|error| LogError::io("sync the names of", "kept files", error))?;
        }
        if let Some(newest) = ranges.last() {
            file::check_owner(disk.as_ref(), *newest, identity)?;
        }
        let files = ranges.into_iter().map(|range| Arc::new(KeptFile::new(range))).collect();
        Ok(Self {
            disk,
            identity,
            files: RwLock::new(files),
            open_files: Mutex::new(VecDeque::new()),
            poison: OnceLock::new(),
        })
    }

    /// The entry at `offset`; none if none is kept.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] if the entry is damaged or damage hides whether there is one.
    pub fn read(&self, offset: u64) -> Result<Option<KeptEntry>, LogError> {
        let file = {
            let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
            let after = files.partition_point(|file| file.range.from <= offset);
            let file = after.checked_sub(1).and_then(|at| files.get(at));
            match file.filter(|file| offset < file.range.until) {
                Some(file) => Arc::clone(file),
                None => return Ok(None),
            }
        };
        let (opened, is_new) = file.open(self.disk.as_ref(), self.identity)?;
        if is_new {
            self.keep_open(&file);
        }
        opened.read(Checksum::of_log(self.identity), offset)
    }

    /// The first offset behind all ranges: the next copy begins there. 0 without kept files.
    #[must_use]
    pub fn until(&self) -> u64 {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.last().map_or(0, |file| file.range.until)
    }

    /// How many files there are.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.files.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Begins the file whose range starts at `from`, which is at or behind [`Kept::until`].
    #[must_use]
    pub fn writer(&self, from: u64) -> KeptWriter<'_> {
        assert!(from >= self.until(), "ranges do not overlap");
        KeptWriter::new(self, from)
    }

    /// Makes a durable file readable.
    fn add(&self, range: Range) {
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.push(Arc::new(KeptFile::new(range)));
    }

    fn check_sound(&self) -> Result<(), LogError> {
        match self.poison.get() {
            Some(cause) => Err(LogError::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    fn poison(&self, error: &LogError) -> LogError {
        let cause = self.poison.get_or_init(|| error.to_string());
        LogError::Poisoned { cause: cause.clone() }
    }

    /// Counts a file among those that stay open, and closes the one that has been open for longest.
    fn keep_open(&self, file: &Arc<KeptFile>) {
        let mut open = self.open_files.lock().unwrap_or_else(PoisonError::into_inner);
        open.push_back(Arc::clone(file));
        if open.len() > FILES_KEPT_OPEN
            && let Some(oldest) = open.pop_front()
        {
            oldest.close();
        }
    }
}

/// The ranges of all files in order, and whether there is an unfinished file.
fn list(disk: &dyn Disk) -> Result<(Vec<Range>, bool), LogError> {
    let names = disk.list().map_err(|error| LogError::io("list", "the folder of kept entries", error))?;
    let mut ranges: Vec<Range> = names.iter().filter_map(|name| parse_name(name)).collect();
    ranges.sort_unstable_by_key(|range| range.from);
    for pair in ranges.windows(2) {
        if let [before, range] = pair
            && range.from < before.until
        {
            let detail = format!("its range overlaps the one of \"{}\"", names::name(*before));
            return Err(LogError::Corrupt { file: names::name(*range), position: 0, detail });
        }
    }
    Ok((ranges, names.iter().any(|name| name == TEMPORARY)))
}
