//! The next start knows whether the log was closed, and a stop in the middle of closing harms nothing.

use std::sync::Arc;

use camshaft_log::testing::sample::{append_until, check_samples};
use camshaft_log::testing::{MemoryDisk, Random};
use camshaft_log::{Disk as _, FileLog, Log, Options, Recovery};

fn open(disk: &MemoryDisk) -> (FileLog, Recovery) {
    let options = Options { segment_bytes: 4096, ..Options::default() };
    FileLog::open(Arc::new(disk.clone()), options).expect("the log opens")
}

#[test]
fn a_closed_log_is_clean_until_something_is_written() {
    let disk = MemoryDisk::new();
    let (mut log, recovery) = open(&disk);
    assert!(recovery.created && recovery.clean);
    append_until(&mut log, 30);
    Box::new(log).close().expect("the log closes");
    let (mut log, recovery) = open(&disk);
    assert!(recovery.clean && !recovery.created, "{recovery:?}");
    append_until(&mut log, 31);
    drop(log);
    let (log, recovery) = open(&disk);
    assert!(!recovery.clean, "{recovery:?}");
    check_samples(&log, 1, 31);
}

#[test]
fn a_damaged_mark_is_of_no_account_where_the_records_are_whole() {
    for byte in 0..32 {
        let disk = MemoryDisk::new();
        let (mut log, _) = open(&disk);
        append_until(&mut log, 30);
        Box::new(log).close().expect("the log closes");
        disk.edit("clean", |bytes| bytes[byte] ^= 1);
        let (log, recovery) = open(&disk);
        assert!(recovery.damaged_mark.is_some() && !recovery.clean, "byte {byte}: {recovery:?}");
        check_samples(&log, 1, 30);
        Box::new(log).close().expect("the log closes");
        let (_, recovery) = open(&disk);
        assert!(recovery.damaged_mark.is_none() && recovery.clean, "the next close writes it anew");
    }
}

#[test]
fn a_crash_at_any_operation_of_closing_leaves_a_sound_log() {
    for crash_after in 0..5 {
        let disk = MemoryDisk::new();
        let (mut log, _) = open(&disk);
        append_until(&mut log, 30);
        log.sync().expect("the sync succeeds");
        disk.crash_after(crash_after);
        let closed = Box::new(log).close();
        for seed in 0..20 {
            let survivor = disk.survivor(&mut Random::from_seed(seed));
            let (log, recovery) = open(&survivor);
            check_samples(&log, 1, 30);
            assert!(recovery.clean || closed.is_err(), "a close that answered is durable");
            let names = survivor.list().expect("the disk works");
            assert!(names.iter().all(|name| !name.contains("tmp")), "leftovers are removed: {names:?}");
        }
    }
}

#[test]
fn files_of_other_names_are_left_alone() {
    let disk = MemoryDisk::new();
    drop(open(&disk));
    disk.put("notes.txt", b"mine");
    disk.put("1.segment", b"mine too");
    drop(open(&disk));
    assert_eq!((disk.bytes("notes.txt"), disk.bytes("1.segment")), (b"mine".to_vec(), b"mine too".to_vec()));
}

#[test]
fn a_spare_of_another_length_and_half_made_files_are_replaced() {
    let disk = MemoryDisk::new();
    drop(open(&disk));
    disk.put("spare", &[0; 1000]);
    disk.put("spare.tmp", &[0; 10]);
    disk.put("clean.tmp", b"CAMCL");
    let (mut log, _) = open(&disk);
    assert_eq!(disk.list().expect("the disk works"), ["00000000000000000001.segment"]);
    log.prepare().expect("there is room");
    assert_eq!(disk.bytes("spare").len(), 4096, "the next segment has its full length");
    append_until(&mut log, 100);
    check_samples(&log, 1, 100);
}
