//! The types of `decide` and `evolve`: scopes as they are lowered into the guest, decisions as they are
//! lifted out.
//!
//! They are written by hand for the reason that `call` states. Wasmtime compares them with the component's
//! types at load.

use camshaft_event::{EffectError, NewFact, Refusal, Scope};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::call::{bounded, cut};
use crate::imports::{self, GuestEvent, GuestScope};

/// Longest code kept of a refusal, in bytes.
const MAX_CODE_BYTES: usize = 256;

/// `scopes.scope`, borrowed.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
pub struct ScopeView<'a> {
    kind: &'a str,
    id: &'a str,
}

impl<'a> ScopeView<'a> {
    /// The view of `scope`, whose decoded id is `id`.
    pub fn of(scope: &'a Scope, id: &'a str) -> Self {
        Self { kind: scope.kind(), id }
    }
}

/// `deciding.decision`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Decision {
    /// The facts, in order.
    pub facts: Vec<Fact>,
    /// The reply to the sender.
    pub reply: Vec<u8>,
}

/// `deciding.fact`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Fact {
    event: GuestEvent,
    about: Vec<GuestScope>,
}

impl Fact {
    /// The fact as the attempt takes it.
    ///
    /// # Errors
    /// One of its scopes is not valid.
    pub fn into_new_fact(self) -> Result<NewFact, EffectError> {
        let about = self.about.iter().map(imports::scope).collect::<Result<_, _>>();
        match about {
            Ok(about) => Ok(NewFact { event: imports::new_event(self.event), about }),
            Err(error) => Err(EffectError::InvalidFact {
                event_type: bounded(self.event.event_type),
                reason: bounded(error.to_string()),
            }),
        }
    }
}

/// `deciding.refusal`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub struct GuestRefusal {
    code: String,
    message: String,
    data: Vec<u8>,
}

impl From<GuestRefusal> for Refusal {
    /// Shortens code and message where they are too long. The attempt checks the size of the answer.
    fn from(GuestRefusal { code, message, data }: GuestRefusal) -> Self {
        Self { code: cut(code, MAX_CODE_BYTES), message: bounded(message), data: data.into() }
    }
}
