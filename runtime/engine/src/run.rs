//! Running a batch: the worker's step, without threads, so that the simulator runs the same code.
//!
//! It calls the handler event by event, turns each answer into a section, and keeps what later events of the
//! batch must know: earlier writes, and which keys became held. Nothing in here is visible to anybody until
//! the sequencer commits it.

mod call;
mod command;
mod failure;
mod outcome;
mod refold;
mod rehearsal;

use std::collections::HashMap;
use std::sync::Arc;

use camshaft_event::transaction::{Body, Handled, HeldChange, Outcome, Section};
use camshaft_event::{Answer, Event, FailureCause, HeldEvent, Key, Offset, Scope, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::TablesError;
use rand_chacha::ChaCha8Rng;

use crate::EngineOptions;
use crate::attempt::{Account, Attempt, Effects, Reads, SECTION_BYTES, StateReader, TimersInBatch, Writes};
use crate::batch::{Batch, Item, KeyInBatch};
use crate::clock::{Clock, TimeText};
use crate::suspects::Suspicion;
pub use call::{Call, CallStart};
pub use rehearsal::{Rehearsal, Rehearsed};

/// A batch takes no further event once its attempts have kept this part of what one attempt may keep.
const BATCH_SHARE: usize = 4;

/// Runs the code of a consumer: one of the three seams.
pub trait Handler {
    /// Gets what the next call needs. `false` means a shortage: there is no instance to call now. That is no
    /// attempt; the events go back and are tried again once an instance may be free.
    fn get_ready(&mut self, attempt: &Attempt) -> bool {
        let _ = attempt;
        true
    }

    /// After [`Handler::get_ready`]: calls the handler once with [`Attempt::event`] and gives the attempt
    /// back with its answer.
    fn call(&mut self, attempt: Attempt) -> (Answer, Attempt);

    /// Makes the fold of a scope after `facts`, by the `evolve` of an aggregate, in another instance than the
    /// one that decides. It is not called for a consumer whose folds never have another revision.
    ///
    /// # Errors
    /// The failure of `evolve`; without an `evolve`, a reject.
    fn evolve(&mut self, scope: &Scope, fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Answer> {
        let _ = (fold, facts);
        Err(Answer::Reject { reason: format!("nothing makes the fold of scope \"{scope}\"") })
    }
}

/// What a worker hands to [`run_batch`] beside the batch and the handler.
pub struct WorkerContext<'w> {
    /// The engine's bounds.
    pub options: &'w Arc<EngineOptions>,
    /// Committed state.
    pub reader: &'w Arc<dyn StateReader>,
    /// The time.
    pub clock: &'w dyn Clock,
    /// For the jitter of retries.
    pub random: &'w mut ChaCha8Rng,
}

/// A batch that was run, for [`crate::Sequencer::commit`].
#[derive(Debug)]
pub struct Finished {
    pub(crate) batch: Batch,
    /// Items from here on were not dealt with and go back.
    pub(crate) dealt: usize,
    /// How often the handler was called.
    pub(crate) calls: usize,
    /// How long a worker was held by that, in microseconds.
    pub(crate) handler_us: u64,
    pub(crate) sections: Vec<Section>,
    /// The keys of the sections, one each.
    pub(crate) keys: Vec<Key>,
    pub(crate) reads: Reads,
    /// By how many bytes of keys and values they let the state grow, if it is as it was seen.
    pub(crate) state_growth: i64,
    pub(crate) body: Body,
    /// The events that are retried, each with what the monotonic clock shows then, in microseconds.
    pub(crate) retries: Vec<(Offset, u64)>,
    /// How the call went, if its event was done before it.
    pub(crate) released: Option<Tried>,
    /// Whether it ended for want of an instance.
    pub(crate) is_short: bool,
    /// Why the tables could not be read, if so: not the handler's fault, so no attempt counts.
    pub unread: Option<TablesError>,
}

impl Finished {
    /// Whether it ran alone; see [`Batch::is_suspect`].
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.batch.is_suspect()
    }
}

/// Calls `handler` for the events of `batch`, in order, until the batch, its time or its room is used up.
pub fn run_batch(batch: Batch, mut context: WorkerContext<'_>, handler: &mut dyn Handler) -> Finished {
    let mut run = Run::new(batch, &context);
    while let Some(attempt) = run.next(&mut context) {
        if !handler.get_ready(&attempt) {
            if is_on(Sabotage::CountShortage) {
                let answer = Answer::Failed { cause: FailureCause::Trap, error: "no instance".to_owned() };
                run.record(answer, attempt, context.random);
                continue;
            }
            run.run_short(attempt);
            break;
        }
        run.calls += 1;
        let (answer, attempt) = handler.call(attempt);
        run.record(answer, attempt, context.random);
    }
    // What the batch has done commits first.
    if let Some(scope) = run.stale.take().filter(|_| run.sections.is_empty()) {
        run.refold(&scope, &mut context, handler);
    }
    let handler_us = context.clock.elapsed_us().saturating_sub(run.started_us);
    Finished { handler_us, ..run.finish() }
}

#[derive(Debug)]
struct Run {
    batch: Batch,
    next: usize,
    calls: usize,
    ended: bool,
    keys: HashMap<Key, KeyInBatch>,
    writes: Writes,
    /// By how many bytes the sections let the state grow.
    state_growth: i64,
    /// Bytes of the facts in the sections.
    fact_bytes: u64,
    timers: TimersInBatch,
    time: TimeText,
    sections: Vec<Section>,
    section_keys: Vec<Key>,
    body: Body,
    max_bytes: usize,
    reads: Reads,
    retries: Vec<(Offset, u64)>,
    /// What was kept for its attempts.
    kept_bytes: usize,
    started_us: u64,
    is_short: bool,
    unread: Option<TablesError>,
    /// A scope whose fold has another revision.
    stale: Option<Scope>,
}

/// An attempt that ended.
#[derive(Debug)]
pub(crate) struct Tried {
    number: u32,
    at: Timestamp,
    /// The same moment on the monotonic clock.
    began_us: u64,
    effects: Effects,
}

/// Whether a section found room in the transaction.
enum Room {
    Taken,
    /// There is some in a later one.
    NextBatch,
    /// There is none in any: it would have this many bytes.
    Nowhere(usize),
}

impl Run {
    fn new(batch: Batch, context: &WorkerContext<'_>) -> Self {
        Self::within(batch, context.options.max_transaction_bytes, context.clock.elapsed_us())
    }

    fn within(mut batch: Batch, max_bytes: usize, started_us: u64) -> Self {
        // Most handlers publish about as much as they are given.
        let capacity = batch.items.iter().map(|item| item.event.size() + SECTION_BYTES).sum::<usize>();
        Self {
            keys: std::mem::take(&mut batch.keys),
            timers: TimersInBatch::of(batch.timers),
            time: TimeText::default(),
            batch,
            next: 0,
            calls: 0,
            ended: false,
            writes: Writes::new(),
            state_growth: 0,
            fact_bytes: 0,
            sections: Vec::new(),
            section_keys: Vec::new(),
            body: Body::with_capacity(capacity.min(max_bytes)),
            max_bytes,
            reads: Reads::default(),
            retries: Vec::new(),
            kept_bytes: 0,
            started_us,
            is_short: false,
            unread: None,
            stale: None,
        }
    }

    /// The next attempt. Events that only have to wait are dealt with on the way.
    fn next(&mut self, context: &mut WorkerContext<'_>) -> Option<Attempt> {
        while !self.ended {
            let item = self.batch.items.get(self.next)?.clone();
            let now_us = context.clock.elapsed_us();
            let elapsed_us = now_us.saturating_sub(self.started_us);
            // What its attempts read is kept until the batch commits.
            let is_large = self.kept_bytes >= context.options.max_attempt_bytes / BATCH_SHARE;
            if !self.sections.is_empty() && (elapsed_us >= context.options.batch_us || is_large) {
                return None;
            }
            let held = self.keys.get(&item.key).copied().unwrap_or_default();
            let may_run = item.held().map_or(!held.holds_new(), |_| !held.blocked);
            if may_run && self.batch.suspicion.is_some_and(Suspicion::is_condemned) {
                self.condemn(&item, now_us, context);
                continue;
            }
            if may_run && self.refuses_expired(&item, now_us, context) {
                continue;
            }
            match item.held() {
                // Its turn has not come: it stays where it is, in the tables.
                Some(_) if held.blocked => self.next += 1,
                Some(waiting) => {
                    let number = waiting.next_attempt();
                    let attempt = self.attempt(&item, number, now_us, context);
                    if let Some(attempt) = self.expected(attempt, context) {
                        return Some(attempt);
                    }
                }
                None if held.holds_new() => self.hold(item, context.clock.now()),
                None => {
                    let attempt = self.attempt(&item, 1, now_us, context);
                    if let Some(attempt) = self.expected(attempt, context) {
                        return Some(attempt);
                    }
                }
            }
        }
        None
    }

    fn attempt(&mut self, item: &Item, number: u32, began_us: u64, context: &WorkerContext<'_>) -> Attempt {
        Attempt {
            spec: Arc::clone(&self.batch.spec),
            lone_runs: self.batch.suspicion.map_or(0, Suspicion::next_run),
            options: Arc::clone(context.options),
            reader: Arc::clone(context.reader),
            space: self.batch.space,
            generation: self.batch.generation,
            event: item.event.clone(),
            offset: item.offset,
            number,
            now: context.clock.now(),
            began_us,
            random: None,
            earlier: std::mem::take(&mut self.writes),
            state_bytes: self.batch.state_bytes.saturating_add_signed(self.state_growth),
            fact_bytes: self.batch.fact_bytes + self.fact_bytes,
            timers: std::mem::take(&mut self.timers),
            time: std::mem::take(&mut self.time),
            account: Account::new(context.options.max_attempt_bytes),
            effects: Effects::default(),
        }
    }

    /// Returns an attempt whose handler was not called, and ends the batch: its event and those after it go
    /// back.
    fn run_short(&mut self, attempt: Attempt) {
        self.writes = attempt.earlier;
        self.timers = attempt.timers;
        self.time = attempt.time;
        self.ended = true;
        self.is_short = true;
    }

    /// Puts a new event behind the held ones of its key.
    fn hold(&mut self, item: Item, now: Timestamp) {
        let mut section = self.section(&item, 0, now, Outcome::Held);
        let held = HeldEvent { held_since: Some(now), ..item.to_held() };
        section.held.push(HeldChange { offset: item.offset, event: Some(Box::new(held)) });
        if let Room::Taken = self.push(&item.key, section, &mut Reads::default()) {
            self.key(&item).remaining += 1;
        }
    }

    fn section(&self, item: &Item, attempt: u32, at: Timestamp, outcome: Outcome) -> Handled {
        Handled {
            consumer: self.batch.space.consumer,
            cause: item.offset,
            advances: (item.held().is_none() && !self.batch.is_released).then_some(self.batch.partition),
            state_generation: self.batch.space.generation,
            activation: self.batch.activation,
            attempt,
            at,
            outcome,
            again: item.held().is_some_and(HeldEvent::has_failed),
            command: self.waiting_command(item, outcome),
            ..Handled::default()
        }
    }

    /// What is to be said of a held event that no longer is one, unless it was said when it was released.
    fn no_longer_held(&self, item: &Item) -> Option<HeldChange> {
        let is_held = item.held().is_some() && !self.batch.is_released;
        is_held.then_some(HeldChange { offset: item.offset, event: None })
    }

    fn key(&mut self, item: &Item) -> &mut KeyInBatch {
        self.keys.entry(item.key.clone()).or_default()
    }

    /// Adds a section, if there is room. The first one of a batch always finds it, unless a handler's effects
    /// make it too large: what the runtime itself says of an event is little more than the event. `reads` is
    /// what the attempt has read; it is taken only with the section, since another outcome may have to stand
    /// on it.
    fn push(&mut self, key: &Key, section: Handled, reads: &mut Reads) -> Room {
        let mark = self.body.mark();
        let is_handlers = section.outcome == Outcome::Done;
        let section = Section::Handled(Box::new(section));
        self.body.push(&section);
        let bytes = self.body.len();
        if bytes > self.max_bytes {
            if !self.sections.is_empty() {
                self.body.undo(mark);
                self.ended = true;
                return Room::NextBatch;
            }
            if is_handlers {
                self.body.undo(mark);
                return Room::Nowhere(bytes);
            }
        }
        // An outcome counts only if what it saw still stands at commit, whichever outcome it is.
        self.reads.absorb(std::mem::take(reads));
        self.sections.push(section);
        self.section_keys.push(key.clone());
        self.next += 1;
        Room::Taken
    }

    fn finish(self) -> Finished {
        Finished {
            batch: self.batch,
            dealt: self.next,
            calls: self.calls,
            handler_us: 0,
            sections: self.sections,
            keys: self.section_keys,
            reads: self.reads,
            state_growth: self.state_growth,
            body: self.body,
            retries: self.retries,
            released: None,
            is_short: self.is_short,
            unread: self.unread,
        }
    }
}
