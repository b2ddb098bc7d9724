//! Why events were not published. Of a batch, nothing was.

use std::time::Duration;

use camshaft_event::{Limit, Offset, cloudevents::InvalidEvent};
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why [`Runtime::publish`](crate::Runtime::publish) published nothing. An `index` counts the batch's events
/// from 0; for a single event it is 0.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// An event breaks a rule of CloudEvents.
    #[error("{reason}")]
    Invalid {
        /// Which event.
        index: usize,
        /// What is wrong with it.
        reason: InvalidEvent,
    },
    /// An event uses a type or source that belongs to the runtime.
    #[error("{what} is reserved for the runtime")]
    Reserved {
        /// Which event.
        index: usize,
        /// What is reserved, such as `the type "camshaft.x"`.
        what: String,
    },
    /// The source and id are known with other content.
    #[error("the event at offset {offset} has the same source and id, but other content")]
    Conflict {
        /// Which event.
        index: usize,
        /// Where the first one stands.
        offset: Offset,
    },
    /// Two events of the batch have the same source and id, but different content.
    #[error("events {first} and {index} of the batch have the same source and id, but different content")]
    ConflictWithin {
        /// The later one.
        index: usize,
        /// The earlier one.
        first: usize,
    },
    /// An event is larger than `max_event_bytes`.
    #[error("an event is larger than {limit} bytes ({})", Limit::Event.raised_by())]
    EventTooLarge {
        /// Which event.
        index: usize,
        /// `max_event_bytes`.
        limit: u64,
    },
    /// The batch makes a transaction larger than `max_transaction_bytes`.
    #[error("the batch makes a transaction of more than {limit} bytes ({})", Limit::Transaction.raised_by())]
    TransactionTooLarge {
        /// `max_transaction_bytes`.
        limit: u64,
    },
    /// More publishers wait than the runtime admits.
    #[error("too many publishers are waiting")]
    TooMany,
    /// The runtime takes no events now.
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

    /// Which event of the batch is at fault, if it is one.
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

    /// When to try again, if that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany => Some(Duration::from_secs(1)),
            Self::Unavailable(unavailable) => unavailable.retry_after(),
            _ => None,
        }
    }
}
