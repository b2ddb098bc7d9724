//! The one way to the disk: a flat directory of files, as small as the log needs it.
//!
//! [`FileLog`](crate::FileLog) does all its input and output through these traits, so that a simulator runs
//! exactly the same code on a disk that fails. They promise what POSIX does and no more: unsynced bytes and
//! names may or may not survive a crash, in any order.

pub(crate) mod real;

use std::io;
use std::sync::Arc;

/// One directory. Names are plain file names without separators.
pub trait Disk: Send + Sync {
    /// The names of all files.
    ///
    /// # Errors
    /// The system's.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// `NotFound` if there is none, else the system's.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates an empty file, replacing one of that name.
    ///
    /// # Errors
    /// The system's.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames a file in one step, replacing one that has the new name. Open handles go on working.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Open handles go on working.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all names durable: creations, renames, removals.
    ///
    /// # Errors
    /// After a failure nobody knows which names are durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// One open file. Positions and lengths are in bytes.
pub trait DiskFile: Send + Sync {
    /// Reads from `position` until the buffer is full or the file ends; returns how many bytes were read.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Writes all bytes at `position`.
    ///
    /// # Errors
    /// After a failure any part of them may have been written.
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;

    /// The file's length.
    ///
    /// # Errors
    /// The system's.
    fn len(&self) -> io::Result<u64>;

    /// True if the file has no bytes.
    ///
    /// # Errors
    /// The system's.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Gives a new file this length, of zeros, and reserves the space, so that later writes inside it do not
    /// meet a full disk.
    ///
    /// # Errors
    /// `StorageFull` if there is not enough room, else the system's.
    fn allocate(&self, bytes: u64) -> io::Result<()>;

    /// Makes the file's bytes durable, and its length.
    ///
    /// # Errors
    /// After a failure nobody knows which bytes are durable, even if a later call succeeds.
    fn sync_data(&self) -> io::Result<()>;

    /// Like [`DiskFile::sync_data`], and everything else the system keeps about the file.
    ///
    /// # Errors
    /// Those of [`DiskFile::sync_data`].
    fn sync_all(&self) -> io::Result<()>;
}
