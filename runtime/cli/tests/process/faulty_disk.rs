//! A disk that fails on demand, on any machine: what the runtime asks the C library for is answered by `preload.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

/// What the disk does.
#[derive(Clone, Copy)]
pub enum Fault {
    /// It has no room for another file.
    Full,
    /// It fails every sync.
    SyncFails,
    /// It lets no sync come to its end.
    SyncWaits,
}

pub struct FaultyDisk {
    faults: TempDir,
}

impl FaultyDisk {
    pub fn new() -> Self {
        Self { faults: tempfile::tempdir().unwrap() }
    }

    /// Puts the disk under `command`.
    pub fn under(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", &*LIBRARY).env("FAULTY_DISK", self.faults.path());
        command
    }

    /// Has the disk do it from now on.
    pub fn set(&self, fault: Fault) {
        fs::write(self.path(fault), "").unwrap();
    }

    /// The disk is well again.
    pub fn clear(&self, fault: Fault) {
        fs::remove_file(self.path(fault)).unwrap();
    }

    fn path(&self, fault: Fault) -> PathBuf {
        self.faults.path().join(match fault {
            Fault::Full => "full",
            Fault::SyncFails => "sync-fails",
            Fault::SyncWaits => "sync-waits",
        })
    }
}

/// `preload.rs`, compiled once for all tests of the process.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/preload.rs");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faulty_disk.so");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiled = Command::new(compiler)
        .args(["--edition", "2024", "--crate-type", "cdylib", "-D", "warnings", "-o"])
        .args([&library, &source])
        .status()
        .unwrap();
    assert!(compiled.success());
    library
});
