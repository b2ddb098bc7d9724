//! The errors of reading a plugin's state.

use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why a plugin's state could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// No plugin has or had the name.
    #[error("there is no plugin \"{plugin}\", and no state of it")]
    NoSuchPlugin {
        /// The requested name.
        plugin: String,
    },
    /// The runtime ended before the data read was durable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables could not be read.
    #[error("the state of plugin \"{plugin}\" could not be read: {reason}")]
    Failed {
        /// The plugin.
        plugin: String,
        /// The reason.
        reason: String,
    },
}

impl StateError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchPlugin { .. } => ErrorCode::PluginNotFound,
            Self::Unavailable(unavailable) => unavailable.code(),
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}
