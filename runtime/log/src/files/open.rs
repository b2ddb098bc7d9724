//! Opening a log: recovery, or the creation of a new one.

use std::sync::Arc;

use super::FileLog;
use super::names::{CLEAN_TEMPORARY, SPARE_TEMPORARY};
use super::options::Options;
use super::recovery::{Found, Recovery, recover};
use super::segment::Segment;
use super::segment_header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::spare::Spare;
use super::view::{Extent, View};
use crate::record::{HEADER_BYTES, MAX_RECORD_BYTES};
use crate::{Disk, LogError};

/// A segment shorter than this cannot hold anything useful.
const MIN_SEGMENT_BYTES: u64 = 4096;

impl FileLog {
    /// Opens the log in this directory, or creates one.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] if durable records are damaged or missing, [`LogError::NewerFormat`] if a newer
    /// program wrote them, [`LogError::NoSpace`] if there is no room to create the first segment.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<(Self, Recovery), LogError> {
        let segment_bytes = options.segment_bytes.max(MIN_SEGMENT_BYTES) / 8 * 8;
        let found = recover(disk.as_ref(), &options)?;
        remove_temporaries(disk.as_ref())?;
        let mut spare = Spare::adopt(disk.as_ref(), segment_bytes)?;
        let found = match found {
            Some(found) => found,
            None => {
                let first = spare.take().map_or_else(|| Spare::make(disk.as_ref(), segment_bytes), Ok)?;
                create(disk.as_ref(), first, &options)?
            }
        };
        let Found { identity, segments, file, next, recovery } = found;
        let segment = segments.last().map(Arc::clone).expect("recovery finds at least one segment");
        let extent = Extent {
            segments,
            last_sequence: next.sequence.saturating_sub(1),
            next_offset: next.first_offset,
            last_timestamp_ms: next.timestamp_ms,
        };
        let max_record_bytes = u64::from(MAX_RECORD_BYTES).min(segment_bytes - SEGMENT_HEADER_BYTES);
        let max_payload_bytes = u32::try_from(max_record_bytes).unwrap_or(MAX_RECORD_BYTES) - HEADER_BYTES;
        let view = Arc::new(View::new(&disk, identity, max_payload_bytes, extent));
        let log = Self {
            disk,
            view,
            identity,
            segment_bytes,
            segment,
            file,
            next,
            spare,
            buffer: Vec::new(),
            places: Vec::new(),
            zeros_until: 0,
        };
        log.publish_reserved();
        Ok((log, recovery))
    }
}

/// The log that begins with this file.
fn create(disk: &dyn Disk, spare: Spare, options: &Options) -> Result<Found, LogError> {
    let header = SegmentHeader {
        identity: options.identity,
        first_sequence: 1,
        first_offset: options.first_offset,
        first_timestamp_ms: 0,
        previous_first_sequence: 0,
    };
    let bytes = spare.bytes;
    let file = spare.start(disk, &header)?;
    let segment = Segment::new(&header, bytes, Some(Arc::clone(&file)));
    let next = segment.first;
    let recovery = Recovery {
        created: true,
        clean: true,
        verified_records: 0,
        cut: None,
        damaged_mark: None,
        damaged_headers: Vec::new(),
    };
    Ok(Found { identity: header.identity, segments: vec![Arc::new(segment)], file, next, recovery })
}

/// Removes what an interrupted run was making.
fn remove_temporaries(disk: &dyn Disk) -> Result<(), LogError> {
    let names = disk.list().map_err(|error| LogError::io("list", "the data directory", error))?;
    for name in names.iter().filter(|name| [SPARE_TEMPORARY, CLEAN_TEMPORARY].contains(&name.as_str())) {
        disk.remove(name).map_err(|error| LogError::io("remove", name, error))?;
    }
    Ok(())
}
