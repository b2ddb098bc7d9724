//! Reads and lookups over the segments, from any thread.
//!
//! A lookup starts at the nearest noted place and walks from there, noting more places as it goes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::segment::Segment;
use super::view::{Extent, View};
use super::walk::{Check, Place, Step, Walk, corrupt, payload_range, position_in_file};
use crate::record::fields::length_usize;
use crate::record::{HEADER_BYTES, Header, MAX_RECORD_BYTES, NoRecord};
use crate::{Batch, Bounds, Disk, DiskFile, LogError, LogReader};

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
        let wanted = |header: &Header| header.sequence == sequence;
        let place = self.locate(&found, file.as_ref(), near, wanted)?;
        let place = place.ok_or_else(|| corrupt(&found.segment.name, near.position, NoRecord::OutOfOrder))?;
        self.read_batch(&found, file.as_ref(), place, max_bytes)
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
        let wanted = |header: &Header| header.next_offset().is_some_and(|next| offset < next);
        let place = self.locate(&found, file.as_ref(), near, wanted)?;
        Ok(place.map(|place| place.sequence))
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
        let wanted = |header: &Header| header.timestamp_ms >= timestamp_ms;
        let place = self.locate(&found, file.as_ref(), near, wanted)?;
        Ok(place.map_or(found.last_sequence.saturating_add(1), |place| place.sequence))
    }

    fn bounds(&self) -> Bounds {
        let extent = self.extent();
        let first = first_segment(&extent).first;
        Bounds {
            first_sequence: first.sequence,
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

    /// Walks from `near` to the first record that is wanted; none if the segment has none.
    fn locate(
        &self,
        found: &Found,
        file: &dyn DiskFile,
        near: Place,
        is_wanted: impl Fn(&Header) -> bool,
    ) -> Result<Option<Place>, LogError> {
        let name = &found.segment.name;
        let mut walk = Walk::new(file, name, self.checksum, near)?;
        while walk.next_place().sequence <= found.last_sequence {
            match walk.step(Check::Headers)? {
                Step::Record(place, header) => {
                    found.segment.note([place]);
                    if is_wanted(&header) {
                        return Ok(Some(place));
                    }
                }
                Step::Stop(reason) => return Err(corrupt(name, walk.next_place().position, reason)),
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
            let header =
                Header::decode(self.checksum, rest).map_err(|reason| corrupt(name, position, reason))?;
            if (header.sequence, header.first_offset) != (sequence, first_offset) {
                return Err(corrupt(name, position, NoRecord::OutOfOrder));
            }
            let range = payload_range(start, &header);
            let Some(payload) = buffer.get(range.clone()) else { break };
            if !self.checksum.matches(payload, header.payload_checksum) {
                return Err(corrupt(name, position, NoRecord::PayloadChecksum));
            }
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

fn first_segment(extent: &Extent) -> &Segment {
    // The view is made with at least one segment, and trimming leaves the last.
    extent.segments.first().expect("a log has at least the segment it writes")
}
