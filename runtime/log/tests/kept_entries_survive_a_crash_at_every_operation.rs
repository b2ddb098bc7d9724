//! Whenever the power fails, all entries of finished files are there, and unfinished files are not.
//!
//! First a scripted run counts its operations on the disk. Then it is run again and stopped at each of them.
//! Of unsynced bytes a part survives, chosen by chance in several ways.

use std::sync::Arc;

use camshaft_log::testing::kept::{check_kept, keep_until};
use camshaft_log::testing::{MemoryDisk, Random};
use camshaft_log::{Disk as _, Kept, LogError};

const MAX_BYTES: u64 = 3_000;
const SURVIVORS_PER_CRASH: u64 = 4;

fn open(disk: &MemoryDisk) -> Result<Kept, LogError> {
    Kept::open(Arc::new(disk.clone()), 77)
}

/// Writes some files, and notes after each of them how far the entries are kept.
fn run(disk: &MemoryDisk, told: &mut u64) -> Result<(), LogError> {
    for _ in 0..3 {
        let kept = open(disk)?;
        for length in [12, 1, 300] {
            let until = kept.until() + length;
            keep_until(&kept, until, MAX_BYTES)?;
            *told = kept.until();
        }
    }
    Ok(())
}

fn check(survivor: &MemoryDisk, told: u64) {
    let kept = open(survivor).expect("a crash is no corruption");
    let until = kept.until();
    assert!(until >= told, "finished files are there: {until} of {told}");
    check_kept(&kept, until, MAX_BYTES);
    let names = survivor.list().expect("the disk is alive");
    assert!(names.iter().all(|name| name.ends_with(".kept")), "{names:?}");
    keep_until(&kept, until + 10, MAX_BYTES).expect("there is room");
    check_kept(&open(survivor).expect("it opens again"), kept.until(), MAX_BYTES);
}

#[test]
fn all_entries_of_finished_files_survive_a_crash_at_every_operation() {
    let disk = MemoryDisk::new();
    run(&disk, &mut 0).expect("without a crash all is well");
    let operations = disk.operations();
    assert!(operations > 30, "the script does something: {operations}");
    for crash_after in 0..operations {
        let disk = MemoryDisk::new();
        disk.crash_after(crash_after);
        let mut told = 0;
        run(&disk, &mut told).expect_err("the disk is gone");
        let mut random = Random::from_seed(crash_after);
        for variant in 0..SURVIVORS_PER_CRASH {
            println!("crash after {crash_after}, variant {variant}, told {told}");
            check(&disk.survivor(&mut random), told);
        }
    }
}

#[test]
fn a_file_that_a_killed_process_left_stays_once_it_was_seen() {
    let disk = MemoryDisk::new();
    run(&disk, &mut 0).expect("without a crash all is well");
    for crash_after in 0..disk.operations() {
        let disk = MemoryDisk::new();
        disk.crash_after(crash_after);
        run(&disk, &mut 0).expect_err("the disk is gone");
        let killed = disk.after_kill();
        let seen = open(&killed).expect("a kill is no corruption").until();
        let mut random = Random::from_seed(crash_after);
        for _ in 0..SURVIVORS_PER_CRASH {
            check(&killed.survivor(&mut random), seen);
        }
    }
}

#[test]
fn after_a_name_that_may_not_be_durable_nothing_is_written_until_the_folder_is_opened_again() {
    let disk = MemoryDisk::new();
    let kept = open(&disk).expect("the folder opens");
    // The first sync is the file's.
    disk.fail_sync_after(1);
    let error = keep_until(&kept, 20, MAX_BYTES).expect_err("the sync fails");
    assert!(matches!(error, LogError::Poisoned { .. }), "{error}");
    assert_eq!(kept.until(), 0, "it counts as not written");
    let again = keep_until(&kept, 20, MAX_BYTES).expect_err("it could be written twice");
    assert!(matches!(again, LogError::Poisoned { .. }), "{again}");
    check(&disk, 0);
}
