//! The errors of subscribing a closure.

use camshaft_event::{InvalidScope, PatternError};
use thiserror::Error;

use crate::Unavailable;

/// Why a closure was not subscribed.
#[derive(Debug, Error)]
pub enum SubscribeError {
    /// The name is too long, or has characters other than lower-case letters, digits and hyphens.
    #[error(
        "\"{name}\" is not a valid consumer name: use at most 63 lower-case letters, digits and hyphens, and \
         begin with a letter"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A type pattern is malformed.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The type of a command is a pattern.
    #[error("\"{command_type}\" is not a command type: use an exact type without `*`")]
    CommandPattern {
        /// The pattern.
        command_type: String,
    },
    /// The type of a command or a fact is reserved for the runtime.
    #[error("\"{event_type}\" cannot be the type of a command or a fact: it is reserved for the runtime")]
    ReservedType {
        /// The type.
        event_type: String,
    },
    /// The subscription declares facts or scopes, and owns no commands.
    #[error("consumer \"{name}\" owns no commands, so it records no facts and has no scopes")]
    FactsOfHandler {
        /// The name.
        name: String,
    },
    /// The type of a fact is a pattern.
    #[error("\"{fact_type}\" is not a fact type: use an exact type without `*`")]
    FactPattern {
        /// The pattern.
        fact_type: String,
    },
    /// A scope is declared for a type that is not among the commands.
    #[error("the scope of \"{command_type}\" is declared, but consumer \"{name}\" does not own this command")]
    ScopeOfOther {
        /// The name.
        name: String,
        /// The type.
        command_type: String,
    },
    /// The kind of a declared scope is not valid.
    #[error(transparent)]
    ScopeKind(#[from] InvalidScope),
    /// The closure is a sink, and sinks decide no commands.
    #[error("consumer \"{name}\" is a sink, so it cannot decide commands")]
    CommandsOfSink {
        /// The name.
        name: String,
    },
    /// The subscription has a filter. A command that it excludes would never be decided.
    #[error("consumer \"{name}\" decides commands, so its subscription cannot have a filter")]
    FilteredCommands {
        /// The name.
        name: String,
    },
    /// A plugin or closure of this name already runs.
    #[error("consumer \"{name}\" is already attached")]
    Attached {
        /// The name.
        name: String,
    },
    /// The runtime is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables could not be read or changed.
    #[error("consumer \"{name}\" could not be attached: {reason}")]
    Failed {
        /// The name.
        name: String,
        /// The reason.
        reason: String,
    },
}
