//! The errors of listing held events, making them due, or turning them into dead letters.

use camshaft_event::Offset;
use camshaft_tables::TablesError;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why an operation on held events failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeldError {
    /// No consumer has the name.
    #[error("there is no consumer \"{consumer}\"")]
    NoSuchConsumer {
        /// The requested name.
        consumer: String,
    },
    /// The consumer holds no event at the offset.
    #[error("consumer \"{consumer}\" holds no event at offset {offset}")]
    NotFound {
        /// The consumer.
        consumer: String,
        /// The requested offset.
        offset: Offset,
    },
    /// An attempt of the event is running.
    #[error("{reason}")]
    Attempted {
        /// A sentence that names the event.
        reason: String,
    },
    /// The event does not wait for a retry.
    #[error("{reason}")]
    Waits {
        /// A sentence that states what the event waits for.
        reason: String,
    },
    /// The cursor is not one that a listing returned.
    #[error("the cursor is not one that this runtime returned")]
    Cursor,
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables or the log failed.
    #[error("the held events could not be read or changed: {reason}")]
    Failed {
        /// The reason.
        reason: String,
    },
}

impl HeldError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchConsumer { .. } => ErrorCode::ConsumerNotFound,
            Self::NotFound { .. } => ErrorCode::HeldEventNotFound,
            Self::Attempted { .. } => ErrorCode::HeldEventAttempted,
            Self::Waits { .. } => ErrorCode::HeldEventWaits,
            Self::Cursor => ErrorCode::InvalidRequest,
            Self::Unavailable(unavailable) => unavailable.code(),
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}

impl From<camshaft_engine::HeldError> for HeldError {
    fn from(error: camshaft_engine::HeldError) -> Self {
        use camshaft_engine::HeldError as Engine;
        let reason = error.to_string();
        match error {
            Engine::NotFound { consumer, offset } => Self::NotFound { consumer, offset },
            Engine::Attempted { .. } => Self::Attempted { reason },
            Engine::Waits { .. } => Self::Waits { reason },
            Engine::Unready(unready) => Unavailable::from(unready).into(),
            Engine::Tables(error) => error.into(),
        }
    }
}

impl From<TablesError> for HeldError {
    fn from(error: TablesError) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}
