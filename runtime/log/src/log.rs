//! The seam: what the runtime asks of a log, wherever it is kept.
//!
//! [`Log`] is the write side, owned by one writer thread. [`LogReader`] is the read side, shared by all
//! others. Nothing above may assume files: a distributed log replaces exactly these two traits. Every
//! implementation passes the suite in `testing::conformance`.

use std::slice;
use std::sync::Arc;

use crate::{Batch, LogError, NewRecord};

/// The write side of a log. One writer owns it; the fence keeps out a second one that believes the same.
///
/// A write or sync whose fate is unknown poisons the log: from then on every call, reads too, fails with
/// [`LogError::Poisoned`] until the log is opened again. Other errors leave it as it was.
pub trait Log: Send {
    /// A handle for reading; cheap to clone, and usable from other threads while records are appended.
    fn reader(&self) -> Arc<dyn LogReader>;

    /// Appends records in one go, and returns the last sequence. They get the sequences after
    /// `previous_sequence`, which must be the last one of the log: that is the fence. They are readable at
    /// once, and durable only after [`Log::sync`].
    ///
    /// # Errors
    /// [`LogError::Fenced`], [`LogError::OffsetGap`] and [`LogError::TooLarge`]: nothing was appended.
    /// [`LogError::NoSpace`]: nothing was appended either, except where a batch needs more than one further
    /// segment; then the reader's bounds tell how far it came. It cannot happen inside
    /// [`LogReader::reserved_bytes`]. Anything else poisons the log.
    fn append_all(&mut self, previous_sequence: u64, records: &[NewRecord<'_>]) -> Result<u64, LogError>;

    /// Appends one record; see [`Log::append_all`].
    ///
    /// # Errors
    /// Those of [`Log::append_all`].
    fn append(&mut self, previous_sequence: u64, record: NewRecord<'_>) -> Result<u64, LogError> {
        self.append_all(previous_sequence, slice::from_ref(&record))
    }

    /// Makes all appended records durable, and returns the last synced sequence.
    ///
    /// # Errors
    /// Any failure poisons the log: after a failed sync nobody knows what is on the disk.
    fn sync(&mut self) -> Result<u64, LogError>;

    /// Reserves room ahead, so that appending never meets a full disk. Called regularly by the writer;
    /// returns at once if nothing is to do.
    ///
    /// # Errors
    /// [`LogError::NoSpace`] while the disk is full; the next call tries again.
    fn prepare(&mut self) -> Result<(), LogError>;

    /// Drops old records before `before_sequence`, as far as that is cheap: more may stay than asked. Returns
    /// the first retained sequence.
    ///
    /// # Errors
    /// [`LogError::Io`] where a file cannot be removed; the next call tries again.
    fn trim(&mut self, before_sequence: u64) -> Result<u64, LogError>;

    /// Syncs, leaves the mark of a clean shutdown, and releases the log. Without it the log is as after a
    /// crash: whole, but unmarked.
    ///
    /// # Errors
    /// Those of [`Log::sync`], and any failure to write the mark.
    fn close(self: Box<Self>) -> Result<(), LogError>;
}

/// The read side of a log. It sees what was written, also what is not yet durable: callers that must not show
/// that stop at [`LogReader::synced`]. Reads and lookups fail with [`LogError::Poisoned`] once the log is,
/// and with [`LogError::Closed`] once the write side is gone; the plain numbers stay as they were.
pub trait LogReader: Send + Sync {
    /// Reads records in order from `sequence` on, about `max_bytes` of them, though at least one if there is
    /// one. Fewer may come than asked; an empty batch means that the tail is reached. Every record is
    /// checked; a batch ends before a damaged one.
    ///
    /// # Errors
    /// [`LogError::Trimmed`] before the first retained sequence, [`LogError::Corrupt`] if the record at
    /// `sequence` is damaged.
    fn read_from(&self, sequence: u64, max_bytes: u32) -> Result<Batch, LogError>;

    /// The sequence of the record that contains the event at `offset`; none if the offset is not written yet.
    ///
    /// # Errors
    /// [`LogError::Trimmed`] before the first retained offset, [`LogError::Corrupt`] where damage hides which
    /// record that is.
    fn find_offset(&self, offset: u64) -> Result<Option<u64>, LogError>;

    /// The sequence of the first retained record with this timestamp or a later one; the one after the last
    /// if there is none. Exact as long as timestamps never go back, which is for the caller to see to. A
    /// record whose header is damaged has no timestamp and is passed over.
    ///
    /// # Errors
    /// [`LogError::Io`] where a file cannot be read.
    fn find_time(&self, timestamp_ms: u64) -> Result<u64, LogError>;

    /// The first record behind `offset` that can be read whole: where a reader goes on that gives up damaged
    /// records. The place of the next record to come if there is none.
    ///
    /// # Errors
    /// [`LogError::Io`] where a file cannot be read.
    fn next_readable(&self, offset: u64) -> Result<NextRecord, LogError>;

    /// The number that was chosen when the log was created. It never changes, so it tells one log from
    /// another.
    fn identity(&self) -> u64;

    /// First and last of what is retained, in one consistent view.
    fn bounds(&self) -> Bounds;

    /// The last sequence known durable; 0 if none is.
    fn synced(&self) -> u64;

    /// Bytes that are sure to fit, in units of [`crate::record_bytes`]. A sequencer compares it with the sum
    /// of all records it queued and the one it is about to add; it takes a record off that sum only after the
    /// append returned. Then no append meets a full disk.
    fn reserved_bytes(&self) -> u64;

    /// The largest payload that one record can hold, in bytes.
    fn max_payload_bytes(&self) -> u32;
}

/// A record by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextRecord {
    /// Its number.
    pub sequence: u64,
    /// Offset of its first event.
    pub first_offset: u64,
}

/// What a log retains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Sequence of the first retained record, or of the first one to come.
    pub first_sequence: u64,
    /// Sequence of the first record of the second oldest segment, if there are two: trimming lets go of whole
    /// segments, so nothing goes before it may.
    pub next_segment: Option<u64>,
    /// Sequence of the last record written; 0 before the first.
    pub last_sequence: u64,
    /// Offset of the first retained event, or of the first one to come.
    pub first_offset: u64,
    /// Offset that the next event gets.
    pub next_offset: u64,
    /// Timestamp of the last record written, in milliseconds; 0 if unknown.
    pub last_timestamp_ms: u64,
    /// Bytes taken on the disk.
    pub retained_bytes: u64,
}
