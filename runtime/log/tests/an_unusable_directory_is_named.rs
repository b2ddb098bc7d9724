//! A directory that cannot be made or written has its own kind of error, which names it.

use std::fs;
use std::path::Path;

use camshaft_log::{LogError, RealDisk};

fn check_unusable(directory: &Path) {
    let error = RealDisk::open(directory).expect_err("the directory cannot be used");
    assert!(matches!(&error, LogError::Unusable { directory: named, .. } if named == directory), "{error}");
    assert!(error.to_string().contains(&directory.display().to_string()), "{error}");
    assert_eq!(error.code(), "data-directory-unusable");
}

#[test]
fn a_missing_directory_is_made_with_those_above_it() {
    let parent = tempfile::tempdir().expect("a temporary directory can be made");
    RealDisk::open(parent.path().join("a/b/c")).expect("the directory is made");
    assert!(parent.path().join("a/b/c/lock").is_file());
}

#[test]
fn a_file_in_place_of_the_directory_is_unusable() {
    let parent = tempfile::tempdir().expect("a temporary directory can be made");
    let file = parent.path().join("file");
    fs::write(&file, "no directory").expect("the directory can be written");
    check_unusable(&file);
    check_unusable(&file.join("below"));
}

#[test]
fn a_directory_that_cannot_be_written_is_unusable() {
    // Permissions do not stop every user that runs tests; a lock that is no file does.
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    fs::create_dir(directory.path().join("lock")).expect("the directory can be written");
    check_unusable(directory.path());
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_that_takes_no_files_is_unusable() {
    check_unusable(Path::new("/proc/camshaft"));
    check_unusable(Path::new("/proc/self"));
}
