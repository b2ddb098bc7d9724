//! Why events could not be read.

use camshaft_event::Offset;
use thiserror::Error;

use crate::ErrorCode;

/// Why [`Runtime::read`](crate::Runtime::read) gave no events. It reads what is durable already, so it never waits and is
/// never unavailable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The place asked for was trimmed away.
    #[error("the events before offset {first} were trimmed")]
    Trimmed {
        /// The first retained offset.
        first: Offset,
    },
    /// The log could not be read.
    #[error("the log could not be read: {reason}")]
    Failed {
        /// File, place and finding.
        reason: String,
    },
}

impl ReadError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Trimmed { .. } => ErrorCode::OffsetTrimmed,
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}
