//! A full disk is met when preparing, never inside reserved room; nothing is lost, and freed space is enough
//! to go on.

use std::sync::Arc;

use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::sample::{Sample, append_until, check_samples};
use camshaft_log::{FileLog, Log, LogError, NewRecord, Options, record_bytes};

const SEGMENT_BYTES: u64 = 4096;

fn open(disk: &MemoryDisk) -> Result<FileLog, LogError> {
    let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::default() };
    FileLog::open(Arc::new(disk.clone()), options).map(|(log, _)| log)
}

#[test]
fn reserved_room_holds_on_a_full_disk_and_preparing_heals_when_there_is_space_again() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk).expect("the log opens");
    log.prepare().expect("there is room");
    disk.set_capacity(Some(2 * SEGMENT_BYTES));
    let (mut sequence, mut queued) = (0, 0);
    let reserved = log.reader().reserved_bytes();
    assert!(reserved >= SEGMENT_BYTES - 64, "at least the next segment is reserved: {reserved}");
    loop {
        let sample = Sample::at(sequence + 1);
        queued += record_bytes(sample.payload.len());
        if queued > reserved {
            break;
        }
        log.append(sequence, sample.record(sequence + 1)).expect("the room is reserved");
        sequence += 1;
    }
    log.sync().expect("the sync succeeds");

    // Now until there is no room at all.
    let error = loop {
        match log.append(sequence, Sample::at(sequence + 1).record(sequence + 1)) {
            Ok(last) => sequence = last,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
    assert_eq!(error.code(), "no-space");
    let error = log.prepare().expect_err("the disk is full");
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
    check_samples(&log, 1, sequence);

    disk.set_capacity(None);
    log.prepare().expect("there is room again");
    append_until(&mut log, sequence + 100);
    check_samples(&log, 1, sequence + 100);
}

#[test]
fn a_batch_that_does_not_fit_is_refused_as_a_whole() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk).expect("the log opens");
    disk.set_capacity(Some(SEGMENT_BYTES));
    let payload = [1; 1000];
    let records: Vec<_> = (1..=6)
        .map(|offset| NewRecord { first_offset: offset, count: 1, timestamp_ms: 0, payload: &payload })
        .collect();
    let error = log.append_all(0, &records).expect_err("there is no room for six");
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
    assert_eq!(log.reader().bounds().last_sequence, 0);
    log.append_all(0, &records[..3]).expect("there is room for three");
    disk.set_capacity(None);
    log.append_all(3, &records[3..]).expect("there is room again");
}

#[test]
fn the_reservation_counts_down_to_what_really_fits() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk).expect("the log opens");
    let reader = log.reader();
    let before = reader.reserved_bytes();
    assert_eq!(before, SEGMENT_BYTES - 64, "without a spare segment the one in use counts");
    log.append(0, Sample::at(1).record(1)).expect("there is room");
    assert_eq!(reader.reserved_bytes(), before - record_bytes(Sample::at(1).payload.len()));
    log.prepare().expect("there is room");
    assert!(reader.reserved_bytes() >= SEGMENT_BYTES - 64, "with a spare segment all of that counts");
}

#[test]
fn the_reservation_allows_for_room_that_a_large_record_leaves_unused() {
    const LARGE_SEGMENT: u64 = 10 * 1024 * 1024;
    let disk = MemoryDisk::new();
    let options = Options { segment_bytes: LARGE_SEGMENT, ..Options::default() };
    let (mut log, _) = FileLog::open(Arc::new(disk.clone()), options).expect("the log opens");
    let payload = vec![1; 4 * 1024 * 1024];
    let append = |log: &mut FileLog, bytes: usize| {
        let last = log.reader().bounds().last_sequence;
        let record =
            NewRecord { first_offset: last + 1, count: 1, timestamp_ms: 0, payload: &payload[..bytes] };
        log.append(last, record).expect("the room is reserved");
        record_bytes(bytes)
    };
    append(&mut log, 4 * 1024 * 1024);
    append(&mut log, 2 * 1024 * 1024 + 1000);
    log.prepare().expect("there is room");
    disk.set_capacity(Some(2 * LARGE_SEGMENT));

    // Almost 4 MiB are left in this segment, and the first record just does not fit.
    let reserved = log.reader().reserved_bytes();
    let mut queued = append(&mut log, 4 * 1024 * 1024);
    while queued + record_bytes(100_000) <= reserved {
        queued += append(&mut log, 100_000);
    }
}

#[test]
fn a_log_that_cannot_be_created_for_want_of_space_can_be_later() {
    let disk = MemoryDisk::new();
    disk.set_capacity(Some(SEGMENT_BYTES - 1));
    let error = open(&disk).err().expect("there is no room");
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
    disk.set_capacity(Some(SEGMENT_BYTES));
    open(&disk).expect("there is room");
}

#[test]
fn a_log_on_a_full_disk_opens_and_can_be_read() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk).expect("the log opens");
    append_until(&mut log, 100);
    log.sync().expect("the sync succeeds");
    drop(log);
    disk.set_capacity(Some(0));
    check_samples(&open(&disk).expect("opening needs no space"), 1, 100);
}
