//! Why the runtime cannot serve an operation now. Each operation's error holds it in one variant, so a caller that waits
//! and comes back, or gives up, decides in one place for all operations.

use std::time::Duration;

use camshaft_engine::Unready;
use thiserror::Error;

use crate::ErrorCode;
use crate::compose::DurabilityLost;

/// When to try again what heals by itself.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why the runtime cannot do now what it was asked for. It has nothing to do with the request: any other one of the
/// kind would have met it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// Too much is sequenced but not yet durable, or waits in memory for a snapshot. It heals by itself.
    #[error("the log is behind with syncing")]
    Busy,
    /// The disk is full. It heals once something is deleted.
    #[error("no space is left for the log")]
    NoSpace,
    /// The runtime takes no more changes, and what is not durable now may never be. Another process may serve soon.
    #[error("the runtime is shutting down")]
    ShuttingDown,
    /// A sync failed earlier. It does not heal: the process must be started anew.
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

    /// When to try again; none if that is of no use.
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
