//! Damage to a kept file is an error that names file and place. It costs as little as possible, and the check
//! of all files finds it.

use std::sync::Arc;

use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::kept::{check_kept, entry_at, is_kept_at, keep_until};
use camshaft_log::{Damage, Kept, LogError, VerifyKept, verify_kept};

const FIRST: &str = "00000000000000000000-00000000000000000200.kept";
const SECOND: &str = "00000000000000000200-00000000000000000300.kept";
const MAX_BYTES: u64 = 1_000;
const HEADER_BYTES: usize = 64;
const ENTRY_HEADER_BYTES: usize = 28;

fn open(disk: &MemoryDisk) -> Result<Kept, LogError> {
    Kept::open(Arc::new(disk.clone()), 77)
}

/// Two files, the first of which has several blocks.
fn two_files() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let kept = open(&disk).expect("the folder opens");
    for until in [200, 300] {
        keep_until(&kept, until, MAX_BYTES).expect("there is room");
    }
    disk
}

fn verified(disk: &MemoryDisk) -> (u64, Vec<Damage>) {
    let what = VerifyKept { identity: 77, each: &mut |_| Ok(()), progress: &mut |_| {} };
    let verified = verify_kept(disk, what).expect("the folder can be read");
    assert_eq!(verified.files, 2);
    (verified.entries, verified.damage)
}

/// The offsets that cannot be read, each with the place that its error names.
fn lost(disk: &MemoryDisk) -> Vec<(u64, String, u64)> {
    let kept = open(disk).expect("the newest file is sound");
    let mut lost = Vec::new();
    for offset in 0..300 {
        match kept.read(offset) {
            Ok(found) => {
                assert_eq!(found, is_kept_at(offset).then(|| entry_at(offset, MAX_BYTES)), "offset {offset}");
            }
            Err(LogError::Corrupt { file, position, .. }) => lost.push((offset, file, position)),
            Err(error) => panic!("{error}"),
        }
    }
    lost
}

#[test]
fn sound_files_have_no_damage() {
    let disk = two_files();
    assert_eq!(verified(&disk), (200, Vec::new()));
    check_kept(&open(&disk).expect("the files are sound"), 300, MAX_BYTES);
}

#[test]
fn a_damaged_content_costs_its_entry_only() {
    let disk = two_files();
    // Offset 0 has no entry, so the first one is at offset 1.
    disk.edit(FIRST, |bytes| bytes[HEADER_BYTES + ENTRY_HEADER_BYTES] ^= 1);
    assert_eq!(lost(&disk), [(1, FIRST.to_owned(), 64)]);
    let (entries, damage) = verified(&disk);
    assert_eq!((entries, damage.len()), (199, 1));
    assert_eq!((damage[0].file.as_str(), damage[0].position, damage[0].offsets), (FIRST, 64, Some((1, 2))));
}

#[test]
fn a_damaged_header_of_an_entry_costs_the_rest_of_its_block_only() {
    let disk = two_files();
    disk.edit(FIRST, |bytes| bytes[HEADER_BYTES] ^= 1);
    let lost = lost(&disk);
    let last = lost.last().expect("something is lost").0;
    assert!(last > 10 && last < 60, "one block of several: {last}");
    // Offset 0 is before the first block, so it certainly has no entry.
    let expected: Vec<_> = (1..=last).map(|offset| (offset, FIRST.to_owned(), 64)).collect();
    assert_eq!(lost, expected);
    let (_, damage) = verified(&disk);
    assert_eq!((damage.len(), damage[0].offsets), (1, Some((0, last + 1))));
}

#[test]
fn a_damaged_header_or_index_of_a_file_costs_that_file_only() {
    let length = two_files().bytes(FIRST).len();
    for at in [0, 20, 58, length - 3] {
        let disk = two_files();
        disk.edit(FIRST, |bytes| bytes[at] ^= 1);
        assert_eq!(lost(&disk).len(), 200, "byte {at}");
        let (entries, damage) = verified(&disk);
        assert_eq!((entries, damage.len(), damage[0].offsets), (67, 1, Some((0, 200))), "byte {at}");
    }
}

#[test]
fn damage_to_the_newest_file_keeps_neither_the_others_from_being_read_nor_new_ones_from_being_written() {
    let disk = two_files();
    disk.edit(SECOND, |bytes| bytes[20] ^= 1);
    assert_eq!(lost(&disk).len(), 100);
    let kept = open(&disk).expect("damage is for readers to find");
    keep_until(&kept, 400, MAX_BYTES).expect("there is room");
    assert_eq!(kept.read(301).expect("the file is sound"), is_kept_at(301).then(|| entry_at(301, MAX_BYTES)));
}

#[test]
fn a_truncated_file_is_damaged() {
    let disk = two_files();
    disk.edit(FIRST, |bytes| bytes.truncate(bytes.len() - 16));
    assert_eq!(lost(&disk).len(), 200);
    assert_eq!(verified(&disk).1.len(), 1);
}

#[test]
fn a_file_of_another_log_or_under_another_name_is_damaged() {
    let disk = two_files();
    let error = Kept::open(Arc::new(disk.clone()), 78).err().expect("another log");
    assert!(error.to_string().contains("belongs to another log"), "{error}");
    let bytes = disk.bytes(SECOND);
    disk.put("00000000000000000300-00000000000000000400.kept", &bytes);
    let kept = open(&disk).expect("damage is for readers to find");
    let error = kept.read(350).expect_err("another range");
    assert!(error.to_string().contains("not the one in the name"), "{error}");
}

#[test]
fn ranges_that_overlap_are_refused() {
    let disk = two_files();
    disk.put("00000000000000000150-00000000000000000250.kept", b"");
    let error = open(&disk).err().expect("ranges overlap");
    assert!(error.to_string().contains("overlaps"), "{error}");
    let what = VerifyKept { identity: 77, each: &mut |_| Ok(()), progress: &mut |_| {} };
    assert_eq!(verify_kept(&disk, what).expect("the folder can be read").damage.len(), 1);
}

#[test]
fn a_file_of_a_newer_format_is_refused() {
    let disk = two_files();
    disk.edit(SECOND, |bytes| {
        bytes[8..12].copy_from_slice(&2_u32.to_le_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..HEADER_BYTES]);
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    });
    let error = open(&disk).err().expect("a newer format");
    assert!(
        matches!(&error, LogError::NewerFormat { file, found: 2, supported: 1 } if file == SECOND),
        "{error}"
    );
}

#[test]
fn the_check_reports_entries_whose_content_is_wrong() {
    let disk = two_files();
    let mut each = |entry: &camshaft_log::KeptEntry| {
        if entry.offset == 250 { Err("not what it should be".to_owned()) } else { Ok(()) }
    };
    let what = VerifyKept { identity: 77, each: &mut each, progress: &mut |_| {} };
    let damage = verify_kept(&disk, what).expect("the folder can be read").damage;
    assert_eq!((damage.len(), damage[0].offsets), (1, Some((250, 251))));
    assert_eq!(damage[0].detail, "not what it should be");
}
