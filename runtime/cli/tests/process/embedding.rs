//! Runs a test a second time as a program that embeds the runtime, on a disk that fails on demand.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use camshaft::{Config, Runtime};
use tempfile::tempdir;

use super::faulty_disk::FaultyDisk;

/// The variable with the folder of the child process; it also marks a process as the child.
const FOLDER: &str = "CAMSHAFT_EMBEDDING_FOLDER";

/// Runs the test `child` as such a program, and fails if it fails.
pub fn run(child: &str) {
    let folder = tempdir().unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([child, "--exact", "--nocapture"]).env(FOLDER, folder.path());
    let output = FaultyDisk::new().under(command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("test result: ok. 1 passed"), "there is no test {child}: {told}");
}

/// In the child process: the runtime, and the folder in which a file activates a fault of the disk. None if
/// the test runs by itself; it then has nothing to do.
pub async fn open() -> Option<(Runtime, PathBuf)> {
    let folder = env::var_os(FOLDER)?;
    let folder = Path::new(&folder);
    let config = Config { data: folder.join("data"), plugins: folder.join("plugins"), ..Config::default() };
    let faults = PathBuf::from(env::var_os("FAULTY_DISK").unwrap());
    Some((Runtime::open(config).await.unwrap(), faults))
}
