//! The errors of loading a plugin from outside the watched directory.

use camshaft_host::Refusal;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why [`Runtime::load_plugin`](crate::Runtime::load_plugin) failed.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file breaks a rule.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl LoadError {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => refusal.code.into(),
            Self::Unavailable(unavailable) => unavailable.code(),
        }
    }
}
