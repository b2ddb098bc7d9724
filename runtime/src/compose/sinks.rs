//! Sinks: a thread takes their calls, tasks make them. A call that waits for something outside holds no
//! thread.
//!
//! IMPORTANT: a call is made only once what [`Release`] names is durable, and what its handler reads is
//! durable, too; after that nothing takes it back. Embedded closures that block have a thread of their own
//! while they are called; async ones are tasks, as plugins are.

mod reader;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use camshaft_engine::{
    Attempt, Batch, Call, CallStart, EngineOptions, Finished, Mark, Release, StateReader, WorkerContext,
};
use camshaft_event::{Answer, FailureCause, Sequence};
use camshaft_host::{Instance, InstantiateError};
use camshaft_tables::TablesError;
use futures_util::FutureExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::runtime::{Builder, Runtime};

use super::code::Code;
use super::core::Core;
use super::instances::{Keeper, Slot};
use super::next::Pool;
use super::worker::{call_closure, panicked, pass_on};
use reader::DurableState;

/// How soon what found no room is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// How often it is looked whether the calls under way have ended, while the runtime drains.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) fn run(core: &Arc<Core>, threads: usize, mut random: ChaCha8Rng) {
    let sinks = Arc::new(Sinks::new(core));
    // Most runtimes have no sink.
    let mut tasks: Option<Runtime> = None;
    while let Some((code, batch)) = core.next(Pool::Sinks) {
        let runtime = match tasks.take().map_or_else(|| start(threads), Ok) {
            Ok(runtime) => tasks.insert(runtime),
            Err(error) => {
                core.fail(format!("the threads of sinks could not be started: {error}"));
                break;
            }
        };
        let (sinks, random) = (Arc::clone(&sinks), ChaCha8Rng::from_rng(&mut random));
        let under_way = UnderWay::new(&sinks);
        runtime.spawn(async move {
            if let Err(error) = under_way.0.make(code, batch, random).await {
                under_way.0.core.fail(error);
            }
            drop(under_way);
        });
    }
    while sinks.under_way.load(Ordering::Acquire) > 0 && !core.is_closing() {
        let seen = core.sinks.count();
        core.sinks.wait(seen, Some(LOOK));
    }
    if let Some(runtime) = tasks {
        runtime.shutdown_background();
    }
}

fn start(threads: usize) -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(threads).thread_name("camshaft-sink").enable_all().build()
}

/// What all calls share.
struct Sinks {
    core: Arc<Core>,
    options: Arc<EngineOptions>,
    reader: Arc<dyn StateReader>,
    under_way: AtomicUsize,
}

/// A call that has been taken and not ended yet.
struct UnderWay(Arc<Sinks>);

impl UnderWay {
    fn new(sinks: &Arc<Sinks>) -> Self {
        sinks.under_way.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(sinks))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.core.fail_amid_events("a call of a sink panicked outside its handler");
        }
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
        self.0.core.sinks.ring();
    }
}

impl Sinks {
    fn new(core: &Arc<Core>) -> Self {
        Self {
            core: Arc::clone(core),
            options: Arc::clone(core.sequencer.lock().options()),
            reader: Arc::new(DurableState::new(core)),
            under_way: AtomicUsize::new(0),
        }
    }

    /// Makes the call that `batch` asks for, from its release to its commit.
    async fn make(&self, code: Code, batch: Batch, mut random: ChaCha8Rng) -> Result<(), TablesError> {
        let begun = {
            let (options, reader, clock) = (&self.options, &self.reader, &self.core.clock);
            Call::begin(batch, WorkerContext { options, reader, clock, random: &mut random })
        };
        let (mut call, attempt) = match begun {
            CallStart::Call(call, attempt) => (call, *attempt),
            CallStart::Finished(finished) => return self.commit(finished).await,
        };
        // Before the release, so that a handler that cannot be had is no call that was made.
        let ready = match self.get_ready(call.batch(), code).await {
            Ok(ready) => ready,
            Err(InstantiateError::TooManyInstances) => {
                return self.commit(Box::new(call.run_short(attempt, &mut random))).await;
            }
            Err(error) => {
                let answer = Answer::Failed { cause: FailureCause::Trap, error: error.to_string() };
                return self.commit(Box::new(call.end(answer, attempt, &mut random))).await;
            }
        };
        let Some(after) = self.release(&mut call, &attempt).await? else {
            return self.commit(Box::new(call.abandon())).await;
        };
        if self.core.durable.wait_for(after).await.is_err() {
            // It never will be, and the process ends: nothing leaves it.
            return Ok(());
        }
        let spec = Arc::clone(&call.batch().spec);
        let delivery = spec.policy.sink.map(|sink| sink.delivery).unwrap_or_default();
        let _being_made = self.core.made.begin(&spec.name, attempt.mark().offset, delivery);
        let deadlines = self.core.count_deadlines();
        let called = self.call(ready, attempt).await;
        drop(deadlines);
        let Some((answer, mut attempt)) = called else { return Ok(()) };
        pass_on(&mut attempt);
        self.commit(Box::new(call.end(answer, attempt, &mut random))).await
    }

    /// What must be durable before the call; none if it must not be made.
    async fn release(&self, call: &mut Call, attempt: &Attempt) -> Result<Option<Sequence>, TablesError> {
        loop {
            let now = self.core.now();
            match self.core.step(|sequencer| sequencer.release(call, attempt, now))? {
                Release::After(sequence) => return Ok(Some(sequence)),
                Release::Stale => return Ok(None),
                Release::NotNow(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    async fn get_ready(&self, batch: &Batch, code: Code) -> Result<Ready<'_>, InstantiateError> {
        let prepared = match code {
            Code::Closure(closure, _) => return Ok(Ready::Closure(closure)),
            Code::AsyncClosure(closure) => return Ok(Ready::AsyncClosure(closure)),
            Code::Plugin(prepared) => prepared,
        };
        let mut slot = self.core.instances.slot(Keeper::Sinks, &self.core.code, batch.spec.code);
        let instance = match slot.take() {
            Some(instance) => instance,
            None => {
                // Its start code has a deadline, too.
                let _deadlines = self.core.count_deadlines();
                self.core.instances.start_async(&prepared, &batch.spec.name).await?
            }
        };
        Ok(Ready::Plugin(Box::new((slot, instance))))
    }

    /// Calls the handler. None if the process ends meanwhile.
    async fn call(&self, ready: Ready<'_>, mut attempt: Attempt) -> Option<(Answer, Attempt)> {
        let mark = attempt.mark();
        match ready {
            Ready::Plugin(mut ready) => {
                let event = attempt.share_event();
                let called = self.marked(mark, ready.1.call_async(&event, attempt)).await;
                let (mut slot, instance) = *ready;
                slot.put_back(instance);
                Some(called)
            }
            Ready::AsyncClosure(closure) => {
                let event = attempt.share_event();
                let call = AssertUnwindSafe(async { closure(&event, &mut attempt).await }).catch_unwind();
                let called = self.marked(mark, call).await;
                Some((called.unwrap_or_else(panicked), attempt))
            }
            Ready::Closure(closure) => {
                let core = Arc::clone(&self.core);
                let called = tokio::task::spawn_blocking(move || {
                    let _marked = core.marks.call(mark);
                    call_closure(&*closure, attempt)
                });
                called.await.ok()
            }
        }
    }

    /// Lets a call run, and marks whose it is while it does: who waits for something outside takes no process
    /// down.
    async fn marked<T>(&self, mark: Mark, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        std::future::poll_fn(|cx| {
            let _marked = self.core.marks.call(mark);
            call.as_mut().poll(cx)
        })
        .await
    }

    async fn commit(&self, mut finished: Box<Finished>) -> Result<(), TablesError> {
        let was_suspect = finished.is_suspect();
        loop {
            let now = self.core.now();
            match self.core.step(|sequencer| sequencer.commit_call(finished, now))? {
                Ok(_) => break,
                Err(back) => finished = back,
            }
            tokio::time::sleep(AGAIN).await;
        }
        if was_suspect {
            self.core.keep_suspects();
        }
        Ok(())
    }
}

/// What can be called.
enum Ready<'s> {
    Plugin(Box<(Slot<'s>, Instance<Attempt>)>),
    Closure(super::Closure),
    AsyncClosure(super::AsyncClosure),
}
