//! Why settings are refused.

use std::{net::SocketAddr, path::PathBuf};

use thiserror::Error;

use super::given::Place;
use crate::ErrorCode;

/// Why settings are refused: what was found where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A settings or token file could not be read.
    #[error("\"{}\" could not be read: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A settings file is not TOML.
    #[error("\"{}\", line {line}: {reason}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A setting does not exist.
    #[error("setting \"{key}\" does not exist ({place})")]
    UnknownKey {
        /// The key as given.
        key: String,
        /// The existing key that is most like it.
        nearest: Option<&'static str>,
        /// Where it was given.
        place: Place,
    },
    /// A setting has a value that it may not have.
    #[error("setting \"{key}\": {problem}{}", place.as_ref().map_or_else(String::new, |place| format!(" ({place})")))]
    Value {
        /// Which setting.
        key: String,
        /// What is wrong with the value.
        problem: String,
        /// Where it was given, if it was a single place.
        place: Option<Place>,
    },
    /// Others than this machine could reach the runtime, and there is no token.
    #[error("{listen} can be reached from other machines, but there is no token")]
    TokenRequired {
        /// Where the runtime would listen.
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

    /// What to do, as a sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("Did you mean \"{nearest}\"?"),
            _ => self.code().hint().to_owned(),
        }
    }
}
