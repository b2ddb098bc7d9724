//! One record and its bytes, as `FORMAT.md` lays them out.
//!
//! The writer encodes, everything that reads decodes. Nothing here does I/O; arbitrary bytes decode to a
//! reason why they are no record, never to a panic.

pub(crate) mod batch;
pub(crate) mod fields;
#[cfg(test)]
mod tests;

use camshaft_sabotage::{Sabotage, is_on};

use fields::{Fields, length_u64};

/// Header of a record on the disk, in bytes.
pub(crate) const HEADER_BYTES: u32 = 48;
/// Records start at multiples of this.
const ALIGNMENT: u64 = 8;
/// Where the header's own checksum stands: it covers all before it.
const HEADER_CHECKSUM_AT: usize = 44;

/// The largest record: header and payload, in bytes. Persisted limit: readers refuse a longer one.
pub const MAX_RECORD_BYTES: u32 = 4 * 1024 * 1024 + 64 * 1024;
/// The largest payload of any log, in bytes; a log with small segments takes less.
pub const MAX_PAYLOAD_BYTES: u32 = MAX_RECORD_BYTES - HEADER_BYTES;

/// What a record with a payload of this length takes in the log, in bytes. The unit of
/// [`reserved_bytes`](crate::LogReader::reserved_bytes).
#[must_use]
pub fn record_bytes(payload_bytes: usize) -> u64 {
    padded(length_u64(payload_bytes).saturating_add(u64::from(HEADER_BYTES)))
}

/// A record to append. Its sequence follows from the place where it is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRecord<'a> {
    /// Offset of its first event: the log's next offset.
    pub first_offset: u64,
    /// Number of events in it; may be 0.
    pub count: u32,
    /// When it was sequenced, in milliseconds since 1970; used for retention.
    pub timestamp_ms: u64,
    /// What it holds; opaque.
    pub payload: &'a [u8],
}

/// A record as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number; dense, the first is 1.
    pub sequence: u64,
    /// Offset of its first event.
    pub first_offset: u64,
    /// Number of events in it.
    pub count: u32,
    /// When it was sequenced, in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// The last sequence that was known durable when it was written.
    pub synced: u64,
    /// What it holds.
    pub payload: &'a [u8],
}

/// The header of a record on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Header and payload, in bytes.
    pub length: u32,
    pub payload_checksum: u32,
    pub sequence: u64,
    pub first_offset: u64,
    pub timestamp_ms: u64,
    pub synced: u64,
    pub count: u32,
}

impl Header {
    /// The header that `record` gets as number `sequence`.
    pub fn of(checksum: Checksum, sequence: u64, synced: u64, record: &NewRecord<'_>) -> Self {
        let length = length_u64(record.payload.len()) + u64::from(HEADER_BYTES);
        assert!(length <= u64::from(MAX_RECORD_BYTES), "the caller checks the payload's length");
        assert!(synced < sequence, "a record cannot be durable before it is written");
        Self {
            length: u32::try_from(length).unwrap_or(MAX_RECORD_BYTES),
            payload_checksum: checksum.over(record.payload),
            sequence,
            first_offset: record.first_offset,
            timestamp_ms: record.timestamp_ms,
            synced,
            count: record.count,
        }
    }

    /// Reads and checks the header at the start of `bytes`.
    ///
    /// # Errors
    /// Why these bytes are no header.
    pub fn decode(checksum: Checksum, bytes: &[u8]) -> Result<Self, NoRecord> {
        let (covered, rest) = bytes.split_at_checked(HEADER_CHECKSUM_AT).ok_or(NoRecord::End)?;
        let mut fields = Fields(covered);
        let header = Self {
            length: fields.u32(),
            payload_checksum: fields.u32(),
            sequence: fields.u64(),
            first_offset: fields.u64(),
            timestamp_ms: fields.u64(),
            synced: fields.u64(),
            count: fields.u32(),
        };
        if header.length == 0 || rest.len() < 4 {
            return Err(NoRecord::End);
        }
        if header.length < HEADER_BYTES || header.length > MAX_RECORD_BYTES {
            return Err(NoRecord::Length(header.length));
        }
        if !checksum.matches(covered, Fields(rest).u32()) {
            return Err(NoRecord::HeaderChecksum);
        }
        // Nobody writes such numbers: a header that claims them is none, however well it checks.
        let sound = header.synced < header.sequence && header.next_offset().is_some();
        if sound { Ok(header) } else { Err(NoRecord::Numbers) }
    }

    pub fn payload_bytes(&self) -> u32 {
        self.length.saturating_sub(HEADER_BYTES)
    }

    /// What the record takes on the disk, padding included.
    pub fn footprint(&self) -> u64 {
        padded(u64::from(self.length))
    }

    /// The offset after its last event; none beyond the range of numbers.
    pub fn next_offset(&self) -> Option<u64> {
        self.first_offset.checked_add(u64::from(self.count))
    }

    pub fn with_payload<'a>(&self, payload: &'a [u8]) -> Record<'a> {
        Record {
            sequence: self.sequence,
            first_offset: self.first_offset,
            count: self.count,
            timestamp_ms: self.timestamp_ms,
            synced: self.synced,
            payload,
        }
    }

    fn encode(&self, checksum: Checksum, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.payload_checksum.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.first_offset.to_le_bytes());
        out.extend_from_slice(&self.timestamp_ms.to_le_bytes());
        out.extend_from_slice(&self.synced.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        let covered = out.get(start..).unwrap_or_default();
        assert_eq!(covered.len(), HEADER_CHECKSUM_AT, "the header's layout is fixed");
        let header_checksum = checksum.over(covered);
        out.extend_from_slice(&header_checksum.to_le_bytes());
    }
}

/// Appends the record's bytes to `out`, padding included.
pub(crate) fn encode(checksum: Checksum, header: &Header, payload: &[u8], out: &mut Vec<u8>) {
    const ZEROS: [u8; 8] = [0; 8];
    header.encode(checksum, out);
    out.extend_from_slice(payload);
    let padding = header.footprint() - u64::from(header.length);
    let padding = usize::try_from(padding).unwrap_or_default();
    out.extend_from_slice(ZEROS.get(..padding).unwrap_or_default());
}

/// Why there is no record at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRecord {
    #[error("the records end here")]
    End,
    #[error("a record cannot be {0} bytes long")]
    Length(u32),
    #[error("the checksum of a record's header does not match")]
    HeaderChecksum,
    #[error("a record's header has impossible numbers")]
    Numbers,
    #[error("the checksum of a record's payload does not match")]
    PayloadChecksum,
    #[error("the record crosses the end of the file")]
    CrossesEnd,
    #[error("the record is not the next one in order")]
    OutOfOrder,
}

/// The checksum of one log: CRC-32C that starts with the log's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checksum {
    start: u32,
}

impl Checksum {
    pub fn of_log(identity: u64) -> Self {
        Self { start: crc32c::crc32c(&identity.to_le_bytes()) }
    }

    pub fn over(self, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(self.start, bytes)
    }

    pub fn matches(self, bytes: &[u8], expected: u32) -> bool {
        self.over(bytes) == expected || is_on(Sabotage::AcceptBadChecksum)
    }
}

fn padded(bytes: u64) -> u64 {
    bytes.saturating_add(ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT
}
