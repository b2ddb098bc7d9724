//! Why a plugin's state could not be read.

use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why a plugin's state could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// No plugin has, or had, the name.
    #[error("there is no plugin \"{plugin}\", and no state of one")]
    NoSuchPlugin {
        /// The name asked for.
        plugin: String,
    },
    /// What is shown is not durable, and never will be.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables could not be read.
    #[error("the state of plugin \"{plugin}\" could not be read: {reason}")]
    Failed {
        /// Whose state.
        plugin: String,
        /// What went wrong.
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
