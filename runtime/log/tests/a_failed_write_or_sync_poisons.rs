//! After a write or sync whose fate is unknown every call fails, and opening again brings back all that was
//! synced.

use std::sync::Arc;

use camshaft_log::testing::sample::{Sample, append_until, check_samples};
use camshaft_log::testing::{MemoryDisk, Random};
use camshaft_log::{FileLog, Log, LogError, Options};

fn open(disk: &MemoryDisk) -> FileLog {
    let options = Options { segment_bytes: 4096, ..Options::default() };
    FileLog::open(Arc::new(disk.clone()), options).expect("the log opens").0
}

/// A log with twenty records, all synced.
fn synced_log() -> (MemoryDisk, FileLog) {
    let disk = MemoryDisk::new();
    let mut log = open(&disk);
    append_until(&mut log, 20);
    log.sync().expect("the sync succeeds");
    (disk, log)
}

fn check_poisoned(mut log: FileLog, last_sequence: u64) {
    fn check<T>(result: Result<T, LogError>) {
        let error = result.err().expect("the log is poisoned");
        assert!(
            matches!(&error, LogError::Poisoned { cause } if cause.contains("the disk could not")),
            "{error}"
        );
        assert_eq!(error.code(), "log-poisoned");
    }
    let reader = log.reader();
    check(reader.read_from(1, 1000));
    check(reader.find_offset(1));
    check(reader.find_time(1));
    check(log.append(last_sequence, Sample::at(last_sequence + 1).record(last_sequence + 1)));
    check(log.sync());
    check(log.prepare());
    check(log.trim(1));
    check(Box::new(log).close());
}

#[test]
fn a_failed_sync_poisons() {
    let (disk, mut log) = synced_log();
    append_until(&mut log, 22);
    disk.fail_sync_after(0);
    let error = log.sync().expect_err("the sync fails");
    assert!(matches!(error, LogError::Poisoned { .. }), "{error}");
    assert_eq!(log.reader().synced(), 20, "nothing more is known durable");
    check_poisoned(log, 22);
}

#[test]
fn a_failed_write_poisons_and_what_it_left_is_sorted_out_at_the_next_open() {
    let (disk, mut log) = synced_log();
    // The 21st record starts a segment; the one after it is just written.
    append_until(&mut log, 21);
    log.sync().expect("the sync succeeds");
    disk.fail_write_after(0);
    let error = log.append(21, Sample::at(22).record(22)).expect_err("the write fails");
    assert!(matches!(error, LogError::Poisoned { .. }), "{error}");
    check_poisoned(log, 21);
    for seed in 0..20 {
        let log = open(&disk.survivor(&mut Random::from_seed(seed)));
        let last = log.reader().bounds().last_sequence;
        assert!((21..=22).contains(&last), "{last}");
        check_samples(&log, 1, last);
    }
}

/// The first sequence whose append starts a segment and finds unsynced records before it.
fn sequence_that_starts_a_segment() -> u64 {
    let (_, mut log) = synced_log();
    append_until(&mut log, 22);
    let before = log.reader().bounds().retained_bytes;
    (23..)
        .find(|sequence| {
            append_until(&mut log, *sequence);
            log.reader().bounds().retained_bytes > before
        })
        .expect("segments are finite")
}

#[test]
fn a_failed_sync_while_starting_a_segment_poisons() {
    let last = sequence_that_starts_a_segment() - 1;
    // Of the old segment, of the new header, and of its name; the spare segment is there before.
    for syncs in 0..3 {
        let (disk, mut log) = synced_log();
        append_until(&mut log, last);
        disk.fail_sync_after(syncs);
        let error = log.append(last, Sample::at(last + 1).record(last + 1)).expect_err("a sync fails");
        assert!(matches!(error, LogError::Poisoned { .. }), "{error}");
        assert_eq!(log.reader().bounds().last_sequence, last, "the record was not written");
        check_poisoned(log, last);
        check_samples(&open(&disk), 1, last);
    }
}

#[test]
fn what_a_failed_sync_left_in_memory_is_written_again_before_it_counts_as_durable() {
    let (disk, mut log) = synced_log();
    append_until(&mut log, 25);
    disk.fail_sync_after(0);
    log.sync().expect_err("the sync fails");
    drop(log);
    // The process starts again, sees all records, and answers that they are durable.
    let log = open(&disk);
    assert_eq!(log.reader().synced(), 25);
    drop(log);
    for seed in 0..50 {
        check_samples(&open(&disk.survivor(&mut Random::from_seed(seed))), 1, 25);
    }
}
