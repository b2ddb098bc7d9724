//! A log that a newer program wrote is left alone, and the message names both versions.

use std::sync::Arc;

use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::sample::append_until;
use camshaft_log::{FileLog, Log, LogError, Options};

fn open(disk: &MemoryDisk) -> Result<FileLog, LogError> {
    FileLog::open(Arc::new(disk.clone()), Options { segment_bytes: 4096, ..Options::default() })
        .map(|(log, _)| log)
}

/// Puts another version into a header, and the checksum that goes with it.
fn set_version(header: &mut [u8], version: u32) {
    header[8..12].copy_from_slice(&version.to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..12]), &header[16..]);
    header[12..16].copy_from_slice(&checksum.to_le_bytes());
}

fn closed_log() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let mut log = open(&disk).expect("the log opens");
    append_until(&mut log, 5);
    Box::new(log).close().expect("the log closes");
    disk
}

fn check_refused(disk: &MemoryDisk, name: &str) {
    let operations = disk.operations();
    let error = open(disk).err().expect("a newer format is refused");
    assert!(
        matches!(&error, LogError::NewerFormat { file, found: 2, supported: 1 } if file == name),
        "{error}"
    );
    assert_eq!(error.code(), "log-format-newer");
    assert_eq!(
        error.to_string(),
        format!("file \"{name}\" has log format version 2; this program reads up to version 1")
    );
    assert_eq!(disk.operations(), operations, "nothing was written");
}

#[test]
fn a_segment_of_a_newer_format_is_refused() {
    let disk = closed_log();
    disk.edit("00000000000000000001.segment", |bytes| set_version(&mut bytes[..64], 2));
    check_refused(&disk, "00000000000000000001.segment");
}

#[test]
fn a_clean_mark_of_a_newer_format_is_refused() {
    let disk = closed_log();
    disk.edit("clean", |bytes| set_version(bytes, 2));
    check_refused(&disk, "clean");
}

#[test]
fn a_changed_version_whose_checksum_does_not_match_is_damage_and_no_newer_format() {
    let disk = closed_log();
    disk.edit("00000000000000000001.segment", |bytes| bytes[8] = 2);
    let error = open(&disk).err().expect("damage is refused");
    assert!(matches!(error, LogError::Corrupt { .. }), "{error}");
}
