//! Why dead letters could not be shown, redriven or discarded.

use camshaft_event::Offset;
use thiserror::Error;

use crate::ErrorCode;

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
            Self::ShuttingDown => ErrorCode::ShuttingDown,
            Self::Poisoned => ErrorCode::LogPoisoned,
            Self::Unavailable { .. } => ErrorCode::Internal,
        }
    }
}
