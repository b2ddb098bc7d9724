//! What a crash leaves half written at the end, and was never known durable, is cut off, for good, and
//! reported.

use std::sync::Arc;

use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::sample::{Sample, append_until, check_samples};
use camshaft_log::{Cut, FileLog, Log, Options, Recovery, record_bytes};

const SEGMENT: &str = "00000000000000000001.segment";

fn open(disk: &MemoryDisk) -> (FileLog, Recovery) {
    let options = Options { segment_bytes: 16 * 1024, ..Options::default() };
    FileLog::open(Arc::new(disk.clone()), options).expect("a torn tail is no corruption")
}

/// A log of ten records, of which four are synced, after the process was killed.
fn killed_log() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let (mut log, _) = open(&disk);
    append_until(&mut log, 4);
    log.sync().expect("the sync succeeds");
    append_until(&mut log, 10);
    disk.after_kill()
}

/// Where the sample at this sequence starts in the first segment.
fn position_of(sequence: u64) -> u64 {
    64 + (1..sequence).map(|earlier| record_bytes(Sample::at(earlier).payload.len())).sum::<u64>()
}

fn index(position: u64) -> usize {
    usize::try_from(position).expect("a small number")
}

/// Damages the log, and checks that it is cut after `last_sequence`, dropping so many whole headers behind
/// it.
fn check_cut(last_sequence: u64, later_records: u64, damage: impl Fn(&mut Vec<u8>)) {
    let disk = killed_log();
    disk.edit(SEGMENT, damage);
    let (log, recovery) = open(&disk);
    let cut = recovery.cut.expect("something is cut");
    let position = position_of(last_sequence + 1);
    assert_eq!(cut, Cut { file: SEGMENT.to_owned(), position, bytes: cut.bytes, later_records });
    assert!(!recovery.clean);
    check_samples(&log, 1, last_sequence);
    drop(log);
    // The cut lasts, whatever the next run does.
    let survivor = disk.survivor(&mut camshaft_log::testing::Random::from_seed(0));
    assert!(
        survivor.bytes(SEGMENT)[index(position)..].iter().all(|byte| *byte == 0),
        "nothing is left behind"
    );
    let (mut log, recovery) = open(&survivor);
    assert_eq!(recovery.cut, None);
    append_until(&mut log, last_sequence + 1);
    drop(log);
    check_samples(&open(&survivor).0, 1, last_sequence + 1);
}

#[test]
fn an_undamaged_unsynced_tail_is_kept_and_made_durable() {
    let disk = killed_log();
    let (log, recovery) = open(&disk);
    assert_eq!((recovery.cut, recovery.verified_records), (None, 10));
    assert_eq!(log.reader().synced(), 10);
    let survivor = disk.survivor(&mut camshaft_log::testing::Random::from_seed(0));
    check_samples(&open(&survivor).0, 1, 10);
}

#[test]
fn a_last_record_whose_payload_is_torn_is_cut() {
    check_cut(9, 0, |bytes| bytes[index(position_of(10)) + 60..].fill(0));
}

#[test]
fn a_last_record_whose_header_is_torn_is_cut() {
    check_cut(9, 0, |bytes| bytes[index(position_of(10)) + 20..].fill(0));
}

#[test]
fn whole_records_after_a_bad_one_vanish_when_none_knew_it_durable() {
    check_cut(6, 3, |bytes| bytes[index(position_of(7)) + 50] ^= 1);
}

#[test]
fn a_bad_length_in_the_unsynced_tail_is_cut() {
    check_cut(5, 4, |bytes| bytes[index(position_of(6))..][..4].fill(0xff));
}

#[test]
fn a_hole_of_zeros_in_the_unsynced_tail_is_cut() {
    check_cut(6, 2, |bytes| bytes[index(position_of(7))..index(position_of(9))].fill(0));
}

#[test]
fn garbage_far_behind_the_last_record_is_overwritten() {
    check_cut(10, 0, |bytes| *bytes.last_mut().expect("the segment has bytes") = 1);
}

#[test]
fn a_payload_that_imitates_a_record_claims_nothing() {
    // The bytes of another log's record, which claims that much more was synced, inside an unsynced payload.
    let forged = {
        let disk = MemoryDisk::new();
        let options = Options { segment_bytes: 16 * 1024, identity: 1, ..Options::default() };
        let (mut log, _) = FileLog::open(Arc::new(disk.clone()), options).expect("the log opens");
        append_until(&mut log, 12);
        log.sync().expect("the sync succeeds");
        append_until(&mut log, 13);
        let start = index(position_of(13));
        disk.bytes(SEGMENT)[start..start + 48].to_vec()
    };
    let start = index(position_of(10)) + 48;
    check_cut(9, 0, |bytes| {
        bytes[start..start + 48].copy_from_slice(&forged);
    });
}
