//! Logs that earlier versions wrote can be read and go on; and as long as the format is the same, the writer
//! writes the same bytes.
//!
//! `fixtures/format-1` was made by `write` below.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use camshaft_log::testing::sample::{append_until, check_samples};
use camshaft_log::{FileLog, Log, Options, RealDisk};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1")
}

fn open(directory: &Path) -> FileLog {
    let disk = RealDisk::open(directory).expect("the directory can be used");
    let options = Options { segment_bytes: 4096, identity: 0x0102_0304_0506_0708, ..Options::default() };
    FileLog::open(Arc::new(disk), options).expect("the log opens").0
}

/// Three segments, closed cleanly after the 40th record, with 15 more, of which 10 are synced.
fn write(directory: &Path) {
    let mut log = open(directory);
    append_until(&mut log, 40);
    Box::new(log).close().expect("the log closes");
    let mut log = open(directory);
    append_until(&mut log, 50);
    log.sync().expect("the sync succeeds");
    append_until(&mut log, 55);
}

/// Names and bytes of all files but the lock, which holds a process id.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .expect("the directory can be read")
        .map(|entry| entry.expect("the directory can be read").path())
        .filter(|path| !path.ends_with("lock"))
        .map(|path| {
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("the file can be read"))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_log_of_format_1_is_read_and_goes_on() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    for (name, bytes) in files(&fixture()) {
        fs::write(directory.path().join(name), bytes).expect("the directory can be written");
    }
    let mut log = open(directory.path());
    check_samples(&log, 1, 55);
    append_until(&mut log, 100);
    log.sync().expect("the sync succeeds");
    drop(log);
    check_samples(&open(directory.path()), 1, 100);
}

#[test]
fn the_writer_still_writes_format_1_byte_for_byte() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    write(directory.path());
    let (written, expected) = (files(directory.path()), files(&fixture()));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&written), names(&expected));
    for ((name, bytes), (_, expected)) in written.iter().zip(&expected) {
        let difference = bytes.iter().zip(expected).position(|(byte, expected)| byte != expected);
        assert!(bytes == expected, "file \"{name}\" differs from byte {difference:?} on");
    }
}
