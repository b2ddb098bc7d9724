//! The errors of reading the scopes of an aggregate.

use camshaft_engine::FactsError;
use camshaft_event::{Offset, Scope};
use camshaft_log::LogError;
use camshaft_tables::TablesError;
use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why a scope or its facts could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScopeError {
    /// No plugin has the name.
    #[error("there is no plugin \"{plugin}\"")]
    NoSuchPlugin {
        /// The requested name.
        plugin: String,
    },
    /// The scope has no facts.
    #[error("plugin \"{plugin}\" has no facts about scope \"{scope}\"")]
    NotFound {
        /// The plugin.
        plugin: String,
        /// The scope.
        scope: Scope,
    },
    /// The scope does not have the requested version.
    #[error("scope \"{scope}\" has versions 1 to {last}, and not {version}")]
    NoSuchVersion {
        /// The scope.
        scope: Scope,
        /// The requested version.
        version: u64,
        /// Its version.
        last: u64,
    },
    /// The scope had no facts at the requested offset.
    #[error("scope \"{scope}\" has no facts up to offset {offset}; its first fact is at offset {first}")]
    Before {
        /// The scope.
        scope: Scope,
        /// The requested offset.
        offset: Offset,
        /// The offset of its first fact.
        first: Offset,
    },
    /// A fact is older than the log.
    #[error("the log no longer has all requested facts of scope \"{scope}\": it begins at offset {first}")]
    Trimmed {
        /// The scope.
        scope: Scope,
        /// The first retained offset.
        first: Offset,
    },
    /// A cursor that no page returned.
    #[error("the cursor is not valid")]
    Cursor,
    /// The fold cannot be made, because nothing runs that makes it or because that fails.
    #[error("plugin \"{plugin}\" cannot make the fold of scope \"{scope}\": {reason}")]
    NoFold {
        /// The plugin.
        plugin: String,
        /// The scope.
        scope: Scope,
        /// The reason.
        reason: String,
    },
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The log or the tables could not be read.
    #[error("the scopes could not be read: {reason}")]
    Failed {
        /// The reason.
        reason: String,
    },
}

impl ScopeError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchPlugin { .. } => ErrorCode::PluginNotFound,
            Self::NotFound { .. } | Self::NoSuchVersion { .. } | Self::Before { .. } => {
                ErrorCode::ScopeNotFound
            }
            Self::Trimmed { .. } => ErrorCode::OffsetTrimmed,
            Self::Cursor => ErrorCode::InvalidRequest,
            Self::NoFold { .. } => ErrorCode::FoldUnavailable,
            Self::Unavailable(unavailable) => unavailable.code(),
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }

    pub(crate) fn of_facts(scope: &Scope, error: &FactsError) -> Self {
        match error {
            FactsError::Log(LogError::Trimmed { first, .. }) => {
                Self::Trimmed { scope: scope.clone(), first: Offset(*first) }
            }
            other => Self::Failed { reason: other.to_string() },
        }
    }
}

impl From<TablesError> for ScopeError {
    fn from(error: TablesError) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}
