//! The runtime's ways to wake a thread, under a model checker that tries every order of steps.
//!
//! `bell.rs` and `durable.rs` are the runtime's own files, compiled here beside a [`sync`] of the model checker; the
//! alarm is the engine's. In the model no wait ever times out, so a lost wake-up is a deadlock, which the checker
//! finds. The tests run the models, also with the mistakes that the runtime must not make.

#[path = "../../src/compose/bell.rs"]
mod bell;
#[path = "../../src/compose/durable.rs"]
#[expect(dead_code, reason = "the runtime uses more of it than the models")]
mod durable;
mod publisher;
mod sync;
mod timekeeper;
mod waiter;

pub use publisher::{Marked, Said, publisher_finds_room};
pub use timekeeper::{Alarmed, Counted, timekeeper_wakes};
pub use waiter::{Ending, waiter_learns_of};
