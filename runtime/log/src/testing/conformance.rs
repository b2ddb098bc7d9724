//! What every log promises, as tests written against the traits alone.
//!
//! An implementation's test file says how to open its log and calls [`crate::conformance_tests`], which makes one
//! test of each promise here. What only files can do (torn tails, damage) has tests of its own.

mod lookup;
mod read;
mod write;

pub use lookup::*;
pub use read::*;
pub use write::*;

use crate::{Log, NewRecord};

/// A place where one log is kept, to be opened again and again.
pub trait Home {
    /// Opens the log. The one opened before is gone: closed or dropped.
    fn open(&self) -> Box<dyn Log>;
}

/// Makes one test of each promise, given an expression that makes a [`Home`] for a new log.
#[macro_export]
macro_rules! conformance_tests {
    ($home:expr) => {
        $crate::conformance_tests! { $home;
            appended_records_are_read_back_in_order
            a_batch_is_appended_as_a_whole
            an_append_after_another_than_the_last_sequence_is_fenced
            a_record_whose_offset_leaves_a_gap_is_refused
            a_payload_beyond_the_maximum_is_refused_and_the_largest_is_kept
            records_are_readable_before_they_are_synced_and_the_bound_says_so
            synced_records_are_there_after_a_drop
            a_closed_log_goes_on_where_it_ended
            what_is_reserved_can_be_appended_without_preparing
            a_read_starts_anywhere_and_ends_at_the_tail
            a_read_returns_at_least_one_record_however_small_the_limit
            readers_on_other_threads_see_only_whole_records
            trimmed_records_are_gone_and_the_rest_stays
            an_offset_finds_the_record_that_contains_it
            a_time_finds_the_first_record_not_before_it
        }
    };
    ($home:expr; $($promise:ident)+) => {
        $(
            #[test]
            fn $promise() {
                $crate::testing::conformance::$promise(&$home);
            }
        )+
    };
}

/// The record that these tests put at `sequence`: its numbers and bytes follow from the sequence.
struct Sample {
    first_offset: u64,
    count: u32,
    payload: Vec<u8>,
}

impl Sample {
    /// Every third record has no events, the others one or two; timestamps grow by ten.
    fn at(sequence: u64) -> Self {
        let first_offset = 1 + (1..sequence).map(count_at).map(u64::from).sum::<u64>();
        let length = usize::try_from(sequence * 37 % 300).expect("a small number");
        let byte = u8::try_from(sequence % 251).expect("a small number");
        Self { first_offset, count: count_at(sequence), payload: vec![byte; length] }
    }

    fn record(&self, sequence: u64) -> NewRecord<'_> {
        let Self { first_offset, count, .. } = *self;
        NewRecord { first_offset, count, timestamp_ms: time_at(sequence), payload: &self.payload }
    }
}

fn count_at(sequence: u64) -> u32 {
    u32::try_from(sequence % 3).expect("a small number")
}

fn time_at(sequence: u64) -> u64 {
    sequence * 10
}

/// Appends samples up to this sequence, one by one, preparing as the writer's thread does.
fn append_until(log: &mut dyn Log, last_sequence: u64) {
    let from = log.reader().bounds().last_sequence + 1;
    for sequence in from..=last_sequence {
        log.prepare().expect("there is room");
        let sample = Sample::at(sequence);
        assert_eq!(log.append(sequence - 1, sample.record(sequence)).expect("the append fits"), sequence);
    }
}

/// Checks that exactly the samples in this range are read.
fn check_samples(log: &dyn Log, first_sequence: u64, last_sequence: u64) {
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
