//! Deterministic simulation: engine, tables and log as they are, over a disk, a store, a clock and handlers
//! that fail in every way there is. One seed is one run, to the byte.
//!
//! What the runtime's threads do are steps of a `process` here, taken in an order that chance
//! chooses; after each run a `model` that is far simpler than the system reads the log and says whether every
//! promise was kept. Nothing of this is in the running program.

mod accounts;
mod clock;
mod consumers;
mod delivery;
mod faults;
mod model;
mod process;
mod run;
mod sharing;
mod store;
mod trace;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use camshaft_sabotage::Sabotage;

pub use crate::faults::{Fault, Faults};
pub use crate::trace::Trace;

/// What one run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Which faults occurred, how often.
    pub faults: Faults,
    /// Events in the log at the end.
    pub events: u64,
    /// Transactions in the log at the end.
    pub transactions: u64,
    /// A checksum over the log, the tables and the trace.
    pub digest: u64,
}

/// Runs one seed to its end.
///
/// # Errors
/// The promise that was broken, in words.
pub fn simulate(seed: u64, sabotage: Option<Sabotage>, trace: Trace) -> Result<Summary, String> {
    camshaft_sabotage::set(sabotage);
    let outcome = catch_unwind(AssertUnwindSafe(|| run::Run::new(seed, trace).into_summary()));
    camshaft_sabotage::set(None);
    outcome.map_err(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
    })
}
