//! A worker thread: takes a batch, calls its handler event by event, commits. Wasm is called synchronously.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use camshaft_engine::{Attempt, Batch, Handler, LogLine, StateReader, WorkerContext, run_batch};
use camshaft_event::{Answer, Event, FailureCause, LogLevel};
use camshaft_host::{Instance, InstantiateError, Prepared};
use camshaft_tables::TablesError;
use rand_chacha::ChaCha8Rng;

use super::code::Code;
use super::core::Core;
use super::idle::Idle;

pub(crate) fn run(core: &Arc<Core>, number: usize, mut random: ChaCha8Rng) {
    let worker = Worker { core, number };
    let reader: Arc<dyn StateReader> = Arc::new(core.sequencer.clone());
    let options = Arc::clone(core.sequencer.lock().options());
    loop {
        let seen = core.work.count();
        if core.is_draining() {
            core.idle.clear();
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
        let context =
            WorkerContext { options: &options, reader: &reader, clock: &core.clock, random: &mut random };
        let was_suspect = batch.is_suspect();
        let finished = worker.run(code, batch, context);
        if let Err(error) = core.step(|sequencer| sequencer.commit(finished, core.now())) {
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
    core.step(|sequencer| {
        let batch = sequencer.take(core.now())?;
        // Without one there is no work either: workers do not wake each other while the engine has no room.
        debug_assert!(batch.is_some() || !sequencer.has_work(), "a worker passes over work");
        Ok(batch.map(|batch| (core.code.get(batch.spec.code), batch)))
    })
}

struct Worker<'c> {
    core: &'c Arc<Core>,
    /// From 0.
    number: usize,
}

impl Worker<'_> {
    fn run(&self, code: Code, batch: Batch, context: WorkerContext<'_>) -> camshaft_engine::Finished {
        let number = batch.spec.code;
        let name = batch.spec.name.clone();
        let _deadlines = self.core.count_deadlines();
        match code {
            Code::Plugin(prepared) => {
                let Core { idle, code, marks, .. } = &**self.core;
                let instance = idle.take(self.number, code, number);
                let mut handler =
                    PluginHandler { idle, prepared: &prepared, instance, failure: None, name: &name };
                let finished = run_batch(batch, context, &mut marks.around(self.number, &mut handler));
                // Before the commit, after which those that wait for an instance look for one again.
                if let Some(instance) = handler.instance.take() {
                    idle.keep(self.number, code, number, instance);
                }
                finished
            }
            Code::Closure(closure) => {
                let mut handler = ClosureHandler { closure: &*closure, name: &name };
                run_batch(batch, context, &mut self.core.marks.around(self.number, &mut handler))
            }
        }
    }
}

struct PluginHandler<'w> {
    idle: &'w Idle,
    prepared: &'w Prepared<Attempt>,
    instance: Option<Instance<Attempt>>,
    /// Why there is none, if the plugin could not be started.
    failure: Option<String>,
    name: &'w str,
}

impl PluginHandler<'_> {
    fn instantiate(&self) -> Result<Instance<Attempt>, InstantiateError> {
        match self.prepared.instantiate() {
            Err(InstantiateError::TooManyInstances) if self.idle.clear() => self.prepared.instantiate(),
            other => other,
        }
    }
}

impl Handler for PluginHandler<'_> {
    fn get_ready(&mut self, _: &Attempt) -> bool {
        if self.instance.is_some() {
            return true;
        }
        match self.instantiate() {
            Ok(instance) => self.instance = Some(instance),
            Err(InstantiateError::TooManyInstances) => {
                self.idle.tell_shortage(self.name);
                return false;
            }
            Err(error) => self.failure = Some(error.to_string()),
        }
        true
    }

    fn call(&mut self, attempt: Attempt) -> (Answer, Attempt) {
        let Some(mut instance) = self.instance.take() else {
            let error = self.failure.take().unwrap_or_default();
            return (Answer::Failed { cause: FailureCause::Trap, error }, attempt);
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
