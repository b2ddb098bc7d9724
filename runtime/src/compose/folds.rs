//! `evolve` of an aggregate, called outside of a decision: to make a stale fold again, or to show an earlier
//! version of a scope. A plugin gets another instance for it than the one that decides.

use std::panic::{AssertUnwindSafe, catch_unwind};

use camshaft_engine::{Attempt, FoldError, StateReader, fold_from_facts};
use camshaft_event::{Answer, Event, FailureCause, Scope, StoredScope};
use camshaft_host::{Instance, InstantiateError, Prepared};
use camshaft_tables::{PortionBounds, StateSpace};

use super::code::{Code, CodeNumber, Evolve};
use super::core::Core;
use super::instances::Instances;
use super::worker::panicked;

/// The code that makes folds.
pub(crate) enum Evolver<'c> {
    Plugin(Box<PluginEvolver<'c>>),
    Closure(Option<Evolve>),
}

/// The instance of a plugin that makes folds.
pub(crate) struct PluginEvolver<'c> {
    instances: &'c Instances,
    prepared: Prepared<Attempt>,
    consumer: &'c str,
    instance: Option<Instance<Attempt>>,
}

impl Core {
    /// The `evolve` of the code with this number, which `consumer` runs.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn evolver<'c>(
        &'c self,
        consumer: &'c str,
        code: CodeNumber,
    ) -> Result<Evolver<'c>, &'static str> {
        match self.code.get(code) {
            Some(Code::Plugin(prepared)) => Ok(self.plugin_evolver(consumer, *prepared)),
            Some(Code::Closure(_, evolve)) => Ok(Evolver::Closure(evolve)),
            Some(Code::AsyncClosure(_)) => Err("its code has no `evolve`"),
            None => Err("its code was replaced a moment ago"),
        }
    }

    /// The `evolve` of a plugin, which may not run yet.
    pub(crate) fn plugin_evolver<'c>(
        &'c self,
        consumer: &'c str,
        prepared: Prepared<Attempt>,
    ) -> Evolver<'c> {
        Evolver::Plugin(Box::new(PluginEvolver::new(&self.instances, prepared, consumer)))
    }
}

impl Evolver<'_> {
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
            Self::Plugin(plugin) => plugin.evolve(scope, fold, facts),
            Self::Closure(evolve) => call_closure(evolve.as_ref(), scope, fold, facts),
        }
    }
}

impl Core {
    /// Whether `evolver` makes the stored fold of a scope from its facts, byte for byte; why not, if not. A
    /// scope with more than `max_facts` facts, of another revision or with facts that cannot be read now is
    /// not compared.
    pub(crate) fn compare_fold(
        &self,
        space: StateSpace,
        (scope, revision): (&Scope, u64),
        max_facts: u64,
        evolver: &mut Evolver<'_>,
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

impl<'c> PluginEvolver<'c> {
    pub(super) const fn new(
        instances: &'c Instances,
        prepared: Prepared<Attempt>,
        consumer: &'c str,
    ) -> Self {
        Self { instances, prepared, consumer, instance: None }
    }

    /// Gets an instance, unless the one of the last call can be called again.
    ///
    /// # Errors
    /// As many instances are called as there may be, or the guest fails while it starts.
    pub(super) fn get_ready(&mut self) -> Result<&mut Instance<Attempt>, InstantiateError> {
        let instance = match self.instance.take().filter(|instance| !instance.is_spent()) {
            Some(instance) => instance,
            None => self.instances.start(&self.prepared, self.consumer)?,
        };
        Ok(self.instance.insert(instance))
    }

    /// As [`Evolver::evolve`].
    pub(super) fn evolve(
        &mut self,
        scope: &Scope,
        fold: Option<&[u8]>,
        facts: &[Event],
    ) -> Result<Vec<u8>, Answer> {
        let instance = self.get_ready().map_err(|error| match error {
            InstantiateError::TooManyInstances => Answer::Retry { after_ms: None, reason: error.to_string() },
            InstantiateError::Guest { .. } => {
                Answer::Failed { cause: FailureCause::Trap, error: error.to_string() }
            }
        })?;
        instance.evolve(scope, fold, facts)
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
