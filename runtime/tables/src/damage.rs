//! Damage to what belongs to one consumer.
//!
//! The tables say whose entry cannot be read; the sequencer then pauses that consumer alone. Entries that
//! concern all (progress, consumers, activations, jobs) have no such owner, and their damage stops the
//! runtime.

use std::fmt;

use camshaft_event::{ConsumerId, Offset};

use crate::TablesError;
use crate::store::StoreError;

/// Entries of one consumer that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerDamage {
    /// Whose they are.
    pub consumer: ConsumerId,
    /// Which entries.
    pub part: TablePart,
    /// What was found, with the place.
    pub reason: String,
}

/// Which entries of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TablePart {
    /// One held event.
    Held(Offset),
    /// One dead letter.
    DeadLetter(Offset),
    /// One timer.
    Timer(String),
    /// Values of its state.
    State,
    /// Where it stands, what it ran, or some held events, dead letters or timers: nobody knows which are
    /// missing.
    Progress,
}

impl fmt::Display for TablePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(offset) => write!(f, "held event {offset}"),
            Self::DeadLetter(offset) => write!(f, "dead letter {offset}"),
            Self::Timer(name) => write!(f, "timer {name:?}"),
            Self::State => f.write_str("a state value"),
            Self::Progress => f.write_str("its entries in the tables"),
        }
    }
}

impl fmt::Display for ConsumerDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of consumer {} cannot be read: {}", self.part, self.consumer.0, self.reason)
    }
}

impl TablesError {
    /// An entry that memory knows of and the tables do not hold.
    #[must_use]
    pub fn missing(consumer: ConsumerId, part: TablePart) -> Self {
        let reason = "it is missing in the tables".to_owned();
        Self::OfConsumer(Box::new(ConsumerDamage { consumer, part, reason }))
    }

    /// The same error, said of entries of one consumer if it is damage. Errors that concern the whole store
    /// stay as they are.
    #[must_use]
    pub fn of_consumer(self, consumer: ConsumerId, part: TablePart) -> Self {
        match self {
            error @ (Self::Damaged { .. } | Self::Store(StoreError::Damaged { .. })) => {
                let reason = match error {
                    Self::Damaged { what } => format!("it is not a valid {what}"),
                    other => other.to_string(),
                };
                Self::OfConsumer(Box::new(ConsumerDamage { consumer, part, reason }))
            }
            other => other,
        }
    }
}
