//! The log over local files: the write side.
//!
//! One thread owns it (the runtime's writer). `view` is what it shares with the readers, `recovery` how it
//! comes to be. It owns no thread: whoever owns it calls `append_all`, `sync`, `prepare` and `trim`.

mod chain;
mod clean_mark;
mod names;
mod open;
pub(crate) mod options;
mod reader;
pub(crate) mod recovery;
mod segment;
mod segment_header;
mod spare;
pub(crate) mod stamp;
mod tail;
pub(crate) mod verify;
mod view;
mod walk;

use std::sync::Arc;

use camshaft_sabotage::{Sabotage, is_on};

use crate::record::fields::{length_u64, length_usize};
use crate::record::{self, HEADER_BYTES, Header};
use crate::{Disk, DiskFile, Log, LogError, LogReader, NewRecord, record_bytes};
use clean_mark::CleanMark;
use segment::Segment;
use segment_header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use spare::Spare;
use view::View;
use walk::{Place, position_in_file};

/// A write buffer that grew beyond this is given back after the write, in bytes.
const BUFFER_KEPT_BYTES: usize = 2 * 1024 * 1024;
/// Writes below this size, in bytes, take some zeros along. Syncing bytes that were never written before
/// makes the file system sync its own notes too, which takes twice as long (measured on ext4); so small
/// commits pay for that once and then stay inside what is written already. For large ones it would only cost.
const SMALL_WRITE_BYTES: usize = 64 * 1024;
/// How many zeros, in bytes.
const ZEROS_AHEAD_BYTES: u64 = 256 * 1024;

/// A log on files. Dropping it without [`Log::close`] leaves it as a crash does: whole, but unmarked.
pub struct FileLog {
    disk: Arc<dyn Disk>,
    view: Arc<View>,
    identity: u64,
    segment_bytes: u64,
    /// The segment in use.
    segment: Arc<Segment>,
    file: Arc<dyn DiskFile>,
    /// Where the next record goes, its number and offset, and the last record's timestamp.
    next: Place,
    spare: Option<Spare>,
    /// Encoded records that are not yet written.
    buffer: Vec<u8>,
    /// Places of records in the buffer, to be noted once they are written.
    places: Vec<Place>,
    /// How far the segment in use has zeros written ahead.
    zeros_until: u64,
}

impl FileLog {
    /// Refuses a batch before anything of it is written.
    fn check_batch(&self, previous_sequence: u64, records: &[NewRecord<'_>]) -> Result<(), LogError> {
        let last_sequence = self.last_sequence();
        if previous_sequence != last_sequence {
            return Err(LogError::Fenced { previous_sequence, last_sequence });
        }
        let mut next_offset = self.next.first_offset;
        for record in records {
            let max_bytes = self.view.max_payload_bytes;
            let bytes = length_u64(record.payload.len());
            if bytes > u64::from(max_bytes) {
                return Err(LogError::TooLarge { bytes, max_bytes });
            }
            let after = record.first_offset.checked_add(u64::from(record.count));
            let Some(after) = after.filter(|_| record.first_offset == next_offset) else {
                return Err(LogError::OffsetGap { first_offset: record.first_offset, next_offset });
            };
            next_offset = after;
        }
        Ok(())
    }

    fn last_sequence(&self) -> u64 {
        self.next.sequence.saturating_sub(1)
    }

    fn fits(&self, bytes: u64) -> bool {
        self.next.position.saturating_add(bytes) <= self.segment.bytes
    }

    fn encode(&mut self, record: &NewRecord<'_>) {
        let sequence = self.next.sequence;
        let header = Header::of(self.view.checksum, sequence, self.view.synced(), record);
        let place = Place { timestamp_ms: record.timestamp_ms, ..self.next };
        record::encode(self.view.checksum, &header, record.payload, &mut self.buffer);
        self.places.push(place);
        self.next = Place {
            position: self.next.position.saturating_add(header.footprint()),
            sequence: sequence.saturating_add(1),
            first_offset: record.first_offset.saturating_add(u64::from(record.count)),
            timestamp_ms: record.timestamp_ms,
        };
    }

    /// Writes what is encoded in one call, and shows it to the readers.
    fn write_buffer(&mut self) -> Result<(), LogError> {
        let Some(first) = self.places.first() else { return Ok(()) };
        let start = first.position;
        let end = position_in_file(start, self.buffer.len());
        assert_eq!(end, self.next.position, "the buffer ends where the next record goes");
        self.add_zeros_ahead();
        self.file.write_at(&self.buffer, start).map_err(|error| self.poison("write", error))?;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        {
            let mut extent = self.view.extent_mut();
            extent.last_sequence = self.last_sequence();
            extent.next_offset = self.next.first_offset;
            extent.last_timestamp_ms = self.next.timestamp_ms;
        }
        self.segment.note(self.places.drain(..));
        self.publish_reserved();
        Ok(())
    }

    fn add_zeros_ahead(&mut self) {
        let end = self.next.position;
        if self.buffer.len() < SMALL_WRITE_BYTES && end > self.zeros_until {
            self.zeros_until = end.saturating_add(ZEROS_AHEAD_BYTES).min(self.segment.bytes);
            let zeros = length_usize(self.zeros_until.saturating_sub(end));
            self.buffer.resize(self.buffer.len().saturating_add(zeros), 0);
        }
    }

    /// Starts the next segment, whose first record this will be.
    fn roll(&mut self, record: &NewRecord<'_>) -> Result<(), LogError> {
        self.prepare()?;
        // IMPORTANT: the old segment is durable before the new one has a name. So recovery may take every
        // flaw in a segment that is not the last one for corruption.
        self.sync()?;
        let Some(spare) = self.spare.take() else { return Ok(()) };
        let header = SegmentHeader {
            identity: self.identity,
            first_sequence: self.next.sequence,
            first_offset: self.next.first_offset,
            first_timestamp_ms: record.timestamp_ms,
            previous_first_sequence: self.segment.first.sequence,
        };
        let bytes = spare.bytes;
        let file = spare.start(self.disk.as_ref(), &header).map_err(|error| self.view.poison(&error))?;
        let segment = Arc::new(Segment::new(&header, bytes, Some(Arc::clone(&file))));
        self.view.extent_mut().segments.push(Arc::clone(&segment));
        self.view.keep_open(&self.segment);
        self.next.position = SEGMENT_HEADER_BYTES;
        self.zeros_until = 0;
        self.segment = segment;
        self.file = file;
        self.publish_reserved();
        Ok(())
    }

    /// Publishes how many bytes are sure to fit: into what is left of this segment, or into the next one.
    /// What is left unused at the end of a segment is less than one record.
    fn publish_reserved(&self) {
        let here = self.segment.bytes.saturating_sub(self.next.position);
        let reserved = match &self.spare {
            None => here,
            Some(spare) => {
                let there = spare.bytes.saturating_sub(SEGMENT_HEADER_BYTES);
                let max_record_bytes = u64::from(self.view.max_payload_bytes.saturating_add(HEADER_BYTES));
                let both = here.saturating_add(there).saturating_sub(max_record_bytes);
                both.max(here).max(there)
            }
        };
        self.view.set_reserved(reserved);
    }

    fn poison(&self, action: &'static str, error: std::io::Error) -> LogError {
        self.view.poison(&LogError::io(action, &self.segment.name, error))
    }
}

impl Log for FileLog {
    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::clone(&self.view) as Arc<dyn LogReader>
    }

    fn append_all(&mut self, previous_sequence: u64, records: &[NewRecord<'_>]) -> Result<u64, LogError> {
        self.view.check_sound()?;
        self.check_batch(previous_sequence, records)?;
        let bytes: u64 = records.iter().map(|record| record_bytes(record.payload.len())).sum();
        if !self.fits(bytes) {
            // Better refused now than in the middle.
            self.prepare()?;
        }
        for record in records {
            if !self.fits(record_bytes(record.payload.len())) {
                self.write_buffer()?;
                self.roll(record)?;
            }
            self.encode(record);
        }
        self.write_buffer()?;
        Ok(self.last_sequence())
    }

    fn sync(&mut self) -> Result<u64, LogError> {
        self.view.check_sound()?;
        let last_sequence = self.last_sequence();
        if self.view.synced() < last_sequence {
            assert!(self.buffer.is_empty(), "only written records are synced");
            if !is_on(Sabotage::SkipSync) {
                self.file.sync_data().map_err(|error| self.poison("sync", error))?;
            }
            self.view.set_synced(last_sequence);
        }
        Ok(last_sequence)
    }

    fn prepare(&mut self) -> Result<(), LogError> {
        self.view.check_sound()?;
        if self.spare.is_none() {
            self.spare = Some(Spare::make(self.disk.as_ref(), self.segment_bytes)?);
            self.publish_reserved();
        }
        Ok(())
    }

    fn trim(&mut self, before_sequence: u64) -> Result<u64, LogError> {
        self.view.check_sound()?;
        loop {
            let oldest = {
                let extent = self.view.extent();
                match extent.segments.as_slice() {
                    [oldest, next, ..] if next.first.sequence <= before_sequence => Arc::clone(oldest),
                    [oldest, ..] => return Ok(oldest.first.sequence),
                    [] => unreachable!("a log has at least the segment it writes"),
                }
            };
            let disk = self.disk.as_ref();
            disk.remove(&oldest.name).map_err(|error| LogError::io("remove", &oldest.name, error))?;
            self.view.extent_mut().segments.remove(0);
            // IMPORTANT: a removal is durable before the next one, else a crash could leave a hole in the
            // chain.
            let synced = disk.sync_dir();
            synced.map_err(|error| {
                self.view.poison(&LogError::io("sync the removal of", &oldest.name, error))
            })?;
        }
    }

    fn close(mut self: Box<Self>) -> Result<(), LogError> {
        let sequence = self.sync()?;
        CleanMark { identity: self.identity, sequence }.write(self.disk.as_ref())
    }
}
