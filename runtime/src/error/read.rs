//! Why events could not be read.

use camshaft_event::Offset;
use thiserror::Error;

use crate::ErrorCode;
use crate::view::{Cursor, LogId};

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
    /// The place asked for lies behind the tail: no event was ever there, or this log has lost it.
    #[error("there is no offset {from} to read from: the log ends before offset {tail}")]
    BeyondTail {
        /// The place asked for.
        from: Offset,
        /// The offset that the next event will have.
        tail: Offset,
    },
    /// The cursor was made by another log, or its event is not in this log any more.
    #[error(
        "the cursor {cursor} is of another log, or of an event that this log has lost; the log ends before offset {tail}"
    )]
    OtherLog {
        /// The cursor.
        cursor: Cursor,
        /// The offset that the next event will have.
        tail: Offset,
    },
    /// The caller has read in another log.
    #[error("this is not the log {log}; it ends before offset {tail}")]
    WrongLog {
        /// The log that was asked for.
        log: LogId,
        /// The offset that the next event will have.
        tail: Offset,
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
            Self::BeyondTail { .. } => ErrorCode::OffsetBeyondTail,
            Self::OtherLog { .. } | Self::WrongLog { .. } => ErrorCode::CursorOfAnotherLog,
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}
