//! The errors of operations on the versions of plugins.

use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why an operation on the versions of a plugin failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VersionError {
    /// No plugin has the name, or it has never run.
    #[error("there is no plugin \"{name}\"")]
    PluginNotFound {
        /// The requested name.
        name: String,
    },
    /// No kept version has a digest with this prefix.
    #[error("no kept version of plugin \"{name}\" has the digest prefix \"{prefix}\"")]
    NotKept {
        /// The plugin.
        name: String,
        /// The requested prefix.
        prefix: String,
    },
    /// Several kept versions have a digest with this prefix.
    #[error("the digest prefix \"{prefix}\" matches several versions of plugin \"{name}\"")]
    Ambiguous {
        /// The plugin.
        name: String,
        /// The requested prefix.
        prefix: String,
    },
    /// The plugin has no earlier version, or all earlier versions were rolled back themselves.
    #[error("plugin \"{name}\" has no earlier version to roll back to")]
    NothingBefore {
        /// The plugin.
        name: String,
    },
    /// No file of the plugin was refused.
    #[error("no file of plugin \"{name}\" was refused")]
    NotRefused {
        /// The plugin.
        name: String,
    },
    /// The plugin is pinned to another version.
    #[error("plugin \"{name}\" is pinned to {digest}")]
    Pinned {
        /// The plugin.
        name: String,
        /// The version to which it is pinned.
        digest: String,
    },
    /// The version is kept, but cannot run.
    #[error("plugin \"{name}\": {reason}")]
    Unusable {
        /// The plugin.
        name: String,
        /// The reason.
        reason: String,
    },
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables or the log failed.
    #[error("the versions of plugin \"{name}\" could not be changed: {reason}")]
    Failed {
        /// The plugin.
        name: String,
        /// The reason.
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
            Self::Unavailable(unavailable) => unavailable.code(),
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}

impl VersionError {
    /// What the engine says about a change of the versions of plugin `name`.
    pub(crate) fn of(name: &str, error: camshaft_engine::ConsumerError) -> Self {
        use camshaft_engine::ConsumerError as Engine;
        match error {
            Engine::NotFound { name } => Self::PluginNotFound { name },
            Engine::Unready(unready) => Unavailable::from(unready).into(),
            other => Self::Failed { name: name.to_owned(), reason: other.to_string() },
        }
    }
}
