//! Walks the records of one segment in order, from a known place on.
//!
//! Recovery walks to verify, lookups walk from a noted place to the record they want. Whatever the bytes are,
//! a walk ends with a reason; it decides nothing about what the reason means.

use super::segment_header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::record::fields::{length_u64, length_usize};
use crate::record::{Checksum, HEADER_BYTES, Header, NoRecord};
use crate::{DiskFile, LogError};

/// How much is read at once, in bytes.
const WINDOW_BYTES: usize = 64 * 1024;
/// Records start at multiples of this in the file, and so do the windows in which they are searched for.
const STEP_BYTES: usize = 8;

/// Where a record stands, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// First byte in the segment's file.
    pub position: u64,
    pub sequence: u64,
    pub first_offset: u64,
    pub timestamp_ms: u64,
}

impl Place {
    /// The place of a segment's first record. Its timestamp is a lower bound: 0 in the first segment of a
    /// log.
    pub fn first_of(header: &SegmentHeader) -> Self {
        Self {
            position: SEGMENT_HEADER_BYTES,
            sequence: header.first_sequence,
            first_offset: header.first_offset,
            timestamp_ms: header.first_timestamp_ms,
        }
    }
}

/// How closely records are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Headers only.
    Headers,
    /// Payloads too.
    Payloads,
}

/// What comes next in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Record(Place, Header),
    Stop(NoRecord),
}

/// A walk; it stands before the next record.
pub(crate) struct Walk<'a> {
    file: &'a dyn DiskFile,
    name: &'a str,
    checksum: Checksum,
    file_bytes: u64,
    /// Where the next record must be and which it must be.
    next: Place,
    window: Vec<u8>,
    window_position: u64,
}

impl<'a> Walk<'a> {
    /// Stands before the record at `start`.
    pub fn new(
        file: &'a dyn DiskFile,
        name: &'a str,
        checksum: Checksum,
        start: Place,
    ) -> Result<Self, LogError> {
        let file_bytes = file.len().map_err(|error| LogError::io("measure", name, error))?;
        Ok(Self { file, name, checksum, file_bytes, next: start, window: Vec::new(), window_position: 0 })
    }

    /// Where the next record must be, and its number and offset.
    pub fn next_place(&self) -> Place {
        self.next
    }

    /// Ends the walk: the rest of the segment cannot be read, and `sequence` begins the next one.
    pub fn end(&mut self, sequence: u64) {
        self.next = Place { position: self.file_bytes, sequence, ..self.next };
    }

    /// Takes one step. After a stop the walk stays where it is.
    pub fn step(&mut self, check: Check) -> Result<Step, LogError> {
        let header = match Header::decode(self.checksum, self.bytes(length_usize(u64::from(HEADER_BYTES)))?) {
            Ok(header) => header,
            Err(reason) => return Ok(Step::Stop(reason)),
        };
        if header.sequence != self.next.sequence || header.first_offset != self.next.first_offset {
            return Ok(Step::Stop(NoRecord::OutOfOrder));
        }
        if self.next.position.saturating_add(u64::from(header.length)) > self.file_bytes {
            return Ok(Step::Stop(NoRecord::CrossesEnd));
        }
        if check == Check::Payloads {
            let checksum = self.checksum;
            let record = self.bytes(length_usize(u64::from(header.length)))?;
            let payload = record.get(length_usize(u64::from(HEADER_BYTES))..).unwrap_or_default();
            if !checksum.matches(payload, header.payload_checksum) {
                return Ok(Step::Stop(NoRecord::PayloadChecksum));
            }
        }
        let place = Place { timestamp_ms: header.timestamp_ms, ..self.next };
        self.next = Place {
            position: place.position.saturating_add(header.footprint()),
            sequence: place.sequence.saturating_add(1),
            first_offset: place.first_offset.saturating_add(u64::from(header.count)),
            timestamp_ms: header.timestamp_ms,
        };
        Ok(Step::Record(place, header))
    }

    /// After a stop that is damage: goes to the next record, up to `last_sequence`. A header that is whole
    /// says where that is. False if there is none.
    pub fn pass(&mut self, reason: NoRecord, last_sequence: u64) -> Result<bool, LogError> {
        let is_payload = reason == NoRecord::PayloadChecksum;
        if is_payload && matches!(self.step(Check::Headers)?, Step::Record(..)) {
            return Ok(true);
        }
        self.pass_damage(last_sequence)
    }

    /// After a stop at something that is no header: goes to the next whole header of a later record, up to
    /// `last_sequence`. False if the file has none; then the walk stays where it is. A damaged length hides
    /// where the next record starts, so every possible place is tried.
    pub fn pass_damage(&mut self, last_sequence: u64) -> Result<bool, LogError> {
        let header_bytes = length_usize(u64::from(HEADER_BYTES));
        let mut chunk = vec![0; WINDOW_BYTES.saturating_add(header_bytes)];
        let mut position = self.next.position.saturating_add(length_u64(STEP_BYTES));
        while position < self.file_bytes {
            let read = self
                .file
                .read_at(&mut chunk, position)
                .map_err(|error| LogError::io("read", self.name, error))?;
            let bytes = chunk.get(..read).unwrap_or_default();
            for start in (0..read.min(WINDOW_BYTES)).step_by(STEP_BYTES) {
                let header = bytes.get(start..).and_then(|bytes| Header::decode(self.checksum, bytes).ok());
                let Some(header) = header else { continue };
                // What lies in a payload may look like a record, but only like an earlier one.
                let is_later = header.sequence > self.next.sequence && header.sequence <= last_sequence;
                if is_later && header.first_offset >= self.next.first_offset {
                    self.next = Place {
                        position: position_in_file(position, start),
                        sequence: header.sequence,
                        first_offset: header.first_offset,
                        timestamp_ms: header.timestamp_ms,
                    };
                    return Ok(true);
                }
            }
            position = position_in_file(position, WINDOW_BYTES);
        }
        Ok(false)
    }

    /// The bytes from the next record's position on; fewer than asked at the end of the file.
    fn bytes(&mut self, length: usize) -> Result<&[u8], LogError> {
        let skip = self.next.position.checked_sub(self.window_position).map(length_usize);
        let held = skip.is_some_and(|skip| skip.saturating_add(length) <= self.window.len());
        if !held {
            self.window = vec![0; length.max(WINDOW_BYTES)];
            let read = self
                .file
                .read_at(&mut self.window, self.next.position)
                .map_err(|error| LogError::io("read", self.name, error))?;
            self.window.truncate(read);
            self.window_position = self.next.position;
        }
        let start = length_usize(self.next.position.saturating_sub(self.window_position));
        let end = start.saturating_add(length).min(self.window.len());
        Ok(self.window.get(start..end).unwrap_or_default())
    }
}

/// The payload's place in a buffer that holds a whole record from `start` on.
pub(crate) fn payload_range(start: usize, header: &Header) -> std::ops::Range<usize> {
    let payload = start.saturating_add(length_usize(u64::from(HEADER_BYTES)));
    payload..payload.saturating_add(length_usize(u64::from(header.payload_bytes())))
}

/// The error for a reason that is damage.
pub(crate) fn corrupt(name: &str, position: u64, reason: NoRecord) -> LogError {
    LogError::Corrupt { file: name.to_owned(), position, detail: reason.to_string() }
}

/// A position in a buffer that starts at `position` in the file.
pub(crate) fn position_in_file(position: u64, in_buffer: usize) -> u64 {
    position.saturating_add(length_u64(in_buffer))
}
