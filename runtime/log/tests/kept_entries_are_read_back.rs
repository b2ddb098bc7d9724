//! Kept entries are found by their offset, on the disk in memory and in a folder of the operating system.

use std::sync::Arc;

use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::kept::{check_kept, keep_until};
use camshaft_log::{Disk, Kept, LogError, NewKept, RealDisk};
use tempfile::TempDir;

/// Long enough that a file has several blocks.
const MAX_BYTES: u64 = 2_000;

fn open(disk: &Arc<dyn Disk>) -> Kept {
    Kept::open(Arc::clone(disk), 77).expect("the files are sound")
}

fn check(disk: &Arc<dyn Disk>) {
    let kept = open(disk);
    check_kept(&kept, 0, MAX_BYTES);
    for until in [40, 41, 300] {
        keep_until(&kept, until, MAX_BYTES).expect("there is room");
        check_kept(&kept, until, MAX_BYTES);
        check_kept(&open(disk), until, MAX_BYTES);
    }
    assert_eq!(kept.file_count(), 3);
}

#[test]
fn entries_are_read_back_by_offset_from_memory() {
    check(&(Arc::new(MemoryDisk::new()) as Arc<dyn Disk>));
}

#[test]
fn entries_are_read_back_by_offset_from_a_folder_beside_the_segments() {
    let home = TempDir::new().expect("a temporary directory can be made");
    let log = RealDisk::open(home.path()).expect("the directory can be used");
    let folder: Arc<dyn Disk> = Arc::new(log.folder("kept").expect("the folder can be made"));
    check(&folder);
    assert!(home.path().join("kept/00000000000000000000-00000000000000000040.kept").is_file());
}

#[test]
fn more_files_than_stay_open_are_all_read() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
    let kept = open(&disk);
    for until in (3..=300).step_by(3) {
        keep_until(&kept, until, 100).expect("there is room");
    }
    assert_eq!(kept.file_count(), 100);
    check_kept(&kept, 300, 100);
    check_kept(&kept, 300, 100);
}

#[test]
fn a_range_without_entries_makes_no_file() {
    let memory = MemoryDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(memory.clone());
    let kept = open(&disk);
    assert_eq!(kept.writer(0).finish(500).expect("nothing is written"), 0);
    assert_eq!((kept.until(), kept.file_count(), memory.operations()), (0, 0, 0));
}

#[test]
fn a_range_may_begin_behind_a_gap_and_offsets_in_the_gap_have_no_entry() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
    let kept = open(&disk);
    keep_until(&kept, 10, 10).expect("there is room");
    let mut writer = kept.writer(20);
    writer.push(NewKept { offset: 25, timestamp_ms: 1, bytes: b"x" }).expect("there is room");
    writer.finish(30).expect("there is room");
    assert_eq!(kept.read(15).expect("the files are sound"), None);
    assert_eq!(kept.read(25).expect("the files are sound").map(|entry| entry.bytes), Some(b"x".to_vec()));
}

#[test]
fn a_full_disk_refuses_a_file_and_heals() {
    let memory = MemoryDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(memory.clone());
    let kept = open(&disk);
    memory.set_capacity(Some(1_000));
    let error = keep_until(&kept, 100, MAX_BYTES).expect_err("the disk is full");
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
    check_kept(&kept, 0, MAX_BYTES);
    memory.set_capacity(None);
    keep_until(&kept, 100, MAX_BYTES).expect("there is room again");
    check_kept(&open(&disk), 100, MAX_BYTES);
}
