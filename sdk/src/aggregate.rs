//! The commands and scopes of an aggregate, and the calls of the runtime to them.
//!
//! Each `#[command]` submits one [`CommandType`], each `#[scope]` one [`ScopeKind`]. The linker collects
//! them.

use std::any::TypeId;

use crate::{
    codec::Encode,
    decide::Decide,
    error::{Error, Result},
    event::{Bytes, Event},
    evolve::{Evolve, Fact},
    fold,
    host::NewFact,
    refusal::{Decided, Declined},
    scope::Scope,
};

/// A command, as the decision's function receives it: an [`Event`] whose type is imperative, such as
/// `course.subscribe`.
pub type Command<T> = Event<T>;

/// The description of a command's function. Only `#[command]` creates it.
pub struct CommandType {
    /// The type of the command.
    pub name: &'static str,
    /// The kind of the scope that the command's subject identifies.
    pub scope: &'static str,
    /// The types of the facts that the plugin may record, according to this command's manifest record.
    pub records: &'static [&'static str],
    /// Decodes the command, calls the function and encodes its reply.
    pub run: fn(Event<Bytes>, &mut Decide) -> Decided<Vec<u8>>,
}

/// The description of a scope's state. Only `#[scope]` creates it.
pub struct ScopeKind {
    /// The kind.
    pub name: &'static str,
    /// Applies facts to a fold.
    pub evolve: Evolution,
}

/// Returns the fold of a scope after the facts, which follow those of its earlier fold.
type Evolution = fn(&Scope, Option<&[u8]>, &[Fact]) -> Result<Vec<u8>>;

inventory::collect!(CommandType);
inventory::collect!(ScopeKind);

/// The effects of an accepted command.
pub(crate) struct Decision {
    pub facts: Vec<NewFact>,
    pub reply: Vec<u8>,
}

/// Runs the function of the command.
pub(crate) fn decide(command: Event<Bytes>, mut context: Decide) -> Decided<Decision> {
    let wanted = inventory::iter::<CommandType>.into_iter().find(|known| known.name == command.event_type);
    let Some(wanted) = wanted else {
        return Err(Error::reject(format_args!("the plugin does not decide `{}`", command.event_type)).into());
    };
    let reply = (wanted.run)(command, &mut context)?;
    Ok(Decision { facts: context.into_facts()?, reply })
}

/// The fold of `scope` after `facts`, which follow those of `state`.
pub(crate) fn evolve(scope: &Scope, state: Option<&[u8]>, facts: &[Fact]) -> Result<Vec<u8>> {
    let wanted = inventory::iter::<ScopeKind>.into_iter().find(|known| known.name == scope.kind());
    match wanted {
        Some(wanted) => (wanted.evolve)(scope, state, facts),
        None => Err(Error::reject(format_args!(
            "the plugin has no `#[scope(\"{}\")]` for `{scope}`",
            scope.kind()
        ))),
    }
}

/// Applies facts to the fold of a scope with the state type `S`. A failure is a reject, because another
/// attempt has the same input.
///
/// # Errors
/// A fold that cannot be decoded or encoded, or a fact that cannot be applied.
pub fn apply<S: Evolve>(scope: &Scope, state: Option<&[u8]>, facts: &[Fact]) -> Result<Vec<u8>> {
    let mut state: S = state.map(|fold| fold::decode(scope, fold)).transpose()?.unwrap_or_default();
    for fact in facts {
        state.evolve(fact).map_err(|error| {
            Error::reject(format_args!("fact {fact} cannot be applied to `{scope}`: {}", error.reason()))
        })?;
    }
    fold::encode(scope, &state)
}

/// Encodes a reply for the macro, which cannot name its type: as JSON, and `()` as nothing.
///
/// # Errors
/// A reject if the reply cannot be encoded.
pub fn reply<R: Encode + 'static>(reply: R) -> Decided<Vec<u8>> {
    if TypeId::of::<R>() == TypeId::of::<()>() {
        return Ok(Vec::new());
    }
    let encoded = reply.encode(None);
    encoded.map_err(|reason| {
        Declined::Failed(Error::reject(format_args!("the reply cannot be encoded: {reason}")))
    })
}
