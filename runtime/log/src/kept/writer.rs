//! Writing one kept file: under a temporary name, and durable before it gets its own.
//!
//! Nothing is created before the first entry. A writer that is dropped leaves at most the temporary file,
//! which the next writer replaces.

use std::sync::Arc;

use super::file::INDEX_ENTRY_BYTES;
use super::header::{EntryHeader, FILE_HEADER_BYTES, FileHeader};
use super::names::{TEMPORARY, name};
use super::{Kept, NewKept, Range};
use crate::record::Checksum;
use crate::record::fields::length_u64;
use crate::{DiskFile, LogError};

/// Distance between the entries that begin a block, in bytes. Persisted by the index, so it may change.
const BLOCK_BYTES: u64 = 16 * 1024;
/// How much is written at once, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file that is being written.
pub struct KeptWriter<'k> {
    kept: &'k Kept,
    checksum: Checksum,
    from: u64,
    /// The offset behind the last entry.
    next: u64,
    count: u64,
    file: Option<Arc<dyn DiskFile>>,
    buffer: Vec<u8>,
    /// Where the buffer goes.
    position: u64,
    index: Vec<u8>,
    /// Where the last block begins.
    block: u64,
}

impl<'k> KeptWriter<'k> {
    pub(super) fn new(kept: &'k Kept, from: u64) -> Self {
        Self {
            kept,
            checksum: Checksum::of_log(kept.identity),
            from,
            next: from,
            count: 0,
            file: None,
            buffer: Vec::new(),
            position: FILE_HEADER_BYTES,
            index: Vec::new(),
            block: 0,
        }
    }

    /// Adds an entry behind the last one.
    ///
    /// # Errors
    /// [`LogError::NoSpace`] and [`LogError::Io`]: the file is dropped, and may be written again.
    pub fn push(&mut self, entry: NewKept<'_>) -> Result<(), LogError> {
        assert!(entry.offset >= self.next, "entries come in the order of their offsets");
        let position = self.position.saturating_add(length_u64(self.buffer.len()));
        if self.count == 0 || position >= self.block.saturating_add(BLOCK_BYTES) {
            self.block = position;
            self.index.extend_from_slice(&entry.offset.to_le_bytes());
            self.index.extend_from_slice(&position.to_le_bytes());
        }
        EntryHeader::of(self.checksum, &entry).encode(self.checksum, &mut self.buffer);
        self.buffer.extend_from_slice(entry.bytes);
        self.count = self.count.saturating_add(1);
        self.next = entry.offset.saturating_add(1);
        if self.buffer.len() >= BUFFER_BYTES { self.write_buffer() } else { Ok(()) }
    }

    /// Makes the file durable under its name, with the range up to `until`, and readable. Returns its length
    /// in bytes; 0 if there is no entry and so no file.
    ///
    /// # Errors
    /// [`LogError::NoSpace`] and [`LogError::Io`]: the file is dropped, and may be written again.
    /// [`LogError::Poisoned`]: it is not known whether the name is durable, so no further file is written
    /// until the folder is opened again.
    pub fn finish(mut self, until: u64) -> Result<u64, LogError> {
        self.kept.check_sound()?;
        if self.count == 0 {
            return Ok(0);
        }
        assert!(until >= self.next, "all entries are inside the range");
        self.write_buffer()?;
        let Some(file) = self.file.take() else { return Ok(0) };
        let range = Range { from: self.from, until };
        let header = FileHeader {
            identity: self.kept.identity,
            range,
            count: self.count,
            index: self.position,
            index_checksum: self.checksum.over(&self.index),
        };
        let (name, disk) = (name(range), self.kept.disk.as_ref());
        let failed = |action| move |error| LogError::io(action, TEMPORARY, error);
        file.write_at(&self.index, self.position).map_err(failed("write the index of"))?;
        file.write_at(&header.encode(), 0).map_err(failed("write the header of"))?;
        // IMPORTANT: the content is durable before the name is, so that a file with a name is whole.
        file.sync_all().map_err(failed("sync"))?;
        let renamed = disk.rename(TEMPORARY, &name).map_err(|error| LogError::io("rename", &name, error));
        renamed.map_err(|error| self.kept.poison(&error))?;
        // IMPORTANT: the name is durable before the caller trims the log.
        let synced = disk.sync_dir().map_err(|error| LogError::io("sync the name of", &name, error));
        synced.map_err(|error| self.kept.poison(&error))?;
        self.kept.add(range);
        let blocks = length_u64(self.index.len()) / INDEX_ENTRY_BYTES;
        Ok(self.position.saturating_add(blocks.saturating_mul(INDEX_ENTRY_BYTES)))
    }

    fn write_buffer(&mut self) -> Result<(), LogError> {
        if self.file.is_none() {
            let disk = self.kept.disk.as_ref();
            let file = disk.create(TEMPORARY).map_err(|error| LogError::io("create", TEMPORARY, error))?;
            self.file = Some(file);
        }
        if let Some(file) = &self.file {
            let written = file.write_at(&self.buffer, self.position);
            written.map_err(|error| LogError::io("write", TEMPORARY, error))?;
        }
        self.position = self.position.saturating_add(length_u64(self.buffer.len()));
        self.buffer.clear();
        Ok(())
    }
}
