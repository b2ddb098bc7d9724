//! Reads and lookups over the segments, from any thread.
//!
//! A lookup starts at the nearest noted place and walks from there, noting more places as it goes.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::segment::Segment;
use super::view::{Extent, View};
use super::walk::{Check, Place, Step, Walk, corrupt, payload_range, position_in_file};
use crate::record::fields::length_usize;
use crate::record::{HEADER_BYTES, Header, MAX_RECORD_BYTES, NoRecord};
use crate::{Batch, Bounds, Disk, DiskFile, LogError, LogReader, NextRecord};

/// The least that a read takes from the disk, in bytes.
const MIN_READ_BYTES: u32 = 4 * 1024;

impl LogReader for View {
    fn read_from(&self, sequence: u64, max_bytes: u32) -> Result<Batch, LogError> {
        let disk = self.disk()?;
        let Some(found) = self.segment_of_sequence(sequence)? else {
            return Ok(Batch::default());
        };
        let file = self.open_segment(disk.as_ref(), &found.segment)?;
        let near = found.segment.nearest(|place| place.sequence <= sequence);
        let wanted = Wanted {
            is_it: &|header| header.sequence == sequence,
            is_behind: &|place| place.sequence > sequence,
        };
        match self.locate(&found, file.as_ref(), near, &wanted)? {
            Located::At(place) => self.read_batch(&found, file.as_ref(), place, max_bytes),
            Located::Lost(first, reason) => Err(corrupt(&found.segment.name, first.position, reason)),
            Located::Nowhere => Err(corrupt(&found.segment.name, near.position, NoRecord::OutOfOrder)),
        }
    }

    fn find_offset(&self, offset: u64) -> Result<Option<u64>, LogError> {
        let disk = self.disk()?;
        let found = {
            let extent = self.extent();
            let first = first_segment(&extent).first.first_offset;
            if offset < first {
                return Err(LogError::Trimmed { what: "offset", requested: offset, first });
            }
            if offset >= extent.next_offset {
                return Ok(None);
            }
            // Of several segments that start with the same offset only the last can hold it.
            let after = extent.segments.partition_point(|segment| segment.first.first_offset <= offset);
            Found::at(&extent, after.saturating_sub(1))
        };
        let Some(found) = found else { return Ok(None) };
        let file = self.open_segment(disk.as_ref(), &found.segment)?;
        let near = found.segment.nearest(|place| place.first_offset <= offset);
        let wanted = Wanted {
            is_it: &|header| header.next_offset().is_some_and(|next| offset < next),
            is_behind: &|place| place.first_offset > offset,
        };
        match self.locate(&found, file.as_ref(), near, &wanted)? {
            Located::At(place) => Ok(Some(place.sequence)),
            Located::Lost(first, reason) => Err(corrupt(&found.segment.name, first.position, reason)),
            Located::Nowhere => Ok(None),
        }
    }

    fn find_time(&self, timestamp_ms: u64) -> Result<u64, LogError> {
        let disk = self.disk()?;
        let found = {
            let extent = self.extent();
            let after = extent.segments.partition_point(|segment| segment.first.timestamp_ms < timestamp_ms);
            // The one before may hold later times than the one it starts with.
            Found::at(&extent, after.saturating_sub(1))
        };
        let Some(found) = found else { return Ok(self.bounds().first_sequence) };
        let file = self.open_segment(disk.as_ref(), &found.segment)?;
        let near = found.segment.nearest(|place| place.timestamp_ms < timestamp_ms);
        let wanted = Wanted { is_it: &|header| header.timestamp_ms >= timestamp_ms, is_behind: &|_| false };
        Ok(match self.locate(&found, file.as_ref(), near, &wanted)? {
            Located::At(place) => place.sequence,
            Located::Lost(..) | Located::Nowhere => found.last_sequence.saturating_add(1),
        })
    }

    fn next_readable(&self, offset: u64) -> Result<NextRecord, LogError> {
        let disk = self.disk()?;
        let mut index = {
            let extent = self.extent();
            let after = extent.segments.partition_point(|segment| segment.first.first_offset <= offset);
            after.saturating_sub(1)
        };
        loop {
            let (found, is_last) = {
                let extent = self.extent();
                (Found::at(&extent, index), index.saturating_add(1) >= extent.segments.len())
            };
            if let Some(found) = found {
                let file = self.open_segment(disk.as_ref(), &found.segment)?;
                let near = found.segment.nearest(|place| place.first_offset <= offset);
                if let Some(place) = self.first_whole(&found, file.as_ref(), near, offset)? {
                    return Ok(NextRecord { sequence: place.sequence, first_offset: place.first_offset });
                }
            }
            if is_last {
                let Bounds { last_sequence, next_offset, .. } = self.bounds();
                return Ok(NextRecord {
                    sequence: last_sequence.saturating_add(1),
                    first_offset: next_offset,
                });
            }
            index = index.saturating_add(1);
        }
    }

    fn identity(&self) -> u64 {
        self.identity
    }

    fn bounds(&self) -> Bounds {
        let extent = self.extent();
        let first = first_segment(&extent).first;
        Bounds {
            first_sequence: first.sequence,
            next_segment: extent.segments.get(1).map(|segment| segment.first.sequence),
            last_sequence: extent.last_sequence,
            first_offset: first.first_offset,
            next_offset: extent.next_offset,
            last_timestamp_ms: extent.last_timestamp_ms,
            retained_bytes: extent.segments.iter().map(|segment| segment.bytes).sum(),
        }
    }

    fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    fn reserved_bytes(&self) -> u64 {
        self.reserved_bytes.load(Ordering::Acquire)
    }

    fn max_payload_bytes(&self) -> u32 {
        self.max_payload_bytes
    }
}

/// A segment, and the last sequence in it at the time of looking.
struct Found {
    segment: Arc<Segment>,
    last_sequence: u64,
}

/// The record that a lookup wants.
struct Wanted<'w> {
    /// Whether it is the one with this header.
    is_it: &'w dyn Fn(&Header) -> bool,
    /// Whether the record at a place comes after it.
    is_behind: &'w dyn Fn(&Place) -> bool,
}

/// What a lookup found.
enum Located {
    /// The record is here.
    At(Place),
    /// The record is among damaged ones, the first of which should be here.
    Lost(Place, NoRecord),
    /// The segment has no such record.
    Nowhere,
}

impl Found {
    /// The segment at this index; none if it has no records.
    fn at(extent: &Extent, index: usize) -> Option<Self> {
        let segment = extent.segments.get(index)?;
        let next = extent.segments.get(index.saturating_add(1));
        let last_sequence = next.map_or(extent.last_sequence, |next| next.first.sequence.saturating_sub(1));
        let has_records = segment.first.sequence <= last_sequence;
        has_records.then(|| Self { segment: Arc::clone(segment), last_sequence })
    }
}

impl View {
    fn segment_of_sequence(&self, sequence: u64) -> Result<Option<Found>, LogError> {
        let extent = self.extent();
        let first = first_segment(&extent).first.sequence;
        if sequence < first {
            return Err(LogError::Trimmed { what: "sequence", requested: sequence, first });
        }
        if sequence > extent.last_sequence {
            return Ok(None);
        }
        let after = extent.segments.partition_point(|segment| segment.first.sequence <= sequence);
        Ok(Found::at(&extent, after.saturating_sub(1)))
    }

    fn open_segment(&self, disk: &dyn Disk, segment: &Arc<Segment>) -> Result<Arc<dyn DiskFile>, LogError> {
        match segment.open(disk) {
            Ok((file, opened)) => {
                if opened {
                    self.keep_open(segment);
                }
                Ok(file)
            }
            // Trimmed since we looked.
            Err(LogError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound
                    && segment.first.sequence < self.bounds().first_sequence =>
            {
                let (requested, first) = (segment.first.sequence, self.bounds().first_sequence);
                Err(LogError::Trimmed { what: "sequence", requested, first })
            }
            Err(error) => Err(error),
        }
    }

    /// Walks from `near` to the first record that is wanted. Damaged headers on the way are passed, so that
    /// the records behind them can still be read.
    fn locate(
        &self,
        found: &Found,
        file: &dyn DiskFile,
        near: Place,
        wanted: &Wanted<'_>,
    ) -> Result<Located, LogError> {
        let mut walk = Walk::new(file, &found.segment.name, self.checksum, near)?;
        while walk.next_place().sequence <= found.last_sequence {
            match walk.step(Check::Headers)? {
                Step::Record(place, header) => {
                    found.segment.note([place]);
                    if (wanted.is_it)(&header) {
                        return Ok(Located::At(place));
                    }
                }
                Step::Stop(reason) => {
                    let first = walk.next_place();
                    if !walk.pass_damage(found.last_sequence)? || (wanted.is_behind)(&walk.next_place()) {
                        return Ok(Located::Lost(first, reason));
                    }
                }
            }
        }
        Ok(Located::Nowhere)
    }

    /// Walks from `near` to the first record behind `offset` that can be read whole.
    fn first_whole(
        &self,
        found: &Found,
        file: &dyn DiskFile,
        near: Place,
        offset: u64,
    ) -> Result<Option<Place>, LogError> {
        let mut walk = Walk::new(file, &found.segment.name, self.checksum, near)?;
        while walk.next_place().sequence <= found.last_sequence {
            let is_before = walk.next_place().first_offset <= offset;
            match walk.step(if is_before { Check::Headers } else { Check::Payloads })? {
                Step::Record(place, _) if place.first_offset > offset => return Ok(Some(place)),
                Step::Record(..) => {}
                Step::Stop(reason) if walk.pass(reason, found.last_sequence)? => {}
                Step::Stop(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Reads the records from `place` on, and checks them.
    fn read_batch(
        &self,
        found: &Found,
        file: &dyn DiskFile,
        place: Place,
        max_bytes: u32,
    ) -> Result<Batch, LogError> {
        let name = &found.segment.name;
        let read = |bytes: u32| -> Result<Vec<u8>, LogError> {
            let mut buffer = vec![0; length_usize(u64::from(bytes))];
            let read = file
                .read_at(&mut buffer, place.position)
                .map_err(|error| LogError::io("read", name, error))?;
            buffer.truncate(read);
            Ok(buffer)
        };
        let mut buffer = read(max_bytes.clamp(MIN_READ_BYTES, MAX_RECORD_BYTES))?;
        let first =
            Header::decode(self.checksum, &buffer).map_err(|reason| corrupt(name, place.position, reason))?;
        if length_usize(u64::from(first.length)) > buffer.len() {
            buffer = read(first.length)?;
        }
        self.decode_batch(found, place, buffer)
    }

    /// The whole records at the start of `buffer`, which was read at `place`.
    fn decode_batch(&self, found: &Found, place: Place, buffer: Vec<u8>) -> Result<Batch, LogError> {
        let name = &found.segment.name;
        let mut records = Vec::new();
        let mut start = 0_usize;
        let (mut sequence, mut first_offset) = (place.sequence, place.first_offset);
        while sequence <= found.last_sequence {
            let position = position_in_file(place.position, start);
            let rest = buffer.get(start..).unwrap_or_default();
            if rest.len() < length_usize(u64::from(HEADER_BYTES)) {
                break;
            }
            let expected = (sequence, first_offset);
            let (header, range) = match self.decode_record(&buffer, start, expected) {
                Ok(Some(record)) => record,
                Ok(None) => break,
                // The records before it are whole; the next read begins with the damaged one.
                Err(_) if !records.is_empty() => break,
                Err(reason) => return Err(corrupt(name, position, reason)),
            };
            records.push((header.with_payload(&[]), range));
            start = start.saturating_add(length_usize(header.footprint()));
            sequence = sequence.saturating_add(1);
            first_offset = first_offset.saturating_add(u64::from(header.count));
        }
        if records.is_empty() {
            return Err(corrupt(name, place.position, NoRecord::CrossesEnd));
        }
        Ok(Batch::over(buffer, records))
    }
}

impl View {
    /// The record at `start` of `buffer` and where its payload lies; none if the buffer ends before it does.
    fn decode_record(
        &self,
        buffer: &[u8],
        start: usize,
        expected: (u64, u64),
    ) -> Result<Option<(Header, Range<usize>)>, NoRecord> {
        let header = Header::decode(self.checksum, buffer.get(start..).unwrap_or_default())?;
        if (header.sequence, header.first_offset) != expected {
            return Err(NoRecord::OutOfOrder);
        }
        let range = payload_range(start, &header);
        let Some(payload) = buffer.get(range.clone()) else { return Ok(None) };
        if !self.checksum.matches(payload, header.payload_checksum) {
            return Err(NoRecord::PayloadChecksum);
        }
        Ok(Some((header, range)))
    }
}

fn first_segment(extent: &Extent) -> &Segment {
    // The view is made with at least one segment, and trimming leaves the last.
    extent.segments.first().expect("a log has at least the segment it writes")
}
