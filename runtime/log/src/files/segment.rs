//! One segment as the readers know it: its header's facts, and what was learned of its records so far.
//!
//! The places noted are sparse (one per 64 KiB) and can be forgotten at any time: lookups note them again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::names::segment_name;
use super::segment_header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::walk::Place;
use crate::{Disk, DiskFile, LogError};

/// Distance between noted places, in bytes.
const NOTE_EVERY_BYTES: u64 = 64 * 1024;

/// A segment that has its name.
pub(crate) struct Segment {
    pub name: String,
    /// Place of the first record. Its timestamp is a lower bound: 0 in the first segment of a log.
    pub first: Place,
    /// Length of the file.
    pub bytes: u64,
    learned: Mutex<Learned>,
}

#[derive(Default)]
struct Learned {
    file: Option<Arc<dyn DiskFile>>,
    /// Ascending by position.
    places: Vec<Place>,
}

impl Segment {
    pub fn new(header: &SegmentHeader, bytes: u64, file: Option<Arc<dyn DiskFile>>) -> Self {
        let first = Place::first_of(header);
        let learned = Mutex::new(Learned { file, places: Vec::new() });
        Self { name: segment_name(header.first_sequence), first, bytes, learned }
    }

    /// The file, and whether it was opened for this call.
    pub fn open(&self, disk: &dyn Disk) -> Result<(Arc<dyn DiskFile>, bool), LogError> {
        let mut learned = self.learned();
        if let Some(file) = &learned.file {
            return Ok((Arc::clone(file), false));
        }
        let file = disk.open(&self.name).map_err(|error| LogError::io("open", &self.name, error))?;
        learned.file = Some(Arc::clone(&file));
        Ok((file, true))
    }

    /// Remembers the places of records, in order, of those that are far enough from the last one remembered.
    pub fn note(&self, places: impl IntoIterator<Item = Place>) {
        let mut learned = self.learned();
        let mut last = learned.places.last().map_or(SEGMENT_HEADER_BYTES, |place| place.position);
        for place in places {
            if place.position >= last.saturating_add(NOTE_EVERY_BYTES) {
                last = place.position;
                learned.places.push(place);
            }
        }
    }

    /// The last known place of which `is_before` holds; the first record's if there is none.
    pub fn nearest(&self, is_before: impl Fn(&Place) -> bool) -> Place {
        let learned = self.learned();
        let after = learned.places.partition_point(is_before);
        let nearest = after.checked_sub(1).and_then(|at| learned.places.get(at));
        nearest.copied().unwrap_or(self.first)
    }

    /// Closes the file and forgets all places, to keep memory and open files bounded.
    pub fn forget(&self) {
        *self.learned() = Learned::default();
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        // What was learned is whole after each statement, so a panic elsewhere does not spoil it.
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
