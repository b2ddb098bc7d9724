//! The errors of publishing. If one event of a batch is refused, no event of the batch is published.

use std::time::Duration;

use camshaft_event::{InvalidExpiry, Limit, Offset, cloudevents::InvalidEvent};
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
    /// The type is a command type: send it with [`Runtime::send`](crate::Runtime::send).
    #[error("type \"{command_type}\" is a command of \"{owner}\", so it cannot be published as an event")]
    CommandType {
        /// The event.
        index: usize,
        /// The type.
        command_type: String,
        /// The consumer that decides the command.
        owner: String,
    },
    /// No consumer that is attached decides the command.
    #[error("no attached consumer owns command \"{command_type}\"{}", detached(owner.as_deref()))]
    NoOwner {
        /// The command.
        index: usize,
        /// The type.
        command_type: String,
        /// The consumer that decides it when it is attached again, if there is one.
        owner: Option<String>,
    },
    /// The time until which a command may be decided is none.
    #[error("{reason}")]
    Expiry {
        /// The command.
        index: usize,
        /// The reason.
        reason: InvalidExpiry,
    },
    /// The versions that a command expects are not valid.
    #[error("{reason}")]
    Expectation {
        /// The command.
        index: usize,
        /// The reason.
        reason: String,
    },
    /// The type is a fact type: only its aggregate records such events.
    #[error("facts of type \"{event_type}\" are recorded by \"{owner}\" only")]
    FactType {
        /// The event.
        index: usize,
        /// The type.
        event_type: String,
        /// The aggregate.
        owner: String,
    },
    /// The owner of the command records facts, and facts take all the room that they may.
    #[error("facts take {bytes} of {limit} bytes ({})", Limit::Kept.raised_by())]
    KeptFull {
        /// The command.
        index: usize,
        /// The size of all facts.
        bytes: u64,
        /// `max_kept_bytes`.
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
            Self::CommandType { .. } => ErrorCode::CommandType,
            Self::NoOwner { .. } => ErrorCode::NoOwner,
            Self::Expiry { .. } | Self::Expectation { .. } => ErrorCode::InvalidEvent,
            Self::FactType { .. } => ErrorCode::FactType,
            Self::KeptFull { .. } => ErrorCode::KeptFull,
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
            | Self::CommandType { index, .. }
            | Self::NoOwner { index, .. }
            | Self::Expiry { index, .. }
            | Self::Expectation { index, .. }
            | Self::FactType { index, .. }
            | Self::KeptFull { index, .. }
            | Self::EventTooLarge { index, .. } => Some(*index),
            _ => None,
        }
    }

    /// The delay before a retry, if it is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany | Self::NoOwner { .. } => Some(Duration::from_secs(1)),
            Self::Unavailable(unavailable) => unavailable.retry_after(),
            _ => None,
        }
    }
}

/// Names the consumer that owns a command type but is detached.
fn detached(owner: Option<&str>) -> String {
    owner.map(|owner| format!("; its owner \"{owner}\" is detached")).unwrap_or_default()
}
