//! Plugins in each language, from `camshaft new` to a handled event, with the tools of this machine.
//!
//! Node.js with npm and Python with pip must be installed. They install their packages into the target
//! folder; the first run needs their registries.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod isolation;
mod meters;
mod new;
mod printing;
#[path = "../cli/process.rs"]
#[expect(dead_code, reason = "shared with the other tests of the command line")]
mod process;
#[path = "../cli/receiver.rs"]
mod receiver;
mod refused;
mod sdks;
mod sinks;
mod wasip2;
mod work;

use std::path::{Path, PathBuf};
use std::process::Command;

use process::{Said, camshaft};

/// The target folder of this build, so that tools are installed once for all tests.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The program in `folder`.
fn said(folder: &Path, line: &str) -> Said {
    Said::of(camshaft(folder).args(line.split_whitespace()).env("CARGO_TARGET_DIR", target()))
}

/// Runs another program in `folder`, which must succeed. Returns its output.
fn does(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let target = target().join("tmp/native");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap_or_else(|error| panic!("this test needs `{program}`: {error}"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{program} {}` failed:\n{said}", arguments.join(" "));
    said.into_owned()
}
