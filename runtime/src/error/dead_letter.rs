//! The errors of listing, redriving and discarding dead letters.

use camshaft_event::Offset;
use camshaft_tables::TablesError;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why an operation on dead letters failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeadLetterError {
    /// No consumer has the name.
    #[error("there is no consumer \"{consumer}\"")]
    NoSuchConsumer {
        /// The requested name.
        consumer: String,
    },
    /// The consumer has no dead letter at the offset.
    #[error("consumer \"{consumer}\" has no dead letter at offset {offset}")]
    NotFound {
        /// The consumer.
        consumer: String,
        /// The requested offset.
        offset: Offset,
    },
    /// The cursor is not one that a listing returned.
    #[error("the cursor is not one that this runtime returned")]
    Cursor,
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables or the log failed.
    #[error("the dead letters could not be read or changed: {reason}")]
    Failed {
        /// The reason.
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
            Self::Unavailable(unavailable) => unavailable.code(),
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}

impl From<camshaft_engine::DeadLetterError> for DeadLetterError {
    fn from(error: camshaft_engine::DeadLetterError) -> Self {
        use camshaft_engine::DeadLetterError as Engine;
        match error {
            Engine::NotFound { consumer, offset } => Self::NotFound { consumer, offset },
            Engine::Unready(unready) => Unavailable::from(unready).into(),
            Engine::Tables(error) => error.into(),
        }
    }
}

impl From<TablesError> for DeadLetterError {
    fn from(error: TablesError) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}
