//! The reasons for which the runtime cannot serve an operation. Each operation's error has one variant for
//! them, so a caller can decide in one place for all operations whether to retry.

use std::time::Duration;

use camshaft_engine::Unready;
use thiserror::Error;

use crate::ErrorCode;
use crate::compose::DurabilityLost;

/// The delay before a retry.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why the runtime cannot serve an operation. It depends only on the runtime, not on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// Too many changes wait for a sync, or in memory for a snapshot. A later retry succeeds.
    #[error("the log is behind with syncing")]
    Busy,
    /// The disk is full. A retry succeeds once there is space.
    #[error("no space is left for the log")]
    NoSpace,
    /// The runtime accepts no more changes. A restarted process may serve the request soon.
    #[error("the runtime is shutting down")]
    ShuttingDown,
    /// A sync failed earlier. Retries do not help: the runtime must be restarted.
    #[error("the log is poisoned: a sync failed")]
    Poisoned,
}

impl Unavailable {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Busy => ErrorCode::Busy,
            Self::NoSpace => ErrorCode::NoSpace,
            Self::ShuttingDown => ErrorCode::ShuttingDown,
            Self::Poisoned => ErrorCode::LogPoisoned,
        }
    }

    /// The delay before a retry; `None` if a retry does not help.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Busy | Self::NoSpace | Self::ShuttingDown => Some(RETRY_AFTER),
            Self::Poisoned => None,
        }
    }
}

impl From<Unready> for Unavailable {
    fn from(unready: Unready) -> Self {
        match unready {
            Unready::NoSpace => Self::NoSpace,
            Unready::Unsynced | Unready::Unflushed => Self::Busy,
        }
    }
}

impl From<DurabilityLost> for Unavailable {
    fn from(lost: DurabilityLost) -> Self {
        match lost {
            DurabilityLost::Poisoned => Self::Poisoned,
            DurabilityLost::Closed => Self::ShuttingDown,
        }
    }
}
