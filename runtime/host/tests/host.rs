//! The host as the composition and the command line use it: real files in, answers and refusals out.
//!
//! Guests are small core modules in WebAssembly text, so that the tests need no other toolchain and each
//! shows exactly what the guest does.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall stop")]

#[path = "host/aggregates.rs"]
mod aggregates;
#[path = "host/bombs.rs"]
mod bombs;
#[path = "host/calling.rs"]
mod calling;
#[path = "host/directory.rs"]
mod directory;
#[path = "host/imports.rs"]
mod imports;
#[path = "host/loading.rs"]
mod loading;
#[path = "host/manifest.rs"]
mod manifest;
#[path = "host/manifest_commands.rs"]
mod manifest_commands;
#[path = "host/manifest_refusals.rs"]
mod manifest_refusals;
#[path = "host/manifest_rules.rs"]
mod manifest_rules;
#[path = "host/report.rs"]
mod report;
#[path = "host/support.rs"]
mod support;
#[path = "host/wasi.rs"]
mod wasi;
