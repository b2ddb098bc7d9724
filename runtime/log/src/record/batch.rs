//! Records as they come from one read: one buffer, borrowed by each record of it.
//!
//! [`LogReader::read_from`](crate::LogReader::read_from) returns it.

use std::ops::Range;

use super::Record;

/// Records in order, without a gap; may be empty. Other implementations of a log collect one from records.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Each record without its payload, and where in the bytes that is.
    records: Vec<(Record<'static>, Range<usize>)>,
}

impl Batch {
    /// The records in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Record<'_>> + ExactSizeIterator {
        self.records.iter().map(|(record, place)| Record {
            payload: self.bytes.get(place.clone()).unwrap_or_default(),
            ..*record
        })
    }

    /// How many records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True if there are none: the tail is reached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// A batch of records whose payloads stand in `bytes` at the places given, so that nothing is copied.
    pub(crate) fn over(bytes: Vec<u8>, records: Vec<(Record<'static>, Range<usize>)>) -> Self {
        Self { bytes, records }
    }
}

impl<'a> FromIterator<Record<'a>> for Batch {
    fn from_iter<I: IntoIterator<Item = Record<'a>>>(records: I) -> Self {
        let mut batch = Self::default();
        for Record { sequence, first_offset, count, timestamp_ms, synced, payload } in records {
            let start = batch.bytes.len();
            batch.bytes.extend_from_slice(payload);
            let record = Record { sequence, first_offset, count, timestamp_ms, synced, payload: &[] };
            batch.records.push((record, start..batch.bytes.len()));
        }
        batch
    }
}
