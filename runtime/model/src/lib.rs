//! The runtime's ways to wake a thread, under a model checker that tries every order of steps.
//!
//! `bell.rs` and `durable.rs` are the runtime's own files, compiled here beside a `sync` of the model
//! checker; the alarm is the engine's. In the model no wait ever times out, so a lost wake-up is a deadlock,
//! which the checker finds. The tests run the models, also with the mistakes that the runtime must not make.

// The unit tests in the shared files are the runtime's: a test build of this library holds nothing.
#[cfg(not(test))]
#[path = "../../src/compose/bell.rs"]
mod bell;
#[cfg(not(test))]
#[path = "../../src/compose/durable.rs"]
#[expect(dead_code, reason = "the runtime uses more of it than the models")]
mod durable;
#[cfg(not(test))]
mod publisher;
#[cfg(not(test))]
mod sync;
#[cfg(not(test))]
mod timekeeper;
#[cfg(not(test))]
mod waiter;

#[cfg(not(test))]
pub use publisher::{Marked, Said, publisher_finds_room};
#[cfg(not(test))]
pub use timekeeper::{Alarmed, Counted, timekeeper_wakes};
#[cfg(not(test))]
pub use waiter::{Ending, waiter_learns_of};
