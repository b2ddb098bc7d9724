//! What the engine's refusals to attach a plugin say to its author or operator.

use camshaft_engine::ConsumerError;
use camshaft_host::{Refusal, RefusalCode};

/// The refusal of the plugin `name`, which the engine did not attach.
pub(super) fn unattached(name: &str, error: &ConsumerError) -> Refusal {
    let (code, hint) = match error {
        ConsumerError::CommandOwned { .. } | ConsumerError::FactOwned { .. } => {
            (RefusalCode::TypeOwned, "Rename the type, or remove the plugin that owns it.")
        }
        ConsumerError::RoleChanged { .. }
        | ConsumerError::Undecided { .. }
        | ConsumerError::Behind { .. }
        | ConsumerError::UnknownFact { .. } => {
            (RefusalCode::CannotReplace, "Use a version that declares the types that the message names.")
        }
        _ => return internal(name, error),
    };
    Refusal::new(code, error.to_string(), hint)
}

/// A failure of the runtime itself.
pub(super) fn internal(name: &str, error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(
        RefusalCode::Internal,
        format!("plugin \"{name}\" could not be attached: {error}"),
        "Check the runtime's log.",
    )
}
