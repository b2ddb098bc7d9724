//! Why another version of a plugin does not run, is not pinned, or cannot be shown.

use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

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
    /// The runtime cannot do it now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables or the log refused.
    #[error("the versions of plugin \"{name}\" could not be changed: {reason}")]
    Failed {
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
