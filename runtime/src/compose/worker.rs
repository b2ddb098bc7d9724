//! A worker thread: takes a batch, calls its handler event by event, commits. Wasm is called synchronously.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use camshaft_engine::{Attempt, Batch, Handler, LogLine, StateReader, WorkerContext, run_batch};
use camshaft_event::{Answer, Event, FailureCause, LogLevel};
use camshaft_host::{Instance, InstantiateError, Prepared};
use camshaft_tables::TablesError;
use rand_chacha::ChaCha8Rng;

use super::code::{Code, CodeNumber};
use super::core::Core;

pub(crate) fn run(core: &Arc<Core>, number: usize, mut random: ChaCha8Rng) {
    let mut worker = Worker { core, number, instances: HashMap::new(), removals: core.code.removals() };
    let reader: Arc<dyn StateReader> = Arc::new(core.sequencer.clone());
    let options = Arc::clone(core.sequencer.lock().options());
    loop {
        let seen = core.work.count();
        if core.is_draining() {
            return;
        }
        let (code, batch) = match take(core) {
            Ok(Some((Some(code), batch))) => (code, batch),
            Ok(Some((None, batch))) => {
                return core.fail(format!("consumer \"{}\" has no code", batch.spec.name));
            }
            Ok(None) => {
                core.work.wait(seen, None);
                continue;
            }
            Err(error) => return core.fail(error),
        };
        worker.forget_removed();
        let context =
            WorkerContext { options: &options, reader: &reader, clock: &core.clock, random: &mut random };
        let was_suspect = batch.is_suspect();
        let finished = worker.run(code, batch, context);
        if let Err(error) = core.step_due(|sequencer| sequencer.commit(finished, core.now())) {
            return core.fail(error);
        }
        if was_suspect {
            core.keep_suspects();
        }
    }
}

/// The next batch and what it runs. Looked up in one step: code is only removed after its consumer was detached
/// in one.
fn take(core: &Core) -> Result<Option<(Option<Code>, Batch)>, TablesError> {
    let mut sequencer = core.sequencer.lock();
    let Some(batch) = sequencer.take(core.now())? else { return Ok(None) };
    let code = core.code.get(batch.spec.code);
    let has_more = sequencer.has_work();
    drop(sequencer);
    // Only if there was one: else all workers would wake each other while the engine has no room.
    if has_more {
        core.work.ring();
    }
    Ok(Some((code, batch)))
}

struct Worker<'c> {
    core: &'c Arc<Core>,
    /// From 0.
    number: usize,
    /// Kept between batches; an instance is never shared between threads.
    instances: HashMap<CodeNumber, Instance<Attempt>>,
    removals: u64,
}

impl Worker<'_> {
    fn run(&mut self, code: Code, batch: Batch, context: WorkerContext<'_>) -> camshaft_engine::Finished {
        let number = batch.spec.code;
        let name = batch.spec.name.clone();
        if self.core.running_calls.fetch_add(1, Ordering::AcqRel) == 0 {
            self.core.calls.ring();
        }
        let finished = match code {
            Code::Plugin(prepared) => {
                let instance = self.instances.remove(&number);
                let (marks, worker) = (&self.core.marks, self.number);
                let mut handler = PluginHandler { worker: self, prepared: &prepared, instance, name: &name };
                let finished = run_batch(batch, context, &mut marks.around(worker, &mut handler));
                if let Some(instance) = handler.instance.take() {
                    self.instances.insert(number, instance);
                }
                finished
            }
            Code::Closure(closure) => {
                let mut handler = ClosureHandler { closure: &*closure, name: &name };
                run_batch(batch, context, &mut self.core.marks.around(self.number, &mut handler))
            }
        };
        self.core.running_calls.fetch_sub(1, Ordering::AcqRel);
        finished
    }

    /// Drops instances of code that is no longer run.
    fn forget_removed(&mut self) {
        let removals = self.core.code.removals();
        if removals != self.removals {
            self.removals = removals;
            self.instances.retain(|number, _| self.core.code.contains(*number));
        }
    }
}

struct PluginHandler<'w, 'c> {
    worker: &'w mut Worker<'c>,
    prepared: &'w Prepared<Attempt>,
    instance: Option<Instance<Attempt>>,
    name: &'w str,
}

impl PluginHandler<'_, '_> {
    fn instance(&mut self) -> Result<Instance<Attempt>, InstantiateError> {
        if let Some(instance) = self.instance.take() {
            return Ok(instance);
        }
        match self.prepared.instantiate() {
            Err(InstantiateError::TooManyInstances) if !self.worker.instances.is_empty() => {
                // Idle ones of other plugins make room; they are started again when their turn comes.
                self.worker.instances.clear();
                self.prepared.instantiate()
            }
            other => other,
        }
    }
}

impl Handler for PluginHandler<'_, '_> {
    fn call(&mut self, attempt: Attempt) -> (Answer, Attempt) {
        let mut instance = match self.instance() {
            Ok(instance) => instance,
            Err(error) => {
                let answer = Answer::Failed { cause: FailureCause::Trap, error: error.to_string() };
                return (answer, attempt);
            }
        };
        let event = attempt.share_event();
        let (answer, mut attempt) = instance.call(&event, attempt);
        if !instance.is_spent() {
            self.instance = Some(instance);
        }
        pass_on(self.name, attempt.take_log());
        (answer, attempt)
    }
}

struct ClosureHandler<'w> {
    closure: &'w (dyn Fn(&Event, &mut Attempt) -> Answer + Send + Sync),
    name: &'w str,
}

impl Handler for ClosureHandler<'_> {
    fn call(&mut self, attempt: Attempt) -> (Answer, Attempt) {
        let (answer, mut attempt) = call_closure(self.closure, attempt);
        pass_on(self.name, attempt.take_log());
        (answer, attempt)
    }
}

/// Calls a closure; its panic is a failed attempt.
pub(super) fn call_closure(
    closure: &(dyn Fn(&Event, &mut Attempt) -> Answer + Send + Sync),
    mut attempt: Attempt,
) -> (Answer, Attempt) {
    let event = attempt.share_event();
    let called = catch_unwind(AssertUnwindSafe(|| closure(&event, &mut attempt)));
    let answer = called.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Answer::Failed { cause: FailureCause::Panic, error: format!("closure panicked: {text}") }
    });
    (answer, attempt)
}

pub(super) fn pass_on(consumer: &str, lines: Vec<LogLine>) {
    for LogLine { level, message, fields } in lines {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fields = fields.join(" ");
        match level {
            LogLevel::Trace => tracing::trace!(target: "camshaft::plugin", consumer, fields, "{message}"),
            LogLevel::Debug => tracing::debug!(target: "camshaft::plugin", consumer, fields, "{message}"),
            LogLevel::Info => tracing::info!(target: "camshaft::plugin", consumer, fields, "{message}"),
            LogLevel::Warn => tracing::warn!(target: "camshaft::plugin", consumer, fields, "{message}"),
            LogLevel::Error => tracing::error!(target: "camshaft::plugin", consumer, fields, "{message}"),
        }
    }
}
