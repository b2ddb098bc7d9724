//! Why dead letters could not be shown, redriven or discarded.

use std::time::Duration;

use camshaft_event::Offset;
use thiserror::Error;

use super::NotNow;
use crate::ErrorCode;
use crate::compose::Never;

/// Why an act on dead letters did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeadLetterError {
    /// No consumer has the name.
    #[error("there is no consumer \"{consumer}\"")]
    NoSuchConsumer {
        /// The name asked for.
        consumer: String,
    },
    /// The consumer has no dead letter at the offset.
    #[error("consumer \"{consumer}\" has no dead letter at offset {offset}")]
    NotFound {
        /// The consumer.
        consumer: String,
        /// The offset asked for.
        offset: Offset,
    },
    /// A cursor that no listing gave out.
    #[error("the cursor is not one that this runtime gave out")]
    Cursor,
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
    #[error("the dead letters could not be reached: {reason}")]
    Unavailable {
        /// What went wrong.
        reason: String,
    },
}

impl DeadLetterError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchConsumer { .. } => ErrorCode::ConsumerNotFound,
            Self::NotFound { .. } => ErrorCode::DeadLetterNotFound,
            Self::Cursor => ErrorCode::InvalidRequest,
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

impl From<Never> for DeadLetterError {
    fn from(never: Never) -> Self {
        match never {
            Never::Poisoned => Self::Poisoned,
            Never::Closed => Self::ShuttingDown,
        }
    }
}
