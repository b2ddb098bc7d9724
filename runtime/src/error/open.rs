//! The errors of starting the runtime.

use std::path::PathBuf;

use thiserror::Error;

use crate::{ConfigError, ErrorCode};

/// Why [`Runtime::open`](crate::Runtime::open) failed.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The settings contradict themselves.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// Another process uses the data directory.
    #[error("data directory \"{}\" is in use by another process", data.display())]
    InUse {
        /// The directory.
        data: PathBuf,
    },
    /// The data directory could not be created, read or written.
    #[error("data directory \"{}\" cannot be used: {reason}", data.display())]
    Unusable {
        /// The directory.
        data: PathBuf,
        /// The reason, with the file.
        reason: String,
    },
    /// A newer version of Camshaft wrote the data directory.
    #[error("data directory \"{}\" has format {found}, but this program reads up to {supported}", data.display())]
    NewerFormat {
        /// The directory.
        data: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format that this program reads.
        supported: u32,
    },
    /// Durable data is damaged.
    #[error("data directory \"{}\" is damaged: {reason}", data.display())]
    Corrupt {
        /// The directory.
        data: PathBuf,
        /// The file, the position and the damage.
        reason: String,
    },
    /// The mark of the last clean shutdown is damaged, and the end of the log cannot be determined without
    /// it.
    #[error("data directory \"{}\" has a damaged mark: {reason}", data.display())]
    DamagedMark {
        /// The directory.
        data: PathBuf,
        /// The file, its damage, and what cannot be determined without it.
        reason: String,
    },
    /// The plugins directory could not be created or read.
    #[error("plugins directory \"{}\" cannot be used: {reason}", plugins.display())]
    Plugins {
        /// The directory.
        plugins: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A sync failed during the start.
    #[error("the log is poisoned: {reason}")]
    Poisoned {
        /// The reason.
        reason: String,
    },
    /// Another failure.
    #[error("the runtime could not start: {reason}")]
    Internal {
        /// The reason.
        reason: String,
    },
}

impl OpenError {
    /// The code in the catalogue. It also determines the exit code of the process.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Settings(error) => error.code(),
            Self::InUse { .. } => ErrorCode::DataInUse,
            Self::Unusable { .. } => ErrorCode::DataUnusable,
            Self::NewerFormat { .. } => ErrorCode::DataNewerFormat,
            Self::Corrupt { .. } => ErrorCode::DataCorrupt,
            Self::DamagedMark { .. } => ErrorCode::CleanMarkDamaged,
            Self::Plugins { .. } => ErrorCode::PluginsUnreadable,
            Self::Poisoned { .. } => ErrorCode::LogPoisoned,
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }
}
