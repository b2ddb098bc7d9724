//! Why a consumer could not be changed.

use std::time::Duration;

use thiserror::Error;

use super::NotNow;
use crate::ErrorCode;
use crate::compose::Never;

/// Why an act on a consumer did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConsumerError {
    /// No consumer has the name.
    #[error("there is no consumer \"{name}\"")]
    NotFound {
        /// The name asked for.
        name: String,
    },
    /// A plugin or closure of this name is loaded.
    #[error("consumer \"{name}\" is attached")]
    Attached {
        /// Its name.
        name: String,
    },
    /// Nothing that it needs is damaged.
    #[error("consumer \"{name}\" is not damaged, so there is nothing to skip")]
    NotDamaged {
        /// Its name.
        name: String,
    },
    /// None of its damage is among the events of the log, so there is no offset to go on from.
    #[error("no event that consumer \"{name}\" needs is damaged, so it cannot go on from another offset")]
    NoDamagedEvents {
        /// Its name.
        name: String,
    },
    /// It cannot go on without the damaged part.
    #[error("consumer \"{name}\" cannot go on without {part}")]
    NotSkippable {
        /// Its name.
        name: String,
        /// The damaged part.
        part: String,
    },
    /// A bound is reached; it heals by itself.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// The runtime takes no more changes.
    #[error("the runtime is shutting down")]
    ShuttingDown,
    /// A sync failed earlier.
    #[error("the log is poisoned: a sync failed")]
    Poisoned,
    /// The tables or the log refused.
    #[error("consumer \"{name}\" could not be changed: {reason}")]
    Unavailable {
        /// Its name.
        name: String,
        /// What went wrong.
        reason: String,
    },
}

impl ConsumerError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound { .. } => ErrorCode::ConsumerNotFound,
            Self::Attached { .. } => ErrorCode::ConsumerAttached,
            Self::NotDamaged { .. } => ErrorCode::ConsumerNotDamaged,
            Self::NotSkippable { .. } => ErrorCode::DamageNotSkippable,
            Self::NoDamagedEvents { .. } => ErrorCode::NoDamagedEvents,
            Self::NotNow(bound) => bound.code(),
            Self::ShuttingDown => ErrorCode::ShuttingDown,
            Self::Poisoned => ErrorCode::LogPoisoned,
            Self::Unavailable { .. } => ErrorCode::Internal,
        }
    }

    /// When to try again, if that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotNow(bound) => Some(bound.retry_after()),
            Self::ShuttingDown => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl From<Never> for ConsumerError {
    fn from(never: Never) -> Self {
        match never {
            Never::Poisoned => Self::Poisoned,
            Never::Closed => Self::ShuttingDown,
        }
    }
}
