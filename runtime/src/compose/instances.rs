//! Instances of plugins: those that wait between two calls, and the way to one for the next call. Workers and
//! sinks both take theirs here.
//!
//! An instance is kept so that the next event needs no new one, and dropped once its code is no longer run.
//! The host makes a limited number (`limits.max_instances`): when there is none left for another plugin, all
//! idle ones are evicted. They are started again when their turn comes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use camshaft_engine::Attempt;
use camshaft_event::Limit;
use camshaft_host::{Instance, InstantiateError, Prepared};

use super::code::{CodeNumber, CodeTable};

/// How often a shortage of instances is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// All idle instances.
pub(crate) struct Instances {
    workers: Vec<Mutex<Place>>,
    sinks: Mutex<Place>,
    told: Mutex<Option<Instant>>,
}

/// Who keeps instances apart from the others: they share no lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeper {
    /// The worker of this number, from 0.
    Worker(usize),
    /// All calls of sinks together.
    Sinks,
}

/// Instances of one piece of code.
type Idle = Vec<Instance<Attempt>>;

#[derive(Default)]
struct Place {
    idle: HashMap<CodeNumber, Idle>,
    /// How much code had gone when it was last looked for what has.
    removals: u64,
}

/// The instance with which a piece of code is called, while it is called. Dropping it keeps the instance for
/// the next call.
pub(super) struct Slot<'i> {
    instances: &'i Instances,
    code: &'i CodeTable,
    keeper: Keeper,
    number: CodeNumber,
    instance: Option<Instance<Attempt>>,
}

impl Instances {
    /// Places for so many workers, and for the sinks.
    pub(super) fn new(workers: usize) -> Self {
        let workers = (0..workers).map(|_| Mutex::default()).collect();
        Self { workers, sinks: Mutex::default(), told: Mutex::default() }
    }

    /// The slot of a keeper for the code of this number: filled if the keeper has an idle instance of it.
    pub(super) fn slot<'i>(&'i self, keeper: Keeper, code: &'i CodeTable, number: CodeNumber) -> Slot<'i> {
        let instance = self.take(keeper, code, number);
        Slot { instances: self, code, keeper, number, instance }
    }

    /// Evicts all idle instances; whether there was one.
    pub(super) fn evict(&self) -> bool {
        let mut had_some = false;
        for place in self.workers.iter().chain([&self.sinks]) {
            let evicted = std::mem::take(&mut lock(place).idle);
            had_some |= evicted.values().any(|instances| !instances.is_empty());
        }
        had_some
    }

    fn take(&self, keeper: Keeper, code: &CodeTable, number: CodeNumber) -> Option<Instance<Attempt>> {
        let (mut place, gone) = self.current(keeper, code)?;
        let found = place.idle.get_mut(&number)?.pop();
        drop((place, gone));
        found
    }

    /// Keeps an instance for the next call, unless its code is no longer run.
    fn keep(&self, keeper: Keeper, code: &CodeTable, number: CodeNumber, instance: Instance<Attempt>) {
        let Some((mut place, gone)) = self.current(keeper, code) else { return };
        if code.contains(number) {
            place.idle.entry(number).or_default().push(instance);
        }
        drop((place, gone));
    }

    /// A keeper's place, and beside it instances of code that is no longer run, to be dropped outside the
    /// lock.
    fn current(&self, keeper: Keeper, code: &CodeTable) -> Option<(MutexGuard<'_, Place>, Vec<Idle>)> {
        let mut place = lock(match keeper {
            Keeper::Worker(number) => self.workers.get(number)?,
            Keeper::Sinks => &self.sinks,
        });
        let removals = code.removals();
        if place.removals == removals {
            return Some((place, Vec::new()));
        }
        place.removals = removals;
        let gone = place.idle.extract_if(|number, _| !code.contains(*number));
        let gone = gone.map(|(_, instances)| instances).collect();
        Some((place, gone))
    }

    /// A fresh instance for `consumer`. Idle ones are evicted for it.
    ///
    /// # Errors
    /// As many instances are called as there may be, or the guest fails while it starts.
    pub(super) fn start(
        &self,
        prepared: &Prepared<Attempt>,
        consumer: &str,
    ) -> Result<Instance<Attempt>, InstantiateError> {
        let mut started = prepared.instantiate();
        if self.evicts_for(&started) {
            started = prepared.instantiate();
        }
        started.inspect_err(|error| self.tell_shortage(error, consumer))
    }

    /// The same for an instance that is called by [`Instance::call_async`].
    ///
    /// # Errors
    /// As many instances are called as there may be, or the guest fails while it starts.
    pub(super) async fn start_async(
        &self,
        prepared: &Prepared<Attempt>,
        consumer: &str,
    ) -> Result<Instance<Attempt>, InstantiateError> {
        let mut started = prepared.instantiate_async().await;
        if self.evicts_for(&started) {
            started = prepared.instantiate_async().await;
        }
        started.inspect_err(|error| self.tell_shortage(error, consumer))
    }

    /// Whether there is room for another instance now, where there was none.
    fn evicts_for(&self, started: &Result<Instance<Attempt>, InstantiateError>) -> bool {
        matches!(started, Err(InstantiateError::TooManyInstances)) && self.evict()
    }

    /// Tells the operator that `consumer` waits for an instance, now and then.
    fn tell_shortage(&self, error: &InstantiateError, consumer: &str) {
        if !matches!(error, InstantiateError::TooManyInstances) {
            return;
        }
        let mut told = lock(&self.told);
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(
                consumer,
                "events wait for a plugin instance: the limit of instances is reached ({})",
                Limit::Instances.raised_by()
            );
        }
    }
}

impl Slot<'_> {
    /// Starts an instance for `consumer` if the slot has none.
    ///
    /// # Errors
    /// As many instances are called as there may be, or the guest fails while it starts.
    pub(super) fn fill(
        &mut self,
        prepared: &Prepared<Attempt>,
        consumer: &str,
    ) -> Result<(), InstantiateError> {
        if self.instance.is_none() {
            self.instance = Some(self.instances.start(prepared, consumer)?);
        }
        Ok(())
    }

    /// Takes the instance out of the slot for a call, which ends with [`Slot::put_back`].
    pub(super) fn take(&mut self) -> Option<Instance<Attempt>> {
        self.instance.take()
    }

    /// Takes an instance back after its call, unless it cannot be called again.
    pub(super) fn put_back(&mut self, instance: Instance<Attempt>) {
        if !instance.is_spent() {
            self.instance = Some(instance);
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.take() {
            self.instances.keep(self.keeper, self.code, self.number, instance);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use camshaft_host::{Host, HostOptions};
    use tempfile::TempDir;

    use super::super::code::Code;
    use super::*;

    /// The consumer that is told of a shortage.
    const NAME: &str = "test";

    /// A host with one instance, and code of two plugins.
    struct World {
        instances: Instances,
        code: CodeTable,
        plugins: [(CodeNumber, Prepared<Attempt>); 2],
        _folder: TempDir,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let options = HostOptions { max_instances: 1, ..HostOptions::new(folder.path().join("code")) };
            let host = Host::new(options).unwrap();
            let code = CodeTable::default();
            let plugins = ["counter", "updates"].map(|guest| {
                let plugin = host.load(camshaft_test_guests::component(guest), None).unwrap();
                let prepared = plugin.prepare::<Attempt>().unwrap();
                (code.add(Code::Plugin(Box::new(prepared.clone()))), prepared)
            });
            Self { instances: Instances::new(1), code, plugins, _folder: folder }
        }

        fn slot(&self, keeper: Keeper, plugin: usize) -> Slot<'_> {
            self.instances.slot(keeper, &self.code, self.plugins[plugin].0)
        }

        fn has_idle(&self, keeper: Keeper, plugin: usize) -> bool {
            self.slot(keeper, plugin).instance.is_some()
        }
    }

    #[test]
    fn an_instance_is_kept_for_the_next_call_of_its_code_by_its_keeper() {
        let world = World::new();
        let (number, prepared) = &world.plugins[0];
        world.slot(Keeper::Worker(0), 0).fill(prepared, NAME).unwrap();
        assert!(!world.has_idle(Keeper::Worker(0), 1), "it is of other code");
        assert!(!world.has_idle(Keeper::Sinks, 0), "it is another keeper's");
        assert!(world.has_idle(Keeper::Worker(0), 0));
        world.code.remove(*number);
        assert!(!world.has_idle(Keeper::Worker(0), 0), "its code is gone");
        assert!(!world.instances.evict(), "and so is it");
    }

    #[tokio::test]
    async fn idle_instances_give_way_to_another_plugin_and_those_that_are_called_do_not() {
        let world = World::new();
        let [(_, first), (_, second)] = &world.plugins;
        for keeper in [Keeper::Worker(0), Keeper::Sinks] {
            let mut called = world.slot(keeper, 0);
            called.fill(first, NAME).unwrap();
            let mut other = world.slot(Keeper::Worker(0), 1);
            assert!(matches!(other.fill(second, NAME), Err(InstantiateError::TooManyInstances)));
            let outside = world.instances.start_async(second, NAME).await;
            assert!(matches!(outside, Err(InstantiateError::TooManyInstances)));
            drop(called);
            other.fill(second, NAME).unwrap();
            assert!(!world.has_idle(keeper, 0), "it was evicted");
            drop(other);
            drop(world.instances.start_async(first, NAME).await.unwrap());
            assert!(!world.has_idle(Keeper::Worker(0), 1), "it was evicted");
        }
    }
}
