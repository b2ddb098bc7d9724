//! A second user of a directory is refused and told who holds it; the directory is free as soon as the log is
//! gone.

use std::fs::{self, File};
use std::path::Path;
use std::process::{self, Command};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use camshaft_log::testing::sample::append_until;
use camshaft_log::{FileLog, Log, LogError, Options, RealDisk};

fn open(directory: &Path) -> Result<FileLog, LogError> {
    let disk = RealDisk::open(directory)?;
    FileLog::open(Arc::new(disk), Options { segment_bytes: 4096, ..Options::default() }).map(|(log, _)| log)
}

#[test]
fn a_second_user_is_refused_and_told_which_process_holds_the_directory() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let log = open(directory.path()).expect("the directory is free");
    let error = open(directory.path()).err().expect("the directory is in use");
    let pid = process::id();
    assert!(matches!(error, LogError::InUse { pid: Some(holder), .. } if holder == pid), "{error}");
    let path = directory.path().display();
    assert_eq!(error.to_string(), format!("data directory \"{path}\" is in use by process {pid}"));
    assert_eq!(error.code(), "data-directory-in-use");
    drop(log);
    open(directory.path()).expect("the directory is free again");
}

#[test]
fn a_closed_or_dropped_log_frees_the_directory_though_readers_linger_and_these_say_it_is_closed() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let mut log = open(directory.path()).expect("the directory is free");
    append_until(&mut log, 5);
    let reader = log.reader();
    Box::new(log).close().expect("the log closes");
    let error = reader.read_from(1, 1000).expect_err("the log is closed");
    assert!(matches!(error, LogError::Closed), "{error}");
    let log = open(directory.path()).expect("the directory is free again");
    assert_eq!(log.reader().bounds().last_sequence, 5);
}

#[test]
fn a_lock_file_that_nobody_holds_is_no_obstacle() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    fs::write(directory.path().join("lock"), "4000000000").expect("the directory can be written");
    open(directory.path()).expect("the directory is free");
    let pid = fs::read_to_string(directory.path().join("lock")).expect("the lock can be read");
    assert_eq!(pid, process::id().to_string());
}

#[test]
fn a_lock_that_outlasts_its_process_is_waited_for() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let mut ended = Command::new("true").spawn().expect("a process can be started");
    ended.wait().expect("it ends");
    let path = directory.path().join("lock");
    fs::write(&path, format!("{:010}", ended.id())).expect("the directory can be written");
    // As a program holds it that the killed process was just starting.
    let held = File::open(&path).expect("the lock can be opened");
    held.lock().expect("the lock is free");
    let free = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        drop(held);
    });
    let _log = open(directory.path()).expect("the lock becomes free");
    free.join().expect("the lock was given up");
    let pid = fs::read_to_string(path).expect("the lock can be read");
    assert_eq!(pid, process::id().to_string());
}
