//! The errors of changing a consumer.

use thiserror::Error;

use super::Unavailable;
use crate::ErrorCode;

/// Why an operation on a consumer failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConsumerError {
    /// No consumer has the name.
    #[error("there is no consumer \"{name}\"")]
    NotFound {
        /// The requested name.
        name: String,
    },
    /// A plugin or closure of this name is loaded.
    #[error("consumer \"{name}\" is attached")]
    Attached {
        /// Its name.
        name: String,
    },
    /// The consumer needs no damaged data.
    #[error("consumer \"{name}\" is not damaged, so there is nothing to skip")]
    NotDamaged {
        /// Its name.
        name: String,
    },
    /// None of its damage is in the events of the log, so there is no other offset at which it can resume.
    #[error("consumer \"{name}\" has no damaged events in the log, so it cannot resume from another offset")]
    NoDamagedEvents {
        /// Its name.
        name: String,
    },
    /// The consumer cannot continue without the damaged part.
    #[error("consumer \"{name}\" cannot continue without {part}")]
    NotSkippable {
        /// Its name.
        name: String,
        /// The damaged part.
        part: String,
    },
    /// The consumer has commands that are not decided. No other consumer could decide them.
    #[error("consumer \"{name}\" has commands \"{command_type}\" that are not decided")]
    Undecided {
        /// Its name.
        name: String,
        /// The type of these commands.
        command_type: String,
    },
    /// The consumer decides commands, so it cannot be reset.
    #[error("consumer \"{name}\" decides commands, so it cannot be reset")]
    NotResettable {
        /// Its name.
        name: String,
    },
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables or the log failed.
    #[error("consumer \"{name}\" could not be changed: {reason}")]
    Failed {
        /// Its name.
        name: String,
        /// The reason.
        reason: String,
    },
}

impl ConsumerError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound { .. } => ErrorCode::ConsumerNotFound,
            Self::Attached { .. } => ErrorCode::ConsumerAttached,
            Self::NotDamaged { .. } => ErrorCode::ConsumerNotDamaged,
            Self::NotSkippable { .. } => ErrorCode::DamageNotSkippable,
            Self::NoDamagedEvents { .. } => ErrorCode::NoDamagedEvents,
            Self::Undecided { .. } => ErrorCode::CommandsUndecided,
            Self::NotResettable { .. } => ErrorCode::ConsumerNotResettable,
            Self::Unavailable(unavailable) => unavailable.code(),
            Self::Failed { .. } => ErrorCode::Internal,
        }
    }
}

impl ConsumerError {
    /// What the engine says about a change of the consumer `name`.
    pub(crate) fn of(name: &str, error: camshaft_engine::ConsumerError) -> Self {
        use camshaft_engine::ConsumerError as Engine;
        match error {
            Engine::NotFound { name } => Self::NotFound { name },
            Engine::Attached { name } => Self::Attached { name },
            Engine::NotDamaged { name } => Self::NotDamaged { name },
            Engine::NoDamagedEvents { name } => Self::NoDamagedEvents { name },
            Engine::NotSkippable { name, part } => Self::NotSkippable { name, part },
            Engine::Unready(unready) => Unavailable::from(unready).into(),
            Engine::Undecided { name, command_type } => Self::Undecided { name, command_type },
            Engine::NotResettable { name } => Self::NotResettable { name },
            // Only attaching has these errors, and its callers report them themselves.
            error @ (Engine::RoleChanged { .. }
            | Engine::CommandOwned { .. }
            | Engine::Behind { .. }
            | Engine::FactOwned { .. }
            | Engine::UnknownFact { .. }) => {
                Self::Failed { name: name.to_owned(), reason: error.to_string() }
            }
            Engine::Tables(error) => Self::Failed { name: name.to_owned(), reason: error.to_string() },
        }
    }
}
