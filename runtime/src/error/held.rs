//! Why held events could not be shown, made due or set aside.

use camshaft_event::Offset;
use camshaft_tables::TablesError;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why an act on held events did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeldError {
    /// No consumer has the name.
    #[error("there is no consumer \"{consumer}\"")]
    NoSuchConsumer {
        /// The name asked for.
        consumer: String,
    },
    /// The consumer holds no event at the offset.
    #[error("consumer \"{consumer}\" holds no event at offset {offset}")]
    NotFound {
        /// The consumer.
        consumer: String,
        /// The offset asked for.
        offset: Offset,
    },
    /// An attempt is being made.
    #[error("{reason}")]
    Attempted {
        /// Which event, in a sentence.
        reason: String,
    },
    /// Its turn comes after something else.
    #[error("{reason}")]
    Waits {
        /// What it waits for, in a sentence.
        reason: String,
    },
    /// A cursor that no listing gave out.
    #[error("the cursor is not one that this runtime gave out")]
    Cursor,
    /// The runtime cannot do it now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables or the log refused.
    #[error("the held events could not be reached: {reason}")]
    Failed {
        /// What went wrong.
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
