//! The errors of uploading a file into the plugins directory.

use std::path::PathBuf;

use camshaft_event::Limit;
use camshaft_host::Refusal;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why an uploaded file is refused. The plugins directory is unchanged then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeployError {
    /// The settings do not allow uploads.
    #[error("this runtime accepts no plugin files from other machines: {reason}")]
    Off {
        /// The missing setting.
        reason: &'static str,
    },
    /// The name is not one of a plugin file.
    #[error(
        "\"{name}\" is not a valid name of a plugin file: use at most 128 letters, digits, dots, hyphens and \
         underscores, begin with a letter or digit, and end in .wasm or .toml"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The file has a key that only an operator on the machine may set.
    #[error(
        "\"{file}\" has the key `{key}`; `grants`, `http` and `secrets` are not accepted from other machines"
    )]
    Gives {
        /// The file.
        file: String,
        /// The key.
        key: &'static str,
    },
    /// The file that it would replace has such a key.
    #[error(
        "the existing \"{file}\" has the key `{key}`; a file with `grants`, `http` or `secrets` cannot be \
         replaced from other machines"
    )]
    Replaces {
        /// The file.
        file: String,
        /// The key of the existing file.
        key: &'static str,
    },
    /// It would replace a file that cannot be read as an operator's file.
    #[error(
        "the existing \"{file}\" is not a readable operator's file; a file that may have `grants`, `http` or \
         `secrets` cannot be replaced from other machines"
    )]
    ReplacesUnread {
        /// The file.
        file: String,
    },
    /// The file is not a valid operator's file.
    #[error(transparent)]
    Invalid(#[from] Refusal),
    /// The file is too large.
    #[error("\"{file}\" is longer than {limit} bytes{}", if *.is_plugin { format!(" ({})", Limit::PluginFile.raised_by()) } else { String::new() })]
    TooLarge {
        /// The file.
        file: String,
        /// The largest allowed size, in bytes.
        limit: u64,
        /// Whether it is a `.wasm` file, whose size a setting limits.
        is_plugin: bool,
    },
    /// The file could not be written.
    #[error("\"{}\" could not be written: {reason}", path.display())]
    Unwritable {
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        reason: String,
    },
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl DeployError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Off { .. } | Self::Gives { .. } | Self::Replaces { .. } | Self::ReplacesUnread { .. } => {
                ErrorCode::DeployNotAllowed
            }
            Self::Name { .. } => ErrorCode::InvalidRequest,
            Self::Invalid(_) => ErrorCode::InvalidManifest,
            Self::TooLarge { .. } => ErrorCode::PluginTooLarge,
            Self::Unwritable { .. } => ErrorCode::Io,
            Self::Unavailable(unavailable) => unavailable.code(),
        }
    }

    /// One sentence that states what to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Off { .. } => {
                "Set `allow_deploy = true` and a token, or copy the file on the runtime's own machine."
                    .to_owned()
            }
            Self::Name { .. } => "Name it like \"stock.wasm\".".to_owned(),
            Self::Gives { .. } => {
                "Send only [policy], [limits] and [config]; set the other keys on the runtime's own machine."
                    .to_owned()
            }
            Self::Replaces { .. } | Self::ReplacesUnread { .. } => {
                "Change that file on the runtime's own machine.".to_owned()
            }
            Self::Invalid(refusal) => refusal.hint.clone(),
            _ => self.code().hint().to_owned(),
        }
    }
}
