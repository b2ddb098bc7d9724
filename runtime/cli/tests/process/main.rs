//! Promises of the real process under faults, and at a terminal. One promise per file.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bad_deploy;
mod busy;
mod clients;
mod compiling;
mod damage;
mod deploy;
mod embedding;
mod failed_sync;
mod faulty_disk;
mod full_disk;
mod held;
mod hostile;
mod http;
mod listings;
mod plugin_versions;
mod plugins_api;
#[path = "../cli/process.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod process;
mod publishing;
mod quarantine;
mod scarce;
mod signals;
mod small_disk;
mod tail;
mod terminal;
mod told;
mod trimmed;
mod waiting;
