//! Changes of commands, of every kind.

use camshaft_event::{
    CommandChange, CommandOutcome, EventHash, Refusal, Role, Scope, ScopeFacts, ScopeVersion,
};

use super::built::BuiltEvent;

/// A change of the command that was built; the number decides its kind.
pub fn command_change(built: &BuiltEvent, number: u32) -> CommandChange {
    let event = built.event();
    let scope = Scope::new("account", &format!("{number} ü")).unwrap();
    let outcome = match number % 5 {
        0 => None,
        1 => Some(CommandOutcome::Discarded),
        2 => Some(CommandOutcome::Accepted { reply: event.data.clone().into() }),
        3 => {
            let expected = ScopeVersion { scope: scope.clone(), version: number.into() };
            Some(CommandOutcome::Mismatch { expected, actual: u64::MAX })
        }
        _ => {
            let refusal = Refusal {
                code: event.id.clone(),
                message: event.source.clone(),
                data: event.data.clone().into(),
            };
            Some(CommandOutcome::Refused(refusal))
        }
    };
    let is_decided = outcome.is_some();
    let mut change = CommandChange::new(event.hash(), outcome);
    if is_decided {
        change.scopes.push(ScopeFacts { scope, version: number.into(), facts: vec![0, number] });
    }
    change
}

/// A command that waits outside the log, with hashes that need all their bits.
pub fn undecided() -> CommandChange {
    CommandChange::new(EventHash { identity: u128::MAX - 1, content: u64::MAX }, None)
}

/// Either role, by the number.
pub fn role(number: u32) -> Role {
    if number.is_multiple_of(2) { Role::Handler } else { Role::owner(vec![number.to_string()]) }
}
