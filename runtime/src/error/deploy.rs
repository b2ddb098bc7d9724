//! Why a plugin's file that came from elsewhere is not put into the plugins directory.

use std::path::PathBuf;

use camshaft_event::Limit;
use camshaft_host::Refusal;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why a file is not taken. Nothing in the plugins directory has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeployError {
    /// The settings do not allow it.
    #[error("this runtime takes no plugin files from other machines: {reason}")]
    Off {
        /// What is missing.
        reason: &'static str,
    },
    /// The name is none that the plugins directory would look at.
    #[error(
        "\"{name}\" is no name of a plugin's file: it has at most 128 letters, digits, dots, hyphens and underscores, begins \
         with a letter or digit, and ends in .wasm or .toml"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The file gives the plugin something that only an operator on the machine may give.
    #[error(
        "\"{file}\" has the key `{key}`, and grants, ways out and secrets are not taken from other machines"
    )]
    Gives {
        /// The file.
        file: String,
        /// Its key.
        key: &'static str,
    },
    /// The file that it would replace does.
    #[error(
        "the \"{file}\" that is there has the key `{key}`, and what gives grants, ways out or secrets is not replaced from \
         other machines"
    )]
    Replaces {
        /// The file.
        file: String,
        /// The key of the one that is there.
        key: &'static str,
    },
    /// It would take the place of one of which nothing is known.
    #[error(
        "the \"{file}\" that is there cannot be read as an operator's file, and what may give grants, ways out or secrets \
         is not replaced from other machines"
    )]
    ReplacesUnread {
        /// The file.
        file: String,
    },
    /// The file is no operator's file.
    #[error(transparent)]
    Invalid(#[from] Refusal),
    /// The file is larger than it may be.
    #[error("\"{file}\" is longer than {limit} bytes{}", if *.is_plugin { format!(" ({})", Limit::PluginFile.raised_by()) } else { String::new() })]
    TooLarge {
        /// The file.
        file: String,
        /// How long it may be, in bytes.
        limit: u64,
        /// Whether it is a `.wasm`, whose length a setting bounds.
        is_plugin: bool,
    },
    /// It could not be written.
    #[error("\"{}\" could not be written: {reason}", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// The runtime cannot do it now.
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

    /// What to do about it, as a sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Off { .. } => {
                "Set `allow_deploy = true` and a token, or copy the file on the runtime's own machine."
                    .to_owned()
            }
            Self::Name { .. } => "Name it like \"stock.wasm\".".to_owned(),
            Self::Gives { .. } => {
                "Send [policy], [limits] and [config]; write the rest on the runtime's own machine."
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
