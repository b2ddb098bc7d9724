//! The errors of showing a command.

use camshaft_event::Offset;
use camshaft_tables::TablesError;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why [`Runtime::command`](crate::Runtime::command) failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// No command has this offset, or it was decided longer ago than the retention.
    #[error("there is no command at offset {offset}")]
    NotFound {
        /// The requested offset.
        offset: Offset,
    },
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The log or the tables could not be read.
    #[error("the command could not be read: {reason}")]
    Failed {
        /// The reason.
        reason: String,
    },
}

impl CommandError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound { .. } => ErrorCode::CommandNotFound,
            Self::Unavailable(unavailable) => unavailable.code(),
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}

impl From<TablesError> for CommandError {
    fn from(error: TablesError) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}
