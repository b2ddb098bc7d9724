//! Why the runtime did not start.

use std::path::PathBuf;

use thiserror::Error;

use crate::{ConfigError, ErrorCode};

/// Why [`Runtime::open`](crate::Runtime::open) gave no runtime.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The settings contradict themselves.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// Another process holds the data directory.
    #[error("data directory \"{}\" is in use by another process", data.display())]
    InUse {
        /// The directory.
        data: PathBuf,
    },
    /// The data directory could not be made, read or written.
    #[error("data directory \"{}\" cannot be used: {reason}", data.display())]
    Unusable {
        /// The directory.
        data: PathBuf,
        /// What went wrong, with the file.
        reason: String,
    },
    /// A newer Camshaft wrote the data directory.
    #[error("data directory \"{}\" has format {found}, but this program reads up to {supported}", data.display())]
    NewerFormat {
        /// The directory.
        data: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format that this program reads.
        supported: u32,
    },
    /// What was durable is damaged.
    #[error("data directory \"{}\" is damaged: {reason}", data.display())]
    Corrupt {
        /// The directory.
        data: PathBuf,
        /// File, place and finding.
        reason: String,
    },
    /// The mark of the last clean shutdown is damaged, and the log's end is unclear without it.
    #[error("data directory \"{}\" has a damaged mark: {reason}", data.display())]
    DamagedMark {
        /// The directory.
        data: PathBuf,
        /// The file, what is wrong with it, and what cannot be decided.
        reason: String,
    },
    /// The plugins directory could not be made or read.
    #[error("plugins directory \"{}\" cannot be used: {reason}", plugins.display())]
    Plugins {
        /// The directory.
        plugins: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// A sync failed while starting.
    #[error("the log is poisoned: {reason}")]
    Poisoned {
        /// What went wrong.
        reason: String,
    },
    /// Anything else.
    #[error("the runtime could not start: {reason}")]
    Internal {
        /// What went wrong.
        reason: String,
    },
}

impl OpenError {
    /// The code of the catalogue, which also decides how the process ends.
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
