//! What a consumer needs and cannot read.

use std::fmt;

use camshaft_event::Offset;
use camshaft_tables::{ConsumerDamage, TablePart};

/// A damaged part of the log or the tables that one consumer needs. It pauses that consumer and no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Which part.
    pub part: DamagedPart,
    /// What was found, with file and place.
    pub reason: String,
    /// Whether it was found at the start: then what memory knows of the consumer is incomplete, and only
    /// skipping or resetting mends that.
    pub(crate) at_start: bool,
}

/// Which part is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DamagedPart {
    /// Events of the log.
    Events {
        /// The first one that cannot be read.
        from: Offset,
        /// The first one behind them that can be.
        until: Offset,
    },
    /// Entries of the tables.
    Entries(TablePart),
}

impl fmt::Display for DamagedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events { from, until } => write!(f, "the events from offset {from} to {until} (exclusive)"),
            Self::Entries(part) => part.fmt(f),
        }
    }
}

impl Damage {
    /// Events of the log that cannot be read.
    pub(crate) fn of_events(from: Offset, until: Offset, reason: String) -> Self {
        Self { part: DamagedPart::Events { from, until }, reason, at_start: false }
    }

    /// Entries that could not be read while the consumer ran.
    pub(crate) fn of_entries(damage: ConsumerDamage) -> Self {
        Self { part: DamagedPart::Entries(damage.part), reason: damage.reason, at_start: false }
    }

    /// Whether it is events of the log.
    pub(crate) fn is_of_events(&self) -> bool {
        matches!(self.part, DamagedPart::Events { .. })
    }

    /// Whether the consumer can go on without the part.
    #[must_use]
    pub fn can_be_skipped(&self) -> bool {
        match &self.part {
            DamagedPart::Events { .. } => true,
            DamagedPart::Entries(part) => {
                matches!(part, TablePart::Held(_) | TablePart::DeadLetter(_) | TablePart::Timer(_))
            }
        }
    }
}
