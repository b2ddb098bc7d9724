//! Instances between two calls: each worker has a place for its own, and the sinks have one.
//!
//! They are kept so that the next event needs no new instance. When there is none left for another plugin, all of them
//! give way: they are started again when their turn comes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use camshaft_engine::Attempt;
use camshaft_event::Limit;
use camshaft_host::Instance;

use super::code::{CodeNumber, CodeTable};

/// How often a shortage of instances is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// All idle instances.
pub(crate) struct Idle {
    places: Vec<Mutex<Place>>,
    told: Mutex<Option<Instant>>,
}

/// Instances of one piece of code.
type Instances = Vec<Instance<Attempt>>;

#[derive(Default)]
struct Place {
    instances: HashMap<CodeNumber, Instances>,
    /// How much code had gone when it was last looked for what has.
    removals: u64,
}

impl Idle {
    /// Places for so many workers, and for the sinks.
    pub(crate) fn new(workers: usize) -> Self {
        Self { places: (0..=workers).map(|_| Mutex::default()).collect(), told: Mutex::default() }
    }

    /// The place of the sinks; those before it are the workers'.
    pub(crate) fn sinks(&self) -> usize {
        self.places.len() - 1
    }

    /// An instance to call.
    pub(crate) fn take(
        &self,
        place: usize,
        code: &CodeTable,
        number: CodeNumber,
    ) -> Option<Instance<Attempt>> {
        let (mut state, gone) = self.current(place, code)?;
        let found = state.instances.get_mut(&number)?.pop();
        drop((state, gone));
        found
    }

    /// Keeps an instance for the next call, unless its code is no longer run.
    pub(crate) fn keep(
        &self,
        place: usize,
        code: &CodeTable,
        number: CodeNumber,
        instance: Instance<Attempt>,
    ) {
        let Some((mut state, gone)) = self.current(place, code) else { return };
        if code.contains(number) {
            state.instances.entry(number).or_default().push(instance);
        }
        drop((state, gone));
    }

    /// Drops all of them; whether there was one.
    pub(crate) fn clear(&self) -> bool {
        let mut had_some = false;
        for place in &self.places {
            let dropped = std::mem::take(&mut lock(place).instances);
            had_some |= dropped.values().any(|instances| !instances.is_empty());
        }
        had_some
    }

    /// Tells the operator that `consumer` waits for an instance, now and then.
    pub(crate) fn tell_shortage(&self, consumer: &str) {
        let mut told = lock(&self.told);
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(
                consumer,
                "events wait for a plugin instance: as many are running as may be ({})",
                Limit::Instances.raised_by()
            );
        }
    }

    /// What is kept in a place, and beside it what is no longer run, to be dropped outside the lock.
    fn current(&self, place: usize, code: &CodeTable) -> Option<(MutexGuard<'_, Place>, Vec<Instances>)> {
        let mut state = lock(self.places.get(place)?);
        let removals = code.removals();
        if state.removals == removals {
            return Some((state, Vec::new()));
        }
        state.removals = removals;
        let gone = state.instances.extract_if(|number, _| !code.contains(*number));
        let gone = gone.map(|(_, instances)| instances).collect();
        Some((state, gone))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
