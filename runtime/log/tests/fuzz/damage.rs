//! A log of many segments with damaged files: what it still gives is a prefix of what was written, or an
//! error.

use std::sync::Arc;

use bolero::{TypeGenerator, check, produce};
use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::sample::{Sample, append_until, time_at};
use camshaft_log::{Disk as _, FileLog, Log, Options};

use super::MOMENT;

const LAST: u64 = 60;

/// What was written, and what happened to it.
#[derive(Clone, Debug, TypeGenerator)]
struct Case {
    #[generator(1..LAST)]
    synced: u64,
    is_closed: bool,
    /// The file, by number, and the damage.
    #[generator(produce::<Vec<(u8, Damage)>>().with().len(0..4_usize))]
    damages: Vec<(u8, Damage)>,
    /// The first sequence after a snapshot.
    #[generator(produce::<Option<u64>>().with().value(1..LAST + 10))]
    verify_from: Option<u64>,
}

/// One way of damaging a file. Places are below the segments' length.
#[derive(Clone, Debug, TypeGenerator)]
enum Damage {
    Flip(#[generator(0..4096_usize)] usize, #[generator(0..8_u8)] u8),
    Fill(#[generator(0..4096_usize)] usize, #[generator(1..1500_usize)] usize, u8),
    /// Copies whole steps of eight bytes, as records start at them.
    Copy(
        #[generator(0..512_usize)] usize,
        #[generator(0..512_usize)] usize,
        #[generator(1..200_usize)] usize,
    ),
    Truncate(#[generator(0..4096_usize)] usize),
    Remove,
    /// The file's content becomes that of another one.
    Replace(u8),
}

#[test]
fn a_damaged_log_gives_a_prefix_or_an_error() {
    check!().with_type::<Case>().with_test_time(MOMENT).for_each(|case| {
        let disk = written(case);
        let names = disk.list().expect("the disk works");
        let mark = case.is_closed.then(|| disk.bytes("clean"));
        for (file, damage) in &case.damages {
            damage.apply(&disk, &names, *file);
        }
        // A damaged mark claims nothing.
        let is_there = disk.list().expect("the disk works").contains(&"clean".to_owned());
        let mark_is_whole = is_there && mark.is_some_and(|mark| mark == disk.bytes("clean"));
        let Ok(log) = open(&disk, case.verify_from) else {
            assert!(
                !case.damages.is_empty() || case.verify_from.is_some_and(|from| from > LAST + 1),
                "{case:?}"
            );
            return;
        };
        let last = log.reader().bounds().last_sequence;
        assert!(last <= LAST && (last == LAST || !case.damages.is_empty()), "{last} of {LAST}");
        assert!(case.verify_from.is_none_or(|from| last + 1 >= from), "what the snapshot knows is there");
        assert!(!mark_is_whole || last == LAST, "what the mark knows is there");
        read_all(&log);
        drop(log);
        let again = open(&disk, case.verify_from);
        assert!(again.is_ok(), "an opened log opens again: {:?}", again.err());
    });
}

fn open(disk: &MemoryDisk, verify_from: Option<u64>) -> Result<FileLog, camshaft_log::LogError> {
    let options = Options { segment_bytes: 4096, verify_from, ..Options::default() };
    FileLog::open(Arc::new(disk.clone()), options).map(|(log, _)| log)
}

fn written(case: &Case) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, None).expect("the log opens");
    append_until(&mut log, case.synced);
    log.sync().expect("the sync succeeds");
    append_until(&mut log, LAST);
    if case.is_closed {
        Box::new(log).close().expect("the log closes");
    }
    disk
}

/// Reads and looks up everything; each record that comes must be the right one.
fn read_all(log: &FileLog) {
    let reader = log.reader();
    let bounds = reader.bounds();
    for sequence in bounds.first_sequence..=bounds.last_sequence {
        let sample = Sample::at(sequence);
        if let Ok(batch) = reader.read_from(sequence, 500) {
            assert!(!batch.is_empty(), "record {sequence} is there");
            for (record, expected) in batch.iter().zip(sequence..) {
                let sample = Sample::at(expected);
                assert_eq!((record.sequence, record.first_offset), (expected, sample.first_offset));
                assert_eq!((record.count, record.timestamp_ms), (sample.count, time_at(expected)));
                assert_eq!(record.payload, sample.payload);
            }
        }
        if let Ok(found) = reader.find_offset(sample.first_offset) {
            assert!(found.is_none_or(|found| found >= sequence));
        }
        let _ = reader.find_time(time_at(sequence));
    }
}

impl Damage {
    fn apply(&self, disk: &MemoryDisk, names: &[String], file: u8) {
        let name_of = |number: u8| &names[usize::from(number) % names.len()];
        let name = name_of(file);
        if !disk.list().expect("the disk works").contains(name) {
            return;
        }
        match *self {
            Self::Flip(at, bit) => disk.edit(name, |bytes| {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }),
            Self::Fill(at, length, byte) => disk.edit(name, |bytes| {
                let end = bytes.len().min(at + length);
                bytes[at.min(end)..end].fill(byte);
            }),
            Self::Copy(from, to, length) => disk.edit(name, |bytes| {
                let length = (length * 8).min(bytes.len().saturating_sub(from.max(to) * 8));
                if length > 0 {
                    bytes.copy_within(from * 8..from * 8 + length, to * 8);
                }
            }),
            Self::Truncate(length) => disk.edit(name, |bytes| bytes.truncate(length)),
            Self::Remove => disk.remove(name).expect("the disk works"),
            Self::Replace(other) => {
                let other = name_of(other);
                if disk.list().expect("the disk works").contains(other) {
                    disk.put(name, &disk.bytes(other));
                }
            }
        }
    }
}
