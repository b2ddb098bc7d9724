//! Why the runtime cannot serve an operation now. Each operation's error holds it in one variant, so a caller decides in
//! one place for all operations whether to try again.

use std::time::Duration;

use camshaft_engine::Unready;
use thiserror::Error;

use crate::ErrorCode;
use crate::compose::DurabilityLost;

/// How long to wait before trying again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why the runtime cannot serve an operation now. It depends on the runtime alone, not on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// Too much is not yet durable, or waits in memory for a snapshot. It heals by itself.
    #[error("the log is behind with syncing")]
    Busy,
    /// The disk is full. It heals once there is room.
    #[error("no space is left for the log")]
    NoSpace,
    /// The runtime takes no more changes. Another process may serve soon.
    #[error("the runtime is shutting down")]
    ShuttingDown,
    /// A sync failed earlier. It does not heal: the runtime must be started again.
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

    /// How long to wait before trying again; none if that does not help.
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
