//! The headers of kept files and of their entries, as `FORMAT.md` lays them out. No I/O here.

use super::Range;
use crate::files::stamp::{self, Unreadable};
use crate::record::fields::{Fields, length_u64};
use crate::record::{Checksum, MAX_PAYLOAD_BYTES};

/// Header of a file, in bytes; the first entry follows.
pub(crate) const FILE_HEADER_BYTES: u64 = 64;
/// Header of an entry, in bytes; its content follows.
pub(crate) const ENTRY_HEADER_BYTES: usize = 28;
/// The place of the checksum of an entry's header, which covers all bytes before it.
const ENTRY_CHECKSUM_AT: usize = 24;
const MAGIC: [u8; 8] = *b"CAMSKEPT";

/// What a file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub identity: u64,
    pub range: Range,
    pub count: u64,
    /// Where the entries end and the index begins.
    pub index: u64,
    pub index_checksum: u32,
}

impl FileHeader {
    pub fn encode(&self) -> Vec<u8> {
        let Self { identity, range, count, index, index_checksum } = *self;
        stamp::encode(MAGIC, &[identity, range.from, range.until, count, index, u64::from(index_checksum)])
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut fields = Fields(stamp::decode(MAGIC, bytes)?);
        Ok(Self {
            identity: fields.u64(),
            range: Range { from: fields.u64(), until: fields.u64() },
            count: fields.u64(),
            index: fields.u64(),
            index_checksum: fields.u32(),
        })
    }
}

/// The bytes before the content of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryHeader {
    pub offset: u64,
    pub timestamp_ms: u64,
    pub length: u32,
    pub checksum: u32,
}

impl EntryHeader {
    pub fn of(checksum: Checksum, entry: &super::NewKept<'_>) -> Self {
        let length = length_u64(entry.bytes.len());
        assert!(length <= u64::from(MAX_PAYLOAD_BYTES), "an entry is a part of a record");
        Self {
            offset: entry.offset,
            timestamp_ms: entry.timestamp_ms,
            length: u32::try_from(length).unwrap_or(MAX_PAYLOAD_BYTES),
            checksum: checksum.over(entry.bytes),
        }
    }

    pub fn encode(&self, checksum: Checksum, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.timestamp_ms.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.checksum.to_le_bytes());
        let own = checksum.over(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&own.to_le_bytes());
    }

    /// Reads and checks the header at the start of `bytes`; none if it is damaged or cut off.
    pub fn decode(checksum: Checksum, bytes: &[u8]) -> Option<Self> {
        let (covered, rest) = bytes.split_at_checked(ENTRY_CHECKSUM_AT)?;
        let own = Fields(rest.get(..4)?).u32();
        let mut fields = Fields(covered);
        let header = Self {
            offset: fields.u64(),
            timestamp_ms: fields.u64(),
            length: fields.u32(),
            checksum: fields.u32(),
        };
        let is_sound = header.length <= MAX_PAYLOAD_BYTES && checksum.matches(covered, own);
        is_sound.then_some(header)
    }
}
