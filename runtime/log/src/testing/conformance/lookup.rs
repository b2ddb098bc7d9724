//! Promises of finding a record by offset and by time.

use super::Home;
use crate::testing::sample::{Sample, append_until, time_at};
use crate::{LogError, NewRecord};

/// Every offset is found in its record, whether the log was just written or opened again.
pub fn an_offset_finds_the_record_that_contains_it(home: &dyn Home) {
    let mut log = home.open();
    assert_eq!(log.reader().find_offset(1).expect("an empty log can be asked"), None);
    append_until(log.as_mut(), 300);
    log.sync().expect("the sync succeeds");
    for _ in 0..2 {
        let reader = log.reader();
        for sequence in (1..=300).rev() {
            let sample = Sample::at(sequence);
            for offset in (sample.first_offset..).take(usize::try_from(sample.count).expect("a small number"))
            {
                let found = reader.find_offset(offset).expect("the records are sound");
                assert_eq!(found, Some(sequence), "offset {offset}");
            }
        }
        assert_eq!(reader.find_offset(reader.bounds().next_offset).expect("the tail can be asked"), None);
        let error = reader.find_offset(0).expect_err("offsets begin with 1");
        assert!(matches!(error, LogError::Trimmed { .. }), "{error}");
        drop(log);
        log = home.open();
    }
}

/// Every time finds the first record that is not older.
pub fn a_time_finds_the_first_record_not_before_it(home: &dyn Home) {
    let mut log = home.open();
    assert_eq!(log.reader().find_time(5).expect("an empty log can be asked"), 1);
    append_until(log.as_mut(), 300);
    log.sync().expect("the sync succeeds");
    for _ in 0..2 {
        let reader = log.reader();
        for sequence in (1..=300).rev() {
            let time = time_at(sequence);
            for within in [time - 9, time - 1, time] {
                assert_eq!(
                    reader.find_time(within).expect("the records are sound"),
                    sequence,
                    "time {within}"
                );
            }
        }
        assert_eq!(reader.find_time(time_at(300) + 1).expect("the tail can be asked"), 301);
        assert_eq!(reader.find_time(0).expect("the records are sound"), 1);
        drop(log);
        log = home.open();
    }
}

/// Where many records have the same time, however far they spread, the first of them is found.
pub fn of_records_with_equal_times_the_first_is_found(home: &dyn Home) {
    let mut log = home.open();
    let payload = [5; 500];
    for sequence in 1..=200_u64 {
        log.prepare().expect("there is room");
        let timestamp_ms = 10 * sequence.div_ceil(50);
        let record = NewRecord { first_offset: sequence, count: 1, timestamp_ms, payload: &payload };
        log.append(sequence - 1, record).expect("the append fits");
    }
    for (time, first) in [(10, 1), (11, 51), (20, 51), (30, 101), (40, 151), (41, 201)] {
        let found = log.reader().find_time(time).expect("the records are sound");
        assert_eq!(found, first, "time {time}");
    }
}

/// Where the records of a time are trimmed, the first one that is left is the first not before it.
pub fn of_trimmed_times_the_first_retained_record_is_found(home: &dyn Home) {
    let mut log = home.open();
    append_until(log.as_mut(), 300);
    log.sync().expect("the sync succeeds");
    log.trim(200).expect("the trim succeeds");
    for _ in 0..2 {
        let reader = log.reader();
        let first = reader.bounds().first_sequence;
        for sequence in [1, first.saturating_sub(1).max(1), first, first + 1, 300] {
            let found = reader.find_time(time_at(sequence)).expect("the records are sound");
            assert_eq!(found, sequence.max(first), "time of {sequence}");
        }
        drop(log);
        log = home.open();
    }
}
