//! The errors of reading events.

use camshaft_event::Offset;
use thiserror::Error;

use crate::ErrorCode;
use crate::view::{Cursor, LogId};

/// Why [`Runtime::read`](crate::Runtime::read) failed. It reads only durable events, so it never waits and is
/// never unavailable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The requested offset was trimmed.
    #[error("the events before offset {first} were trimmed")]
    Trimmed {
        /// The first retained offset.
        first: Offset,
    },
    /// The requested offset is beyond the tail: it never had an event, or this log has lost the event.
    #[error("offset {from} does not exist: the log ends before offset {tail}")]
    BeyondTail {
        /// The requested offset.
        from: Offset,
        /// The offset that the next event will have.
        tail: Offset,
    },
    /// The cursor belongs to another log, or its event is no longer in this log.
    #[error(
        "the cursor {cursor} belongs to another log, or to an event that this log has lost; the log ends \
         before offset {tail}"
    )]
    OtherLog {
        /// The cursor.
        cursor: Cursor,
        /// The offset that the next event will have.
        tail: Offset,
    },
    /// The caller has read another log.
    #[error("this is not the log {log}; this log ends before offset {tail}")]
    WrongLog {
        /// The requested log.
        log: LogId,
        /// The offset that the next event will have.
        tail: Offset,
    },
    /// The log could not be read.
    #[error("the log could not be read: {reason}")]
    Failed {
        /// The file, the position and the failure.
        reason: String,
    },
}

impl ReadError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Trimmed { .. } => ErrorCode::OffsetTrimmed,
            Self::BeyondTail { .. } => ErrorCode::OffsetBeyondTail,
            Self::OtherLog { .. } | Self::WrongLog { .. } => ErrorCode::CursorOfAnotherLog,
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}
