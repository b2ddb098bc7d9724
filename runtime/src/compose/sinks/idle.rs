//! Instances of sinks between two calls: one for each call that was ever under way at the same time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use camshaft_engine::Attempt;
use camshaft_host::Instance;

use crate::compose::code::{CodeNumber, CodeTable};

#[derive(Default)]
pub(super) struct Idle(Mutex<State>);

#[derive(Default)]
struct State {
    instances: HashMap<CodeNumber, Vec<Instance<Attempt>>>,
    /// How much code had gone when it was last looked for what has.
    removals: u64,
}

impl Idle {
    pub(super) fn take(&self, code: &CodeTable, number: CodeNumber) -> Option<Instance<Attempt>> {
        let (mut state, gone) = self.current(code);
        let found = state.instances.get_mut(&number)?.pop();
        drop((state, gone));
        found
    }

    /// Keeps an instance for the next call, unless its code is no longer run.
    pub(super) fn keep(&self, code: &CodeTable, number: CodeNumber, instance: Instance<Attempt>) {
        let (mut state, gone) = self.current(code);
        if code.contains(number) {
            state.instances.entry(number).or_default().push(instance);
        }
        drop((state, gone));
    }

    /// Drops all of them; whether there was one.
    pub(super) fn clear(&self) -> bool {
        let dropped = std::mem::take(&mut self.lock().instances);
        dropped.values().any(|instances| !instances.is_empty())
    }

    /// What there is, and beside it what is no longer run, to be dropped outside the lock.
    fn current(&self, code: &CodeTable) -> (MutexGuard<'_, State>, Vec<Vec<Instance<Attempt>>>) {
        let mut state = self.lock();
        let removals = code.removals();
        if state.removals == removals {
            return (state, Vec::new());
        }
        state.removals = removals;
        let gone = state.instances.extract_if(|number, _| !code.contains(*number));
        let gone = gone.map(|(_, instances)| instances).collect();
        (state, gone)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
