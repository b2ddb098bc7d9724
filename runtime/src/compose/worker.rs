//! A worker thread: takes a batch, calls its handler event by event, commits. Wasm is called synchronously.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use camshaft_engine::{Attempt, Batch, Finished, Handler, LogLine, StateReader, WorkerContext, run_batch};
use camshaft_event::{Answer, AttemptContext, Event, FailureCause, LogLevel, Scope};
use camshaft_host::{InstantiateError, Prepared};
use rand_chacha::ChaCha8Rng;

use super::code::{Code, Evolve};
use super::core::Core;
use super::folds::{self, PluginEvolver};
use super::instances::{Instances, Keeper, Slot};
use super::next::Pool;

pub(crate) fn run(core: &Arc<Core>, number: usize, mut random: ChaCha8Rng) {
    let reader: Arc<dyn StateReader> = Arc::new(core.sequencer.clone());
    let options = Arc::clone(core.sequencer.lock().options());
    while let Some((code, batch)) = core.next(Pool::Workers) {
        let context =
            WorkerContext { options: &options, reader: &reader, clock: &core.clock, random: &mut random };
        let was_suspect = batch.is_suspect();
        let finished = handle(core, number, code, batch, context);
        if let Err(error) = core.step(|sequencer| sequencer.commit(finished, core.now())) {
            return core.fail(error);
        }
        if was_suspect {
            core.keep_suspects();
        }
    }
    core.instances.evict();
}

/// Runs a batch on worker `number`. Its instance is kept when this returns: before the commit, after which
/// those that wait for an instance look for one again.
fn handle(core: &Core, number: usize, code: Code, batch: Batch, context: WorkerContext<'_>) -> Finished {
    let name = batch.spec.name.clone();
    let _deadlines = core.count_deadlines();
    match code {
        Code::Plugin(prepared) => {
            let slot = core.instances.slot(Keeper::Worker(number), &core.code, batch.spec.code);
            let mut handler = PluginHandler {
                slot,
                instances: &core.instances,
                evolver: None,
                prepared: &prepared,
                failure: None,
                name: &name,
            };
            run_batch(batch, context, &mut core.marks.around(number, &mut handler))
        }
        Code::Closure(closure, evolve) => {
            let mut handler = ClosureHandler { closure: &*closure, evolve };
            run_batch(batch, context, &mut core.marks.around(number, &mut handler))
        }
        Code::AsyncClosure(_) => unreachable!("async closures are sinks, and workers take no calls of sinks"),
    }
}

struct PluginHandler<'w> {
    slot: Slot<'w>,
    instances: &'w Instances,
    /// Makes folds again, if one was met that is stale.
    evolver: Option<PluginEvolver<'w>>,
    prepared: &'w Prepared<Attempt>,
    /// Why there is no instance, if the plugin could not be started.
    failure: Option<String>,
    name: &'w str,
}

impl Handler for PluginHandler<'_> {
    fn get_ready(&mut self, _: &Attempt) -> bool {
        match self.slot.fill(self.prepared, self.name) {
            Ok(()) => true,
            Err(InstantiateError::TooManyInstances) => false,
            Err(error) => {
                self.failure = Some(error.to_string());
                true
            }
        }
    }

    fn call(&mut self, attempt: Attempt) -> (Answer, Attempt) {
        let Some(mut instance) = self.slot.take() else {
            let error = self.failure.take().unwrap_or_default();
            return (Answer::Failed { cause: FailureCause::Trap, error }, attempt);
        };
        let event = attempt.share_event();
        let (answer, mut attempt) = instance.call(&event, attempt);
        self.slot.put_back(instance);
        pass_on(&mut attempt);
        (answer, attempt)
    }

    fn evolve(&mut self, scope: &Scope, fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Answer> {
        let (instances, prepared, name) = (self.instances, self.prepared, self.name);
        let evolver =
            self.evolver.get_or_insert_with(|| PluginEvolver::new(instances, prepared.clone(), name));
        if matches!(evolver.get_ready(), Err(InstantiateError::TooManyInstances)) {
            // There may be room for one instance only: the one that decides gives way.
            drop(self.slot.take());
        }
        evolver.evolve(scope, fold, facts)
    }
}

struct ClosureHandler<'w> {
    closure: &'w (dyn Fn(&Event, &mut Attempt) -> Answer + Send + Sync),
    evolve: Option<Evolve>,
}

impl Handler for ClosureHandler<'_> {
    fn call(&mut self, attempt: Attempt) -> (Answer, Attempt) {
        let (answer, mut attempt) = call_closure(self.closure, attempt);
        pass_on(&mut attempt);
        (answer, attempt)
    }

    fn evolve(&mut self, scope: &Scope, fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Answer> {
        folds::call_closure(self.evolve.as_ref(), scope, fold, facts)
    }
}

/// Calls a closure; its panic is a failed attempt.
pub(super) fn call_closure(
    closure: &(dyn Fn(&Event, &mut Attempt) -> Answer + Send + Sync),
    mut attempt: Attempt,
) -> (Answer, Attempt) {
    let event = attempt.share_event();
    let called = catch_unwind(AssertUnwindSafe(|| closure(&event, &mut attempt)));
    (called.unwrap_or_else(panicked), attempt)
}

/// What a panic of a closure comes to.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Answer {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Answer::Failed { cause: FailureCause::Panic, error: format!("closure panicked: {text}") }
}

/// Passes on what a handler logged during `attempt`, each line with the event that it is about.
pub(super) fn pass_on(attempt: &mut Attempt) {
    let lines = attempt.take_log();
    if lines.is_empty() {
        return;
    }
    let event = attempt.share_event();
    let (consumer, offset, number) = (attempt.consumer(), attempt.offset().0, attempt.attempt());
    let (id, event_type, key) = (event.id.as_str(), event.event_type.as_str(), event.ordering_key());
    for LogLine { level, message, fields } in lines {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fields = fields.join(" ");
        // A field without a value is left out.
        let fields = Some(fields.as_str()).filter(|fields| !fields.is_empty());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "camshaft::plugin",
                    consumer,
                    offset,
                    event = id,
                    "type" = event_type,
                    key,
                    attempt = number,
                    fields,
                    "{message}"
                )
            };
        }
        match level {
            LogLevel::Trace => line!(trace),
            LogLevel::Debug => line!(debug),
            LogLevel::Info => line!(info),
            LogLevel::Warn => line!(warn),
            LogLevel::Error => line!(error),
        }
    }
}
