//! One kept file: its range by its name, and once it was read, its open handle and its index.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::block::{Block, DAMAGED_CONTENT, DAMAGED_HEADER};
use super::header::{FILE_HEADER_BYTES, FileHeader};
use super::names::name;
use super::{KeptEntry, Range};
use crate::files::stamp::Unreadable;
use crate::record::Checksum;
use crate::record::fields::{Fields, length_u64, length_usize};
use crate::{Disk, DiskFile, LogError};

/// Bytes of the index for each block.
pub(crate) const INDEX_ENTRY_BYTES: u64 = 16;

/// What is wrong with a file of another log.
const FOREIGN: &str = "the file belongs to another log";

/// A file that has its name.
pub(crate) struct KeptFile {
    pub range: Range,
    opened: Mutex<Option<Arc<Opened>>>,
}

/// A file whose header and index were read and checked.
pub(crate) struct Opened {
    name: String,
    file: Arc<dyn DiskFile>,
    pub header: FileHeader,
    /// The first offset and the position of each block.
    blocks: Vec<(u64, u64)>,
}

impl KeptFile {
    pub fn new(range: Range) -> Self {
        Self { range, opened: Mutex::new(None) }
    }

    /// The open file, and whether it was opened for this call.
    pub fn open(&self, disk: &dyn Disk, identity: u64) -> Result<(Arc<Opened>, bool), LogError> {
        let mut opened = self.opened();
        if let Some(opened) = opened.as_ref() {
            return Ok((Arc::clone(opened), false));
        }
        let new = Arc::new(Opened::open(disk, self.range, identity)?);
        *opened = Some(Arc::clone(&new));
        Ok((new, true))
    }

    /// Closes the file and forgets its index, to keep memory and open files bounded.
    pub fn close(&self) {
        *self.opened() = None;
    }

    fn opened(&self) -> MutexGuard<'_, Option<Arc<Opened>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opened {
    /// Opens the file of this range and checks its header and its index.
    pub fn open(disk: &dyn Disk, range: Range, identity: u64) -> Result<Self, LogError> {
        let name = name(range);
        let file = disk.open(&name).map_err(|error| LogError::io("open", &name, error))?;
        let file_bytes = file.len().map_err(|error| LogError::io("measure", &name, error))?;
        let corrupt = |position: u64, detail: &str| {
            Err(LogError::Corrupt { file: name.clone(), position, detail: detail.to_owned() })
        };
        let header = read_header(file.as_ref(), &name)?;
        let header = header.map_err(|unreadable| unreadable.in_file(&name))?;
        if header.identity != identity {
            return corrupt(0, FOREIGN);
        }
        if header.range != range {
            return corrupt(0, "the range in the header is not the one in the name");
        }
        let index_bytes = file_bytes.checked_sub(header.index);
        let Some(index_bytes) =
            index_bytes.filter(|bytes| *bytes > 0 && bytes.is_multiple_of(INDEX_ENTRY_BYTES))
        else {
            return corrupt(header.index, "the index is truncated");
        };
        let bytes = read_at(file.as_ref(), &name, header.index, index_bytes)?;
        if !Checksum::of_log(identity).matches(&bytes, header.index_checksum) {
            return corrupt(header.index, "the checksum of the index does not match");
        }
        let mut fields = Fields(&bytes);
        let blocks = (0..index_bytes / INDEX_ENTRY_BYTES).map(|_| (fields.u64(), fields.u64())).collect();
        Ok(Self { name, file, header, blocks })
    }

    /// The entry at `offset`; none if the file has none.
    pub fn read(&self, checksum: Checksum, offset: u64) -> Result<Option<KeptEntry>, LogError> {
        let after = self.blocks.partition_point(|(first, _)| *first <= offset);
        let Some(number) = after.checked_sub(1) else { return Ok(None) };
        let (position, bytes) = self.block(number)?;
        for found in Block::new(checksum, &bytes) {
            let found = found.map_err(|lost| self.corrupt(position, lost.start, DAMAGED_HEADER))?;
            if found.header.offset < offset {
                continue;
            }
            if found.header.offset > offset {
                break;
            }
            let Some(content) = found.content else {
                return Err(self.corrupt(position, found.start, DAMAGED_CONTENT));
            };
            let timestamp_ms = found.header.timestamp_ms;
            return Ok(Some(KeptEntry { offset, timestamp_ms, bytes: content.to_vec() }));
        }
        Ok(None)
    }

    /// How many blocks there are.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// The first offset of a block; the end of the range behind the last one.
    pub fn first_offset(&self, number: usize) -> u64 {
        self.blocks.get(number).map_or(self.header.range.until, |(first, _)| *first)
    }

    /// Where a block begins, and its bytes.
    pub fn block(&self, number: usize) -> Result<(u64, Vec<u8>), LogError> {
        let position = |number: usize| self.blocks.get(number).map_or(self.header.index, |(_, at)| *at);
        let (start, end) = (position(number), position(number.saturating_add(1)));
        let bytes = read_at(self.file.as_ref(), &self.name, start, end.saturating_sub(start))?;
        Ok((start, bytes))
    }

    fn corrupt(&self, block: u64, start: usize, detail: &str) -> LogError {
        let position = block.saturating_add(length_u64(start));
        LogError::Corrupt { file: self.name.clone(), position, detail: detail.to_owned() }
    }
}

/// Refuses a file of a newer program or of another log. Damage is for its readers to find.
pub(crate) fn check_owner(disk: &dyn Disk, range: Range, identity: u64) -> Result<(), LogError> {
    let name = name(range);
    let file = disk.open(&name).map_err(|error| LogError::io("open", &name, error))?;
    match read_header(file.as_ref(), &name)? {
        Err(newer @ Unreadable::Newer(_)) => Err(newer.in_file(&name)),
        Ok(header) if header.identity != identity => {
            Err(LogError::Corrupt { file: name, position: 0, detail: FOREIGN.to_owned() })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn read_header(file: &dyn DiskFile, name: &str) -> Result<Result<FileHeader, Unreadable>, LogError> {
    let bytes = read_at(file, name, 0, FILE_HEADER_BYTES)?;
    let is_whole = length_u64(bytes.len()) == FILE_HEADER_BYTES;
    Ok(if is_whole { FileHeader::decode(&bytes) } else { Err(Unreadable::Short) })
}

fn read_at(file: &dyn DiskFile, name: &str, position: u64, bytes: u64) -> Result<Vec<u8>, LogError> {
    let mut buffer = vec![0; length_usize(bytes)];
    let read = file.read_at(&mut buffer, position).map_err(|error| LogError::io("read", name, error))?;
    buffer.truncate(read);
    Ok(buffer)
}
