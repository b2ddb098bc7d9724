//! Whatever the files hold, opening answers with a log or an error; and what a damaged log still gives is
//! right.

use std::sync::Arc;

use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::sample::{Sample, append_until};
use camshaft_log::{Disk as _, FileLog, Log, Options};
use proptest::prelude::*;

const SEGMENT_BYTES: u64 = 4096;
const FIRST: &str = "00000000000000000001.segment";

fn options(verify_from: Option<u64>) -> Options {
    Options { segment_bytes: SEGMENT_BYTES, verify_from, ..Options::default() }
}

/// One way of damaging a file.
#[derive(Clone, Debug)]
enum Damage {
    Flip { at: usize, bit: u8 },
    Fill { at: usize, length: usize, byte: u8 },
    Copy { from: usize, to: usize, length: usize },
    Truncate { length: usize },
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let end = bytes.len();
        match *self {
            Self::Flip { at, bit } if at < end => bytes[at] ^= 1 << bit,
            Self::Fill { at, length, byte } if at < end => bytes[at..end.min(at + length)].fill(byte),
            Self::Copy { from, to, length } => {
                let length = length.min(end.saturating_sub(from.max(to)));
                if length > 0 {
                    bytes.copy_within(from..from + length, to);
                }
            }
            Self::Truncate { length } => bytes.truncate(length),
            _ => {}
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = 0..4096_usize;
    prop_oneof![
        4 => (place.clone(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        2 => (place.clone(), 1..1500_usize, any::<u8>())
            .prop_map(|(at, length, byte)| Damage::Fill { at, length, byte }),
        2 => (place.clone(), place.clone(), 1..1500_usize)
            .prop_map(|(from, to, length)| Damage::Copy { from: from / 8 * 8, to: to / 8 * 8, length }),
        1 => place.prop_map(|length| Damage::Truncate { length }),
    ]
}

/// Reads and looks up everything; each record that comes must be the right one.
fn read_all(log: &FileLog) {
    let reader = log.reader();
    let bounds = reader.bounds();
    for sequence in bounds.first_sequence..=bounds.last_sequence {
        if let Ok(batch) = reader.read_from(sequence, 500) {
            for (record, expected) in batch.iter().zip(sequence..) {
                assert_eq!(
                    (record.sequence, record.payload),
                    (expected, Sample::at(expected).payload.as_slice())
                );
            }
        }
        if let Ok(found) = reader.find_offset(Sample::at(sequence).first_offset) {
            assert!(found.is_none_or(|found| found >= sequence));
        }
        let _ = reader.find_time(sequence * 10);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_log_opens_rightly_or_is_refused(
        damages in prop::collection::vec((any::<prop::sample::Index>(), damage()), 1..4),
        synced in 1..120_u64,
        verify_from in prop::option::of(1..130_u64),
        is_closed in any::<bool>(),
    ) {
        let disk = MemoryDisk::new();
        let (mut log, _) = FileLog::open(Arc::new(disk.clone()), options(None)).expect("the log opens");
        append_until(&mut log, synced);
        log.sync().expect("the sync succeeds");
        append_until(&mut log, 120);
        if is_closed {
            Box::new(log).close().expect("the log closes");
        }
        let names = disk.list().expect("the disk works");
        for (file, damage) in damages {
            let name: &String = file.get(&names);
            disk.edit(name, |bytes| damage.apply(bytes));
        }
        if let Ok((log, _)) = FileLog::open(Arc::new(disk.clone()), options(verify_from)) {
            read_all(&log);
            drop(log);
            let again = FileLog::open(Arc::new(disk), options(verify_from));
            prop_assert!(again.is_ok(), "an opened log opens again: {:?}", again.err());
        }
    }

    #[test]
    fn arbitrary_bytes_are_a_log_or_an_error(
        body in prop::collection::vec(any::<u8>(), 0..3000),
        keeps_header in any::<bool>(),
        mark in prop::option::of(prop::collection::vec(any::<u8>(), 0..64)),
    ) {
        let disk = MemoryDisk::new();
        drop(FileLog::open(Arc::new(disk.clone()), options(None)).expect("the log opens"));
        disk.edit(FIRST, |bytes| {
            bytes.truncate(if keeps_header { 64 } else { 0 });
            bytes.extend_from_slice(&body);
        });
        if let Some(mark) = mark {
            disk.put("clean", &mark);
        }
        if let Ok((log, recovery)) = FileLog::open(Arc::new(disk), options(None)) {
            prop_assert_eq!(recovery.verified_records, 0);
            read_all(&log);
        }
    }
}
