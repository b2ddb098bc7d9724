//! Why settings are refused.

use std::{net::SocketAddr, path::PathBuf};

use thiserror::Error;

use super::given::Place;
use crate::ErrorCode;

/// Why settings are refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A settings or token file could not be read.
    #[error("\"{}\" could not be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A settings file is not TOML.
    #[error("\"{}\", line {line}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The reason.
        reason: String,
    },
    /// A setting does not exist.
    #[error("setting \"{key}\" does not exist ({place})")]
    UnknownKey {
        /// The key.
        key: String,
        /// The most similar existing key.
        nearest: Option<&'static str>,
        /// Where it is set.
        place: Place,
    },
    /// A setting has an invalid value.
    #[error("setting \"{key}\": {problem}{}", place.as_ref().map_or_else(String::new, |place| format!(" ({place})")))]
    Value {
        /// The setting.
        key: String,
        /// The reason.
        problem: String,
        /// Where it is set, if that is a single place.
        place: Option<Place>,
    },
    /// Other machines could reach the runtime, but no token is set.
    #[error("{listen} can be reached from other machines, but there is no token")]
    TokenRequired {
        /// The address of the HTTP interface.
        listen: SocketAddr,
    },
}

impl ConfigError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unreadable { .. } => ErrorCode::SettingsUnreadable,
            Self::UnknownKey { .. } => ErrorCode::UnknownSetting,
            Self::Syntax { .. } | Self::Value { .. } => ErrorCode::InvalidSetting,
            Self::TokenRequired { .. } => ErrorCode::TokenRequired,
        }
    }

    /// One sentence that states what to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("Did you mean \"{nearest}\"?"),
            _ => self.code().hint().to_owned(),
        }
    }
}
