//! The plugin host: wasmtime lives only here.
//!
//! The composition loads plugins through [`Host`], keeps their [`Instance`]s and calls them with one event at
//! a time; the command line checks plugins with the same loader. The host knows neither what an offset means
//! nor retries, tables or the engine: an attempt's world is the
//! [`AttemptContext`](camshaft_event::AttemptContext) that the caller lends it. It owns no thread and reads
//! no clock.

mod artifact;
mod cache;
mod compile;
mod contract;
pub mod directory;
mod egress;
mod engine;
mod host;
mod imports;
mod instance;
mod linker;
pub mod manifest;
mod options;
mod panic;
mod plugin;
mod refusal;
mod report;
mod source;
mod ticks;
mod wasi;
mod world;

pub use artifact::Form;
pub use camshaft_event::RefusalCode;
pub use compile::{CompileOrder, Halt, Haste, LOADING_NICENESS, Loading, SLICE, compile_from_stdin};
#[cfg(feature = "test-outbox")]
pub use egress::{Outbox, Sent};
pub use egress::{Responder, WaysOut};
pub use engine::STACK_BYTES;
pub use host::{Host, TICK_MS};
pub use instance::Instance;
pub use manifest::{CommandDeclaration, HttpRule, Manifest, OperatorFile, Origin, SecretSource};
pub use options::{CompilerProgram, HostOptions};
pub use plugin::{InstantiateError, Plugin, Prepared};
pub use refusal::Refusal;
pub use report::Report;
pub use source::{Content, Source};
pub use world::World;
