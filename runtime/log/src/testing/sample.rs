//! Records whose content follows from their sequence, so that any test can tell whether it reads the right
//! ones.
//!
//! Used by the conformance suite and by the tests of single promises.

use crate::{Log, NewRecord};

/// The record that tests put at a sequence: its numbers and bytes follow from the sequence.
pub struct Sample {
    /// Offset of its first event; the log's is 1.
    pub first_offset: u64,
    /// None, one or two events.
    pub count: u32,
    /// Up to 299 bytes.
    pub payload: Vec<u8>,
}

impl Sample {
    /// The sample at this sequence. Every third record has no events; timestamps grow by ten.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn at(sequence: u64) -> Self {
        let first_offset = 1 + (1..sequence).map(count_at).map(u64::from).sum::<u64>();
        let length = usize::try_from(sequence * 37 % 300).expect("a small number");
        let byte = u8::try_from(sequence % 251).expect("a small number");
        Self { first_offset, count: count_at(sequence), payload: vec![byte; length] }
    }

    /// As a record to append.
    #[must_use]
    pub fn record(&self, sequence: u64) -> NewRecord<'_> {
        let Self { first_offset, count, .. } = *self;
        NewRecord { first_offset, count, timestamp_ms: time_at(sequence), payload: &self.payload }
    }
}

fn count_at(sequence: u64) -> u32 {
    u32::try_from(sequence % 3).expect("a small number")
}

/// The timestamp at this sequence.
#[must_use]
pub fn time_at(sequence: u64) -> u64 {
    sequence * 10
}

/// Appends samples up to this sequence, one by one, preparing as the writer's thread does.
///
/// # Panics
/// If an append fails.
pub fn append_until(log: &mut dyn Log, last_sequence: u64) {
    let from = log.reader().bounds().last_sequence + 1;
    for sequence in from..=last_sequence {
        log.prepare().expect("there is room");
        let sample = Sample::at(sequence);
        assert_eq!(log.append(sequence - 1, sample.record(sequence)).expect("the append fits"), sequence);
    }
}

/// Checks that exactly the samples in this range are read.
///
/// # Panics
/// If it is not so.
pub fn check_samples(log: &dyn Log, first_sequence: u64, last_sequence: u64) {
    let reader = log.reader();
    let mut expected = first_sequence;
    loop {
        let batch = reader.read_from(expected, 5000).expect("the records are sound");
        if batch.is_empty() {
            break;
        }
        for record in batch.iter() {
            let sample = Sample::at(expected);
            assert_eq!(record.sequence, expected);
            assert_eq!((record.first_offset, record.count), (sample.first_offset, sample.count));
            assert_eq!(record.timestamp_ms, time_at(expected));
            assert_eq!(record.payload, sample.payload);
            assert!(record.synced < expected, "nothing is durable before it is written");
            expected += 1;
        }
    }
    assert_eq!(expected, last_sequence + 1, "the last record");
    assert_eq!(reader.bounds().last_sequence, last_sequence);
}
