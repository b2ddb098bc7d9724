//! A disk that fails on demand, on any machine: `preload.rs` intercepts the runtime's calls to the C library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

/// A fault of the disk.
#[derive(Clone, Copy)]
pub enum Fault {
    /// No new file can be created.
    Full,
    /// Every sync fails.
    SyncFails,
    /// No sync completes.
    SyncWaits,
}

pub struct FaultyDisk {
    faults: TempDir,
}

impl FaultyDisk {
    pub fn new() -> Self {
        Self { faults: tempfile::tempdir().unwrap() }
    }

    /// Makes `command` use the disk.
    pub fn under(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", &*LIBRARY).env("FAULTY_DISK", self.faults.path());
        command
    }

    /// Activates the fault.
    pub fn set(&self, fault: Fault) {
        fs::write(self.path(fault), "").unwrap();
    }

    /// Deactivates the fault.
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

/// `preload.rs`, compiled once per test process.
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
