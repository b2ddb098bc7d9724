//! Folds that are made outside of a decision, to show an earlier version of a scope. The runtime calls `evolve`
//! of the code that the aggregate runs now. Nothing is stored.

use std::panic::{AssertUnwindSafe, catch_unwind};

use camshaft_event::{Answer, Event, Scope};

use super::code::{Code, CodeNumber, Evolve};
use super::core::Core;
use super::worker::panicked;

/// The code that makes folds.
pub(crate) enum Evolver {
    Closure(Option<Evolve>),
}

impl Core {
    /// The `evolve` of the code with this number.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn evolver(&self, code: CodeNumber) -> Result<Evolver, String> {
        match self.code.get(code) {
            Some(Code::Closure(_, evolve)) => Ok(Evolver::Closure(evolve)),
            Some(Code::Plugin(_) | Code::AsyncClosure(_)) => Err("it has no `evolve`".to_owned()),
            None => Err("its code was replaced a moment ago".to_owned()),
        }
    }
}

impl Evolver {
    /// The fold of `scope` after `facts`.
    ///
    /// # Errors
    /// The failure of `evolve`, or code without one.
    pub(crate) fn evolve(
        &mut self,
        scope: &Scope,
        fold: Option<&[u8]>,
        facts: &[Event],
    ) -> Result<Vec<u8>, Answer> {
        match self {
            Self::Closure(evolve) => call_closure(evolve.as_ref(), scope, fold, facts),
        }
    }
}

/// Calls the `evolve` of a closure. Its panic is a failure.
pub(super) fn call_closure(
    evolve: Option<&Evolve>,
    scope: &Scope,
    fold: Option<&[u8]>,
    facts: &[Event],
) -> Result<Vec<u8>, Answer> {
    let Some(evolve) = evolve else {
        let reason = "its subscription has no `evolve`".to_owned();
        return Err(Answer::Reject { reason });
    };
    catch_unwind(AssertUnwindSafe(|| evolve(scope, fold, facts))).unwrap_or_else(|panic| Err(panicked(panic)))
}
