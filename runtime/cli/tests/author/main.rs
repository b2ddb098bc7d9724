//! The local commands for plugin authors: `build`, `test`, `check`, `debug` and `dev`, with real plugins.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod backtraces;
mod building;
mod checking;
mod debugging;
mod developing;
#[path = "../cli/process.rs"]
#[expect(dead_code, reason = "shared with the other tests of the command line")]
mod process;
mod testing;

use std::{fs, path::Path};

use process::{Said, camshaft};

/// Copies a guest under test into `folder`, under its name.
fn guest(folder: &Path, name: &str) {
    fs::copy(camshaft_test_guests::component(name), folder.join(format!("{name}.wasm"))).unwrap();
}

#[track_caller]
fn said(folder: &Path, line: &str) -> Said {
    Said::of(camshaft(folder).args(line.split_whitespace()))
}
