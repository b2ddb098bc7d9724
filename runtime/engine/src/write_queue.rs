//! What has been sequenced but is not durable yet: at most so many bytes, then workers and publishers wait.

use std::collections::VecDeque;

use camshaft_event::{Offset, Sequence, Timestamp};
use camshaft_log::record_bytes;

/// A transaction on its way to the log; the writer thread takes them in order.
#[derive(Debug)]
pub struct QueuedRecord {
    /// Its place.
    pub sequence: Sequence,
    /// The offset of its first event, or of the next one if it has none.
    pub first_offset: Offset,
    /// How many events it adds.
    pub count: u32,
    /// When it was sequenced.
    pub at: Timestamp,
    /// The payload's first part.
    pub head: Vec<u8>,
    /// The payload's second part.
    pub body: Vec<u8>,
}

impl QueuedRecord {
    /// Length of the payload.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// The payload, in one piece.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        [self.head.as_slice(), self.body.as_slice()].concat()
    }

    /// The offset after its last event.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.first_offset.plus(u64::from(self.count))
    }
}

#[derive(Debug, Default)]
pub(crate) struct WriteQueue {
    records: Vec<QueuedRecord>,
    /// How many of them a producer waits for.
    publishes: usize,
    /// Sequence, next offset and bytes of each record that is not durable, queued or being written.
    unsynced: VecDeque<(Sequence, Offset, u64)>,
    unsynced_bytes: u64,
    /// Bytes that the log had reserved when the writer last said so, less what has been queued since.
    room_bytes: u64,
}

impl WriteQueue {
    pub(crate) fn push(&mut self, record: QueuedRecord, is_publish: bool) {
        let record_bytes = record_bytes(record.payload_bytes());
        self.unsynced.push_back((record.sequence, record.next_offset(), record_bytes));
        self.unsynced_bytes += record_bytes;
        self.room_bytes = self.room_bytes.saturating_sub(record_bytes);
        self.publishes += usize::from(is_publish);
        self.records.push(record);
    }

    pub(crate) fn take(&mut self) -> Vec<QueuedRecord> {
        self.publishes = 0;
        std::mem::take(&mut self.records)
    }

    pub(crate) fn publishes(&self) -> usize {
        self.publishes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Notes that everything up to `sequence` is durable; returns the offset after its last event.
    pub(crate) fn durable(&mut self, sequence: Sequence) -> Option<Offset> {
        let mut next_offset = None;
        while let Some(&(first, next, bytes)) = self.unsynced.front()
            && first <= sequence
        {
            self.unsynced.pop_front();
            self.unsynced_bytes -= bytes;
            next_offset = Some(next);
        }
        next_offset
    }

    /// Takes the log's word for the room behind what has been written; what is queued still needs its part.
    pub(crate) fn set_room(&mut self, reserved_bytes: u64) {
        let queued: u64 = self.records.iter().map(|record| record_bytes(record.payload_bytes())).sum();
        self.room_bytes = reserved_bytes.saturating_sub(queued);
    }

    pub(crate) fn unsynced_bytes(&self) -> u64 {
        self.unsynced_bytes
    }

    pub(crate) fn room_bytes(&self) -> u64 {
        self.room_bytes
    }
}
