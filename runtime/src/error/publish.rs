//! The errors of publishing. If one event of a batch is refused, no event of the batch is published.

use std::time::Duration;

use camshaft_event::{Limit, Offset, cloudevents::InvalidEvent};
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why [`Runtime::publish`](crate::Runtime::publish) published nothing. `index` is the position of the event
/// in the batch, from 0. It is 0 for a single event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// An event breaks a rule of CloudEvents.
    #[error("{reason}")]
    Invalid {
        /// The event.
        index: usize,
        /// The reason.
        reason: InvalidEvent,
    },
    /// An event uses a reserved type, source or extension.
    #[error("{what} is reserved for the runtime")]
    Reserved {
        /// The event.
        index: usize,
        /// The reserved part, such as `type "camshaft.x"`.
        what: String,
    },
    /// An event with the same source and id, but different content, exists.
    #[error("the event at offset {offset} has the same source and id, but different content")]
    Conflict {
        /// The event.
        index: usize,
        /// The offset of the existing event.
        offset: Offset,
    },
    /// Two events of the batch have the same source and id, but different content.
    #[error("events {first} and {index} of the batch have the same source and id, but different content")]
    ConflictWithin {
        /// The later event.
        index: usize,
        /// The earlier event.
        first: usize,
    },
    /// An event is larger than `max_event_bytes`.
    #[error("an event is larger than {limit} bytes ({})", Limit::Event.raised_by())]
    EventTooLarge {
        /// The event.
        index: usize,
        /// `max_event_bytes`.
        limit: u64,
    },
    /// The transaction of the batch would be larger than `max_transaction_bytes`.
    #[error("the batch needs a transaction of more than {limit} bytes ({})", Limit::Transaction.raised_by())]
    TransactionTooLarge {
        /// `max_transaction_bytes`.
        limit: u64,
    },
    /// Too many publishers wait.
    #[error("too many publishers are waiting")]
    TooMany,
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl PublishError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => ErrorCode::InvalidEvent,
            Self::Reserved { .. } => ErrorCode::ReservedEvent,
            Self::Conflict { .. } | Self::ConflictWithin { .. } => ErrorCode::EventConflict,
            Self::EventTooLarge { .. } => ErrorCode::EventTooLarge,
            Self::TransactionTooLarge { .. } => ErrorCode::TransactionTooLarge,
            Self::TooMany => ErrorCode::TooManyRequests,
            Self::Unavailable(unavailable) => unavailable.code(),
        }
    }

    /// The position of the refused event in the batch, if the error concerns a single event.
    #[must_use]
    pub const fn index(&self) -> Option<usize> {
        match self {
            Self::Invalid { index, .. }
            | Self::Reserved { index, .. }
            | Self::Conflict { index, .. }
            | Self::ConflictWithin { index, .. }
            | Self::EventTooLarge { index, .. } => Some(*index),
            _ => None,
        }
    }

    /// The delay before a retry, if it is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany => Some(Duration::from_secs(1)),
            Self::Unavailable(unavailable) => unavailable.retry_after(),
            _ => None,
        }
    }
}
