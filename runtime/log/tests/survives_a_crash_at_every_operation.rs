//! Whenever the power fails, the log opens again with all that was synced, dense, and with nothing after its
//! tail.
//!
//! First a scripted run counts its operations on the disk. Then it is run again and stopped at each of them;
//! what was not synced survives in part, chosen by chance in several ways, and the log is opened again:
//! several times, with crashes during recovery too.

use std::sync::Arc;

use camshaft_log::testing::{MemoryDisk, Random};
use camshaft_log::{FileLog, Log, LogError, NewRecord, Options};

const SEGMENT_BYTES: u64 = 4096;
const SURVIVORS_PER_CRASH: u64 = 4;

fn open(disk: &MemoryDisk) -> Result<FileLog, LogError> {
    let options = Options { segment_bytes: SEGMENT_BYTES, identity: 77, ..Options::default() };
    FileLog::open(Arc::new(disk.clone()), options).map(|(log, _)| log)
}

fn payload(sequence: u64, length: u64) -> Vec<u8> {
    Random::from_seed(sequence).bytes(usize::try_from(length).expect("a small number"))
}

/// What the script was told.
#[derive(Debug, Default)]
struct Told {
    /// The last sequence a sync answered.
    synced: u64,
    /// The last sequence given to an append, whether it answered or not.
    attempted: u64,
    /// The highest sequence given to a trim.
    trimmed: u64,
}

/// Appends batches of records of various lengths, syncs after some, trims, closes and opens.
fn run(disk: &MemoryDisk, told: &mut Told) -> Result<(), LogError> {
    let mut random = Random::from_seed(1);
    for _ in 0..3 {
        let mut log = open(disk)?;
        for _ in 0..8 {
            log.prepare()?;
            let last = log.reader().bounds().last_sequence;
            let payloads: Vec<_> = (last + 1..=last + 1 + random.below(4))
                .map(|sequence| payload(sequence, random.below(900)))
                .collect();
            let records: Vec<_> = payloads
                .iter()
                .zip(last + 1..)
                .map(|(payload, offset)| NewRecord {
                    first_offset: offset,
                    count: 1,
                    timestamp_ms: offset,
                    payload,
                })
                .collect();
            told.attempted = last + u64::try_from(records.len()).expect("a small number");
            log.append_all(last, &records)?;
            if random.below(3) > 0 {
                told.synced = told.synced.max(log.sync()?);
            }
            if random.below(6) == 0 {
                told.trimmed = told.trimmed.max(told.synced.saturating_sub(5));
                log.trim(told.trimmed)?;
            }
        }
        if random.coin() {
            told.synced = told.synced.max(log.reader().synced());
            Box::new(log).close()?;
        }
    }
    Ok(())
}

/// Opens what survived, checks it, and proves that the log goes on.
fn check(survivor: &MemoryDisk, told: &Told) {
    let mut log = open(survivor).expect("a crash is no corruption");
    let reader = log.reader();
    let bounds = reader.bounds();
    assert!(bounds.last_sequence >= told.synced, "synced records are there: {bounds:?}");
    assert!(bounds.last_sequence <= told.attempted, "nothing comes from nowhere: {bounds:?}");
    assert!(bounds.first_sequence <= told.trimmed.max(1), "nothing is trimmed unasked: {bounds:?}");
    let mut expected = bounds.first_sequence;
    while expected <= bounds.last_sequence {
        for record in reader.read_from(expected, 2000).expect("what is there is sound").iter() {
            assert_eq!((record.sequence, record.first_offset), (expected, expected));
            let length = u64::try_from(record.payload.len()).expect("a small number");
            assert_eq!(record.payload, payload(expected, length));
            expected += 1;
        }
    }
    assert_eq!(expected, bounds.last_sequence + 1);
    let next =
        NewRecord { first_offset: expected, count: 1, timestamp_ms: expected, payload: b"after the crash" };
    log.append(bounds.last_sequence, next).expect("the log goes on");
    log.sync().expect("the log goes on");
    drop(log);
    let log = open(survivor).expect("the log opens again");
    assert_eq!(log.reader().bounds().last_sequence, expected, "nothing follows the tail");
}

#[test]
fn all_that_was_synced_survives_a_crash_at_every_operation() {
    let disk = MemoryDisk::new();
    run(&disk, &mut Told::default()).expect("without a crash all is well");
    let operations = disk.operations();
    assert!(operations > 100, "the script does something: {operations}");

    for crash_after in 0..operations {
        let disk = MemoryDisk::new();
        disk.crash_after(crash_after);
        let mut told = Told::default();
        run(&disk, &mut told).expect_err("the disk is gone");
        let mut random = Random::from_seed(crash_after);
        for variant in 0..SURVIVORS_PER_CRASH {
            let survivor = disk.survivor(&mut random);
            println!("crash after {crash_after}, variant {variant}, {told:?}");
            // Recovery may be interrupted too.
            let copy = survivor.after_kill();
            copy.crash_after(random.below(6));
            if open(&copy).is_err() {
                check(&copy.survivor(&mut random), &told);
            }
            check(&survivor, &told);
        }
        // A killed process leaves all it wrote. The next one reads it, goes on, and then the power fails.
        let killed = disk.after_kill();
        append_one(&killed, &mut told);
        check(&killed.survivor(&mut random), &told);
    }
}

/// Opens the log, appends a record, and syncs it.
fn append_one(disk: &MemoryDisk, told: &mut Told) {
    let mut log = open(disk).expect("a kill is no corruption");
    let last = log.reader().bounds().last_sequence;
    let payload = payload(last + 1, 100);
    let record = NewRecord { first_offset: last + 1, count: 1, timestamp_ms: 0, payload: &payload };
    log.append(last, record).expect("the log goes on");
    told.synced = log.sync().expect("the log goes on");
    told.attempted = told.attempted.max(last + 1);
}
