//! Composition: the only place where host meets engine, tables and log, and where threads live.
//!
//! One writer thread appends and syncs for all; workers run handlers, and tasks those of sinks; a reader
//! serves lagging consumers; a flusher writes snapshots and trims; a timekeeper fires what comes due; a
//! ticker counts deadlines. They share the sequencer behind its lock and wake each other by bells. Each file
//! here is one of them.

mod access;
mod bell;
pub(crate) mod budget;
mod clock;
mod code;
mod core;
mod decided;
mod durable;
mod flusher;
mod folds;
mod instances;
mod kept_time;
mod made;
mod marks;
mod next;
mod open;
mod pace;
mod phase;
pub(crate) mod priority;
mod reader;
mod rebuild;
mod sinks;
mod stop;
mod sweep;
mod sync;
mod ticker;
mod timekeeper;
mod told;
mod worker;
mod writer;

pub(crate) use access::Steps;
pub(crate) use bell::Bell;
pub(crate) use clock::MachineClock;
#[cfg(feature = "test-clock")]
pub use clock::WallClock;
pub(crate) use code::{AsyncClosure, Closure, Code, CodeNumber, Evolve};
pub(crate) use core::Core;
pub(crate) use durable::DurabilityLost;
pub(crate) use open::{KEPT, open, refuse_log, unusable};
pub(crate) use phase::{Phase, Thread};
pub(crate) use reader::READ_BYTES;

/// The store below the tables.
pub(crate) type EmbeddedStore = camshaft_tables::store::FjallStore;
