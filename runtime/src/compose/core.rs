//! What all threads share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use camshaft_engine::{Clock, Damage, Reading, Sequencer, SharedSequencer};
use camshaft_event::Timestamp;
use camshaft_log::{Kept, LogReader};

use super::bell::Bell;
use super::clock::MachineClock;
use super::code::CodeTable;
use super::decided::Decided;
use super::durable::DurableWatch;
use super::instances::Instances;
use super::made::Made;
use super::marks::Marks;
use super::phase::{Phase, Reached, Thread};
use super::told::Told;
use crate::Config;
use crate::compose::EmbeddedStore;

/// The running engine, log and code. The runtime's public face and every thread hold it.
pub(crate) struct Core {
    pub(crate) config: Config,
    /// What is outside of this module reaches it by [`access`](super::access) only.
    pub(super) sequencer: SharedSequencer<EmbeddedStore>,
    pub(crate) log: Arc<dyn LogReader>,
    /// Facts that the log has dropped; the flusher writes them.
    pub(super) kept: Arc<Kept>,
    pub(crate) code: CodeTable,
    pub(crate) clock: MachineClock,
    pub(crate) durable: DurableWatch,
    /// Rung when a worker may find a batch.
    pub(crate) work: Bell,
    /// Rung when a call of a sink may be found, or one has ended.
    pub(crate) sinks: Bell,
    /// Rung when the writer may find records, or has something else to do.
    pub(crate) write: Bell,
    /// Rung when a lagging consumer may want to read.
    pub(crate) read: Bell,
    /// Rung when something is due earlier than the timekeeper knows.
    pub(crate) due: Bell,
    /// Rung when the overlay is full, when the sync that the flusher waits for is done, and now and then
    /// while the log grows.
    pub(crate) flush: Bell,
    /// Rung when something moved in the plugins directory, was loaded, or has ended its probation.
    pub(crate) plugins: Bell,
    /// Rung when a handler is called while none was.
    pub(crate) calls: Bell,
    /// Instances that are not called at the moment.
    pub(super) instances: Instances,
    /// Calls of sinks that are being made.
    pub(super) made: Made,
    /// Senders that wait for decisions.
    pub(crate) decided: Decided,
    /// What the engine noticed, as lines of the log.
    pub(super) told: Told,
    /// What workers are handling.
    pub(crate) marks: Marks,
    /// Handlers that are being called, and plugins whose start code is tried out.
    pub(crate) running_calls: AtomicUsize,
    /// The sequence before which the writer shall trim the log.
    pub(crate) trim_before: AtomicU64,
    /// The transaction whose sync the flusher waits for. It is set and read under the sequencer's lock.
    pub(crate) flush_waits_for: AtomicU64,
    /// How many publishes have to be queued before the writer wants to be woken.
    pub(crate) gathers: AtomicUsize,
    /// How far it is on its way to its end.
    pub(crate) phase: Reached,
    /// How the writer thread is scheduled.
    pub(crate) scheduling: OnceLock<String>,
    pub(crate) threads: Mutex<Vec<(Thread, JoinHandle<()>)>>,
}

/// Deadlines are counted until it is dropped.
pub(crate) struct Deadlines<'c>(&'c Core);

impl Drop for Deadlines<'_> {
    fn drop(&mut self) {
        self.0.running_calls.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Core {
    /// Lets the ticker count deadlines, which it does only while code of a plugin may run.
    pub(crate) fn count_deadlines(&self) -> Deadlines<'_> {
        if self.running_calls.fetch_add(1, Ordering::AcqRel) == 0 {
            self.calls.ring();
        }
        Deadlines(self)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs `step` in the critical section, then wakes the threads that have something to do after it. Each
    /// step that may change something goes through here: what it makes due, queues or readies is looked at in
    /// the same section, so no thread sleeps through it.
    pub(super) fn step<T>(&self, step: impl FnOnce(&mut Sequencer<EmbeddedStore>) -> T) -> T {
        let mut sequencer = self.sequencer.lock();
        sequencer.tell_time(Reading::of(&self.clock));
        let before = sequencer.sequenced().sequence;
        let result = step(&mut sequencer);
        // The writer is woken for each record once: a second ring would end its wait for more of them.
        let has_queued = sequencer.sequenced().sequence > before;
        let write = has_queued && sequencer.queued_publishes() >= self.gathers.load(Ordering::Relaxed);
        let due = sequencer.moves_alarm();
        let (work, read) = (sequencer.has_work(), sequencer.wants_read());
        let (sinks, plugins) = (sequencer.has_calls(), sequencer.has_verdicts());
        let found = sequencer.take_found_damage();
        let notices = sequencer.take_notices();
        let decided = sequencer.take_decided();
        drop(sequencer);
        for (consumer, Damage { part, reason, .. }) in found {
            let damaged = part.to_string();
            tracing::error!(consumer, damaged, reason, "a consumer is paused: data that it needs is damaged");
        }
        // Workers first: the writer has a higher priority, and would keep this thread from waking them.
        if work {
            self.work.ring();
        }
        if write {
            self.write.ring();
        }
        if sinks {
            self.sinks.ring();
        }
        if read {
            self.read.ring();
        }
        if due {
            self.due.ring();
        }
        if plugins {
            self.plugins.ring();
        }
        if !decided.is_empty() {
            self.decided.wake(&decided);
        }
        if !notices.is_empty() {
            self.told.tell(notices);
        }
        result
    }

    /// Keeps the suspects that have not run again yet where they outlive the process.
    pub(crate) fn keep_suspects(&self) {
        let left = self.sequencer.lock().suspects();
        self.marks.keep(&left);
    }

    /// Ends the runtime after something that cannot be mended while it runs, and that no event has brought
    /// about.
    pub(crate) fn fail(&self, reason: impl std::fmt::Display) {
        self.marks.absolve();
        self.fail_amid_events(reason);
    }

    /// The same where an event that is being handled may have brought it about: its mark stands.
    pub(crate) fn fail_amid_events(&self, reason: impl std::fmt::Display) {
        let reason = reason.to_string();
        tracing::error!(reason, "the runtime cannot continue: durable data is safe, restart the runtime");
        self.durable.poison(reason);
        self.phase.advance(Phase::Draining);
        self.decided.wake_all();
        self.ring_all();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.phase.is(Phase::Draining)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.phase.is(Phase::Stopping)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.phase.is(Phase::Closing)
    }

    pub(crate) fn ring_all(&self) {
        let engine = [&self.work, &self.sinks, &self.write, &self.read, &self.due, &self.flush];
        for bell in engine.into_iter().chain([&self.plugins, &self.calls]) {
            bell.ring();
        }
    }

    /// Starts a thread that `shutdown` joins. A panic in it ends the runtime: nobody knows what it left
    /// undone.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        which: Thread,
        body: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> std::io::Result<()> {
        let core = Arc::clone(self);
        let thread = thread::Builder::new().name(format!("camshaft-{which}")).spawn(move || {
            let run = std::panic::AssertUnwindSafe(|| body(&core));
            if std::panic::catch_unwind(run).is_err() {
                // It may have panicked over what it was handling, so the marks stand.
                core.fail_amid_events(format!("thread {which} panicked"));
            }
        })?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push((which, thread));
        Ok(())
    }
}
