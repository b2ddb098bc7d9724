//! Bounds that are reached for a while. Whoever comes back later finds that they have healed.

use std::time::Duration;

use camshaft_engine::Unready;
use thiserror::Error;

use crate::ErrorCode;

/// Why something cannot be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotNow {
    /// Too much is sequenced but not yet durable.
    #[error("the log is behind with syncing")]
    Busy,
    /// The disk is full.
    #[error("no space is left for the log")]
    NoSpace,
}

impl NotNow {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Busy => ErrorCode::Busy,
            Self::NoSpace => ErrorCode::NoSpace,
        }
    }

    /// When to try again.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        Duration::from_secs(1)
    }
}

impl From<Unready> for NotNow {
    fn from(unready: Unready) -> Self {
        match unready {
            Unready::NoSpace => Self::NoSpace,
            Unready::Unsynced | Unready::Unflushed => Self::Busy,
        }
    }
}
