//! What the log adds up to: state, checkpoints, known ids, held events, dead letters, timers.
//!
//! A memory overlay of changes since the last flush lies over an embedded [`store`]. The sequencer applies
//! transactions to the overlay; a flusher writes a frozen overlay as one atomic batch together with its
//! sequence: that batch is the snapshot. There is no thread, no clock and no decision in here.

mod apply;
mod commands;
mod damage;
mod encoded;
mod facts;
mod flush;
mod identity;
mod keys;
mod overlay;
mod portion;
mod ranges;
mod read;
mod scan;
mod state_size;
pub mod store;
mod sweep;
mod tables;
mod verify;

pub use commands::{Decision, StoredCommand};
pub use damage::{ConsumerDamage, TablePart};
pub use encoded::{Encoded, Lies, StoredKey};
pub use flush::{ConsumerProgress, Frozen};
pub use identity::KnownIdentity;
pub use portion::{PortionBounds, StatePortion};
pub use ranges::StateRange;
pub use read::{StateSpace, TimerEntry, Versioned};
pub use sweep::{forget_before, sweep_state};
pub use tables::{Position, Progress, Tables, TablesError};
pub use verify::{EntryDamage, VerifiedEntries};
