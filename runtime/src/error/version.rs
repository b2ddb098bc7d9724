//! Why another version of a plugin does not run, is not pinned, or cannot be shown.

use std::time::Duration;

use thiserror::Error;

use super::{ConsumerError, NotNow};
use crate::ErrorCode;
use crate::compose::Never;

/// Why an act on a plugin's versions did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VersionError {
    /// No plugin has the name, or none that ever ran.
    #[error("there is no plugin \"{name}\"")]
    PluginNotFound {
        /// The name asked for.
        name: String,
    },
    /// No kept version has a digest that begins so.
    #[error("plugin \"{name}\" has no kept version whose digest begins with \"{prefix}\"")]
    NotKept {
        /// The plugin.
        name: String,
        /// What was asked for.
        prefix: String,
    },
    /// Several do.
    #[error("plugin \"{name}\" has several versions whose digest begins with \"{prefix}\"")]
    Ambiguous {
        /// The plugin.
        name: String,
        /// What was asked for.
        prefix: String,
    },
    /// Nothing ran before, or nothing that was not taken back itself.
    #[error("plugin \"{name}\" has no earlier version to go back to")]
    NothingBefore {
        /// The plugin.
        name: String,
    },
    /// Nothing of the plugin was refused.
    #[error("no file of plugin \"{name}\" was refused")]
    NotRefused {
        /// The plugin.
        name: String,
    },
    /// A pin is in the way.
    #[error("plugin \"{name}\" is pinned to {digest}")]
    Pinned {
        /// The plugin.
        name: String,
        /// The version that it is pinned to.
        digest: String,
    },
    /// The version is kept and cannot run now.
    #[error("plugin \"{name}\": {reason}")]
    Unusable {
        /// The plugin.
        name: String,
        /// Why.
        reason: String,
    },
    /// A bound is reached; it heals by itself.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// The runtime takes no more changes.
    #[error("the runtime is shutting down")]
    ShuttingDown,
    /// A sync failed earlier.
    #[error("the log is poisoned: a sync failed")]
    Poisoned,
    /// The tables or the log refused.
    #[error("the versions of plugin \"{name}\" could not be changed: {reason}")]
    Unavailable {
        /// The plugin.
        name: String,
        /// What went wrong.
        reason: String,
    },
}

impl VersionError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::PluginNotFound { .. } => ErrorCode::PluginNotFound,
            Self::NotKept { .. } => ErrorCode::VersionNotKept,
            Self::Ambiguous { .. } => ErrorCode::VersionAmbiguous,
            Self::NothingBefore { .. } => ErrorCode::NoEarlierVersion,
            Self::NotRefused { .. } => ErrorCode::PluginNotRefused,
            Self::Pinned { .. } => ErrorCode::PluginPinned,
            Self::Unusable { .. } => ErrorCode::VersionUnusable,
            Self::NotNow(bound) => bound.code(),
            Self::ShuttingDown => ErrorCode::ShuttingDown,
            Self::Poisoned => ErrorCode::LogPoisoned,
            Self::Unavailable { .. } => ErrorCode::Internal,
        }
    }

    /// When to try again, if that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotNow(bound) => Some(bound.retry_after()),
            Self::ShuttingDown => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl From<Never> for VersionError {
    fn from(never: Never) -> Self {
        match never {
            Never::Poisoned => Self::Poisoned,
            Never::Closed => Self::ShuttingDown,
        }
    }
}

impl From<ConsumerError> for VersionError {
    fn from(error: ConsumerError) -> Self {
        match error {
            ConsumerError::NotFound { name } => Self::PluginNotFound { name },
            ConsumerError::NotNow(bound) => Self::NotNow(bound),
            ConsumerError::ShuttingDown => Self::ShuttingDown,
            ConsumerError::Poisoned => Self::Poisoned,
            ConsumerError::Attached { name } => {
                Self::Unavailable { name, reason: "it is attached".to_owned() }
            }
            ConsumerError::NotDamaged { ref name }
            | ConsumerError::NoDamagedEvents { ref name }
            | ConsumerError::NotSkippable { ref name, .. } => {
                Self::Unavailable { name: name.clone(), reason: error.to_string() }
            }
            ConsumerError::Unavailable { name, reason } => Self::Unavailable { name, reason },
        }
    }
}
