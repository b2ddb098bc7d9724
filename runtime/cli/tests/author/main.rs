//! What a plugin's author does on their own machine: test, check, debug, develop. The plugins are real ones.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod backtraces;
mod checking;
mod debugging;
mod developing;
#[path = "../cli/process.rs"]
#[expect(dead_code, reason = "shared with the other tests of the command line")]
mod process;
mod testing;

use std::{fs, path::Path};

use process::{Said, camshaft};

/// Puts a guest under test into `folder`, as the file of its name.
fn guest(folder: &Path, name: &str) {
    fs::copy(camshaft_test_guests::component(name), folder.join(format!("{name}.wasm"))).unwrap();
}

#[track_caller]
fn said(folder: &Path, line: &str) -> Said {
    Said::of(camshaft(folder).args(line.split_whitespace()))
}
