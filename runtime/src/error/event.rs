//! The errors of showing an event and its deliveries.

use camshaft_event::Offset;
use camshaft_log::LogError;
use camshaft_tables::TablesError;
use thiserror::Error;

use super::{ReadError, Unavailable};
use crate::ErrorCode;

/// Why [`Runtime::event`](crate::Runtime::event) failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EventError {
    /// No event has the offset yet.
    #[error("there is no event at offset {offset}: the log ends before offset {tail}")]
    NoSuchOffset {
        /// The requested offset.
        offset: Offset,
        /// The offset that the next event will have.
        tail: Offset,
    },
    /// No event has this source and id.
    #[error(
        "there is no event \"{id}\" of source \"{source_name}\", or the log no longer finds it by its id"
    )]
    NoSuchEvent {
        /// The requested source.
        source_name: String,
        /// The requested id.
        id: String,
    },
    /// The event cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The log or the tables could not be read.
    #[error("the deliveries of the event could not be read: {reason}")]
    Failed {
        /// The reason.
        reason: String,
    },
}

impl EventError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchOffset { .. } | Self::NoSuchEvent { .. } => ErrorCode::EventNotFound,
            Self::Read(error) => error.code(),
            Self::Unavailable(unavailable) => unavailable.code(),
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}

impl From<TablesError> for EventError {
    fn from(error: TablesError) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}

impl From<LogError> for EventError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Trimmed { first, .. } => ReadError::Trimmed { first: Offset(first) }.into(),
            other => Self::Failed { reason: format!("{other}. {}", other.hint()) },
        }
    }
}
