//! Why a consumer could not be changed.

use thiserror::Error;

use crate::ErrorCode;

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
            Self::ShuttingDown => ErrorCode::ShuttingDown,
            Self::Poisoned => ErrorCode::LogPoisoned,
            Self::Unavailable { .. } => ErrorCode::Internal,
        }
    }
}
