//! A second reading of `FORMAT.md`, for one segment: how records are laid out, and which of them an opening
//! finds.
//!
//! It shares no line with the crate, and is as simple as the text.

use crc32c::{crc32c, crc32c_append};

pub const SEGMENT_HEADER_BYTES: usize = 64;
const HEADER_BYTES: usize = 48;
const MAX_RECORD_BYTES: u32 = 4_259_840;

/// A record's numbers and payload; the identity of its log is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub sequence: u64,
    pub first_offset: u64,
    pub timestamp_ms: u64,
    pub synced: u64,
    pub count: u32,
    pub payload: Vec<u8>,
}

/// The header of a log's only segment.
pub fn segment_header() -> Vec<u8> {
    let head = [b"CAMSHAFT".as_slice(), &1_u32.to_le_bytes()].concat();
    let numbers = [0_u64, 1, 1, 0, 0, 0].map(u64::to_le_bytes).concat();
    let checksum = crc32c_append(crc32c(&head), &numbers);
    [head, checksum.to_le_bytes().to_vec(), numbers].concat()
}

impl Record {
    /// What it takes in the file, padding included.
    pub fn footprint(&self) -> usize {
        (HEADER_BYTES + self.payload.len()).next_multiple_of(8)
    }

    /// The record's bytes, padding included. Another `length` than its own makes it a wrong one that checks.
    pub fn encode(&self, length: Option<u32>) -> Vec<u8> {
        let own = u32::try_from(HEADER_BYTES + self.payload.len()).expect("payloads are short");
        let mut bytes = length.unwrap_or(own).to_le_bytes().to_vec();
        bytes.extend_from_slice(&checksum(&self.payload).to_le_bytes());
        for number in [self.sequence, self.first_offset, self.timestamp_ms, self.synced] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }
}

/// The records that opening finds in the log's only segment, or where it finds it corrupt.
pub fn open(file: &[u8]) -> Result<Vec<Record>, u64> {
    let mut records = Vec::new();
    let (mut at, mut sequence, mut offset) = (SEGMENT_HEADER_BYTES, 1, 1);
    while let Some(record) = whole_record(&file[at.min(file.len())..], sequence, offset) {
        at += record.footprint();
        (sequence, offset) = (sequence + 1, offset + u64::from(record.count));
        records.push(record);
    }
    let later = (at..file.len()).step_by(8).filter_map(|place| header(&file[place..]));
    let claimed =
        later.filter(|(_, _, later)| later.sequence > sequence).map(|(_, _, later)| later.synced).max();
    if claimed.is_some_and(|claimed| claimed >= sequence) { Err(at as u64) } else { Ok(records) }
}

fn whole_record(bytes: &[u8], sequence: u64, offset: u64) -> Option<Record> {
    let (length, payload_checksum, numbers) = header(bytes)?;
    let payload = bytes.get(HEADER_BYTES..length)?.to_vec();
    let is_next = (numbers.sequence, numbers.first_offset) == (sequence, offset);
    (is_next && checksum(&payload) == payload_checksum).then_some(Record { payload, ..numbers })
}

/// Length, payload checksum and numbers of a header that checks.
fn header(bytes: &[u8]) -> Option<(usize, u32, Record)> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    let long = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
    let short = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let numbers = Record {
        sequence: long(8),
        first_offset: long(16),
        timestamp_ms: long(24),
        synced: long(32),
        count: short(40),
        payload: Vec::new(),
    };
    let is_sound = (48..=MAX_RECORD_BYTES).contains(&short(0))
        && checksum(&header[..44]) == short(44)
        && numbers.synced < numbers.sequence
        && numbers.first_offset.checked_add(u64::from(numbers.count)).is_some();
    is_sound.then_some((short(0) as usize, short(4), numbers))
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32c_append(crc32c(&0_u64.to_le_bytes()), bytes)
}
