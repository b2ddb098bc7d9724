//! Extism's turn, by the program in `runtime/bench/extism`: it brings a wasmtime of its own, so it is built
//! apart.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::scheduling::as_usual;

pub(super) const ABOUT: &str = "1.30 with wasmtime 43, the newest that Rust 1.95 builds; the event as MessagePack, which \
                                the plugin copies into its memory and ignores; no result";

/// Nanoseconds a call.
pub(super) fn measure(program: &Path, calls: u32) -> Result<f64> {
    let output = as_usual(program).arg(calls.to_string()).output()?;
    ensure!(output.status.success(), "Extism failed: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout)?;
    printed.trim().parse().with_context(|| format!("it printed {printed:?}"))
}
