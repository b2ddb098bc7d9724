//! Folds that are made outside of a decision, to show an earlier version of a scope. The runtime calls `evolve`
//! of the code that the aggregate runs now. Nothing is stored.

use std::panic::{AssertUnwindSafe, catch_unwind};

use camshaft_engine::{Attempt, FoldError, StateReader, fold_from_facts};
use camshaft_event::{Answer, Event, FailureCause, Scope, StoredScope};
use camshaft_host::{Instance, InstantiateError, Prepared, World};
use camshaft_tables::{PortionBounds, StateSpace};

use super::code::{Code, CodeNumber, Evolve};
use super::core::Core;
use super::worker::panicked;

/// The code that makes folds. A plugin has an instance of its own for that, which decides nothing.
pub(crate) enum Evolver {
    Closure(Option<Evolve>),
    Plugin(Box<Prepared<Attempt>>, Option<Box<Instance<Attempt>>>),
}

impl Core {
    /// The `evolve` of the code with this number.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn evolver(&self, code: CodeNumber) -> Result<Evolver, String> {
        match self.code.get(code) {
            Some(Code::Closure(_, evolve)) => Ok(Evolver::Closure(evolve)),
            Some(Code::Plugin(prepared)) if prepared.plugin().world() == World::Aggregate => {
                Ok(Evolver::Plugin(prepared, None))
            }
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
            Self::Plugin(prepared, kept) => {
                let mut instance = match kept.take() {
                    Some(instance) => instance,
                    None => Box::new(prepared.instantiate().map_err(no_instance)?),
                };
                let made = instance.evolve(scope, fold, facts);
                *kept = Some(instance).filter(|instance| !instance.is_spent());
                made
            }
        }
    }
}

impl Core {
    /// Whether `evolver` makes the stored fold of a scope from its facts, byte for byte; why not, if not. A
    /// scope with more than `max_facts` facts, of another revision or with facts that cannot be read now is not
    /// compared.
    pub(crate) fn compare_fold(
        &self,
        space: StateSpace,
        (scope, revision): (&Scope, u64),
        max_facts: u64,
        evolver: &mut Evolver,
    ) -> Result<(), String> {
        let reader = &self.sequencer;
        let stored = || {
            let found = reader.state(space, scope.name().as_bytes()).ok()??;
            StoredScope::from_bytes(&found.value)
        };
        let is_compared = |stored: &StoredScope| stored.revision == revision && stored.version <= max_facts;
        let Some(before) = stored().filter(is_compared) else { return Ok(()) };
        let evolve = &mut |fold: Option<&[u8]>, facts: &[Event]| evolver.evolve(scope, fold, facts);
        match fold_from_facts(reader, (space.consumer, scope), before.version, evolve) {
            Ok(Some(fold)) if fold == before.fold => Ok(()),
            // A decision has recorded a fact meanwhile.
            Ok(Some(_)) if stored().as_ref() != Some(&before) => Ok(()),
            Ok(Some(fold)) => {
                let (made, stored) = (fold.len(), before.fold.len());
                Err(format!("the {made} bytes that it makes differ from the {stored} bytes that are stored"))
            }
            Err(error @ FoldError::Evolve(_)) => Err(error.to_string()),
            Err(FoldError::Facts(_)) | Ok(None) => Ok(()),
        }
    }

    /// The first scopes in the order of their names, at most `max`.
    pub(crate) fn first_scopes(&self, space: StateSpace, max: usize) -> Vec<Scope> {
        let bounds = PortionBounds { entries: max, bytes: 1 << 20 };
        let portion = self.sequencer.state_portion(space, b"", None, bounds).unwrap_or_default();
        let name = |(key, _): (Vec<u8>, _)| Scope::parse(&String::from_utf8(key).ok()?).ok();
        portion.entries.into_iter().filter_map(name).collect()
    }
}

/// What a plugin without an instance comes to. A shortage passes.
fn no_instance(error: InstantiateError) -> Answer {
    match error {
        InstantiateError::TooManyInstances => {
            Answer::Retry { after_ms: None, reason: InstantiateError::TooManyInstances.to_string() }
        }
        error @ InstantiateError::Guest { .. } => {
            Answer::Failed { cause: FailureCause::Trap, error: error.to_string() }
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
