//! Promises of reading and trimming.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::Home;
use crate::LogError;
use crate::testing::sample::{Sample, append_until, check_samples};

/// Any retained sequence is a place to start at.
pub fn a_read_starts_anywhere_and_ends_at_the_tail(home: &dyn Home) {
    let mut log = home.open();
    assert!(log.reader().read_from(1, 1000).expect("an empty log can be read").is_empty());
    append_until(log.as_mut(), 300);
    let reader = log.reader();
    for sequence in 1..=300 {
        let batch = reader.read_from(sequence, 1000).expect("the records are sound");
        assert_eq!(batch.iter().next().map(|record| record.sequence), Some(sequence));
    }
    assert!(reader.read_from(301, 1000).expect("the tail can be read").is_empty());
    let error = reader.read_from(0, 1000).expect_err("sequences begin with 1");
    assert!(matches!(error, LogError::Trimmed { requested: 0, first: 1, .. }), "{error}");
}

/// A reader always gets on.
pub fn a_read_returns_at_least_one_record_however_small_the_limit(home: &dyn Home) {
    let mut log = home.open();
    append_until(log.as_mut(), 50);
    for sequence in 1..=50 {
        let batch = log.reader().read_from(sequence, 0).expect("the records are sound");
        assert_eq!(
            batch.iter().next().map(|record| record.payload.to_vec()),
            Some(Sample::at(sequence).payload)
        );
    }
}

/// Appending and reading at once is safe, and a reader follows the tail without a gap.
pub fn readers_on_other_threads_see_only_whole_records(home: &dyn Home) {
    const LAST: u64 = 2000;
    let mut log = home.open();
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            let reader = log.reader();
            let failed = &failed;
            scope.spawn(move || {
                let mut expected = 1;
                while expected <= LAST && !failed.load(Ordering::Relaxed) {
                    let batch = reader.read_from(expected, 4096).expect("the records are sound");
                    for record in batch.iter() {
                        assert_eq!(record.sequence, expected);
                        expected += 1;
                    }
                    thread::yield_now();
                }
            });
        }
        let appended =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| append_until(log.as_mut(), LAST)));
        // Else the readers would wait for ever.
        failed.store(appended.is_err(), Ordering::Relaxed);
        appended.expect("all records are appended");
    });
    check_samples(log.as_ref(), 1, LAST);
}

/// Trimming drops nothing that was to stay, says where the log begins now, and lasts.
pub fn trimmed_records_are_gone_and_the_rest_stays(home: &dyn Home) {
    let mut log = home.open();
    append_until(log.as_mut(), 400);
    log.sync().expect("the sync succeeds");
    let mut first = 1;
    for before_sequence in 1..=250 {
        first = log.trim(before_sequence).expect("the trim succeeds");
        assert!(first <= before_sequence, "more may stay than asked, never less");
    }
    let bounds = log.reader().bounds();
    assert_eq!((bounds.first_sequence, bounds.first_offset), (first, Sample::at(first).first_offset));
    if first > 1 {
        let error = log.reader().read_from(first - 1, 1000).expect_err("the record is trimmed");
        assert!(matches!(error, LogError::Trimmed { .. }), "{error}");
    }
    assert_eq!(log.trim(100).expect("the trim succeeds"), first, "trimming never goes back");
    assert!(log.trim(u64::MAX).expect("the trim succeeds") <= 401, "what is not written is not trimmed");
    append_until(log.as_mut(), 410);
    log.sync().expect("the sync succeeds");
    let first = log.reader().bounds().first_sequence;
    drop(log);
    let log = home.open();
    assert_eq!(log.reader().bounds().first_sequence, first);
    check_samples(log.as_ref(), first, 410);
}

/// A log that is opened again is known to be the same.
pub fn the_identity_stays(home: &dyn Home) {
    let log = home.open();
    let identity = log.reader().identity();
    log.close().expect("the log closes");
    assert_eq!(home.open().reader().identity(), identity);
}
