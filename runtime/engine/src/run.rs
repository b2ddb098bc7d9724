//! Running a batch: the worker's step, without threads, so that the simulator runs the same code.
//!
//! It calls the handler event by event, turns each answer into a section, and keeps what later events of the
//! batch must know: earlier writes, and which keys became held. Nothing in here is visible to anybody until the
//! sequencer commits it.

use std::collections::HashMap;
use std::sync::Arc;

use camshaft_event::transaction::{DeadChange, Handled, HeldChange, Outcome, Section, StateWrite};
use camshaft_event::{
    AfterDeadLetter, Answer, DeadLetter, EffectError, FailedAttempt, FailureCause, HeldEvent, Key, Sequence,
    Timestamp, Transaction,
};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::attempt::{Attempt, Effects, StateReader, Writes};
use crate::batch::{Batch, Item, KeyInBatch};
use crate::clock::Clock;
use crate::system_event::{self, system_event};
use crate::{EngineOptions, backoff};

/// Runs the code of a consumer: one of the three seams.
pub trait Handler {
    /// Calls the handler once with [`Attempt::event`] and gives the attempt back with its answer.
    fn call(&mut self, attempt: Attempt) -> (Answer, Attempt);
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
    pub(crate) sections: Vec<Section>,
    /// The keys of the sections, one each.
    pub(crate) keys: Vec<Key>,
    pub(crate) reads: Vec<(Vec<u8>, Sequence)>,
    pub(crate) scanned: bool,
    pub(crate) body: Vec<u8>,
    /// Why the tables could not be read, if so: the host's fault, nobody's attempt counts.
    pub unavailable: Option<String>,
}

/// Calls `handler` for the events of `batch`, in order, until the batch, its time or its room is used up.
pub fn run_batch(batch: Batch, mut context: WorkerContext<'_>, handler: &mut dyn Handler) -> Finished {
    let mut run = Run::new(batch, context.clock.elapsed_us());
    while let Some(attempt) = run.next(&mut context) {
        let (answer, attempt) = handler.call(attempt);
        run.record(answer, attempt, &mut context);
    }
    run.finish()
}

struct Run {
    batch: Batch,
    next: usize,
    ended: bool,
    keys: HashMap<Key, KeyInBatch>,
    writes: Writes,
    sections: Vec<Section>,
    section_keys: Vec<Key>,
    reads: Vec<(Vec<u8>, Sequence)>,
    scanned: bool,
    bytes: usize,
    started_us: u64,
    unavailable: Option<String>,
}

impl Run {
    fn new(mut batch: Batch, started_us: u64) -> Self {
        Self {
            keys: std::mem::take(&mut batch.keys),
            batch,
            next: 0,
            ended: false,
            writes: Writes::new(),
            sections: Vec::new(),
            section_keys: Vec::new(),
            reads: Vec::new(),
            scanned: false,
            bytes: 0,
            started_us,
            unavailable: None,
        }
    }

    /// The next attempt. Events that only have to wait are dealt with on the way.
    fn next(&mut self, context: &mut WorkerContext<'_>) -> Option<Attempt> {
        while !self.ended {
            let item = self.batch.items.get(self.next)?.clone();
            let used_up =
                context.clock.elapsed_us().saturating_sub(self.started_us) >= context.options.batch_us;
            let full = self.bytes + item.event.size() > context.options.max_transaction_bytes;
            if !self.sections.is_empty() && (used_up || full) {
                return None;
            }
            let held = self.keys.get(&item.key).copied().unwrap_or_default();
            match item.held() {
                // Its turn has not come: it stays where it is, in the tables.
                Some(_) if held.blocked => self.next += 1,
                Some(waiting) => {
                    let number = waiting.attempts + 1;
                    return Some(self.attempt(&item, number, context));
                }
                None if held.blocked || held.remaining > 0 => self.hold(item, context.clock.now()),
                None => return Some(self.attempt(&item, 1, context)),
            }
        }
        None
    }

    fn attempt(&mut self, item: &Item, number: u32, context: &WorkerContext<'_>) -> Attempt {
        Attempt {
            spec: Arc::clone(&self.batch.spec),
            options: Arc::clone(context.options),
            reader: Arc::clone(context.reader),
            space: self.batch.space,
            generation: self.batch.generation,
            event: item.event.clone(),
            offset: item.offset,
            number,
            now: context.clock.now(),
            random: None,
            earlier: std::mem::take(&mut self.writes),
            effects: Effects::default(),
        }
    }

    /// Puts a new event behind the held ones of its key.
    fn hold(&mut self, item: Item, now: Timestamp) {
        self.keys.entry(item.key.clone()).or_default().remaining += 1;
        let event = HeldEvent::waiting((*item.event).clone());
        self.bytes += item.event.size();
        let mut section = self.section(&item, 0, now, Outcome::Held);
        section.held.push(HeldChange { offset: item.offset, event: Some(Box::new(event)) });
        self.push(item.key, section);
    }

    fn record(&mut self, answer: Answer, mut attempt: Attempt, context: &mut WorkerContext<'_>) {
        self.writes = std::mem::take(&mut attempt.earlier);
        let Some(item) = self.batch.items.get(self.next).cloned() else { return };
        if let Some(EffectError::Unavailable { reason }) = &attempt.effects.refusal {
            self.unavailable = Some(reason.clone());
            self.ended = true;
            return;
        }
        // An outcome counts only if what it saw still stands at commit, whichever outcome it is.
        self.scanned |= attempt.effects.scanned;
        self.reads.extend(attempt.effects.reads.iter().map(|read| (read.key.clone(), read.version)));
        match failure(answer, attempt.effects.refusal.as_ref()) {
            None => self.done(item, attempt, context.options.max_transaction_bytes),
            Some(failure) => self.fail(item, &attempt, failure, context.random),
        }
    }

    fn done(&mut self, item: Item, attempt: Attempt, max_bytes: usize) {
        let effects = attempt.effects;
        if self.bytes + effects.bytes > max_bytes && !self.sections.is_empty() {
            // No room left in this transaction: the event runs again as the first of a later batch.
            self.ended = true;
            return;
        }
        self.bytes += effects.bytes;
        let mut section = self.section(&item, attempt.number, attempt.now, Outcome::Done);
        if item.held().is_some() {
            section.held.push(HeldChange { offset: item.offset, event: None });
            let held = self.keys.entry(item.key.clone()).or_default();
            held.remaining = held.remaining.saturating_sub(1);
        }
        section.events = effects.events;
        section.timers = effects.timers;
        for (key, value) in effects.writes {
            let write = StateWrite { key: key.clone().into(), value: value.clone().map(Into::into) };
            section.state.push(write);
            self.writes.insert(key, value);
        }
        self.push(item.key, section);
    }

    fn fail(&mut self, item: Item, attempt: &Attempt, failure: Failure, random: &mut ChaCha8Rng) {
        let policy = self.batch.spec.policy.clone();
        let (number, now) = (attempt.number, attempt.now);
        let mut story = match item.held() {
            Some(held) => held.clone(),
            None => HeldEvent::waiting((*item.event).clone()),
        };
        let first_attempt = *story.first_attempt.get_or_insert(now);
        let failed = FailedAttempt::new(number, now, self.batch.activation, failure.cause, failure.error);
        story.history.push(failed);
        story.attempts = number;
        let exhausted = number >= policy.max_attempts || now.ms_since(first_attempt) >= policy.max_age_ms;
        self.bytes += item.event.size();
        if failure.cause.is_final() || exhausted {
            let parks =
                policy.after_dead_letter == AfterDeadLetter::Park && matches!(item.key, Key::Ordered(_));
            self.dead_letter(item, attempt, story, parks);
            return;
        }
        let wait_ms = failure.after_ms.unwrap_or_else(|| backoff::wait_ms(policy.backoff, number, random));
        story.due = now.plus_ms(wait_ms);
        let held = self.keys.entry(item.key.clone()).or_default();
        held.blocked = true;
        held.remaining += usize::from(item.held().is_none());
        let mut section = self.section(&item, number, now, Outcome::Retrying);
        section.held.push(HeldChange { offset: item.offset, event: Some(Box::new(story)) });
        self.push(item.key, section);
    }

    fn dead_letter(&mut self, item: Item, attempt: &Attempt, story: HeldEvent, parks: bool) {
        let mut section = self.section(&item, attempt.number, attempt.now, Outcome::DeadLettered);
        let held = self.keys.entry(item.key.clone()).or_default();
        held.blocked |= parks;
        if item.held().is_some() {
            held.remaining = held.remaining.saturating_sub(1);
            section.held.push(HeldChange { offset: item.offset, event: None });
        }
        // Failures of handling a system event are recorded but not announced, lest they feed on themselves.
        if !item.event.event_type.starts_with(system_event::TYPE_PREFIX) {
            section.events.push(self.announcement(&item, &story, attempt.now));
        }
        let letter = DeadLetter {
            event: story.event,
            at: attempt.now,
            parks,
            redrives: story.redrives,
            history: story.history,
            inputs: attempt.inputs(),
        };
        section.dead.push(DeadChange { offset: item.offset, letter: Some(Box::new(letter)) });
        self.push(item.key, section);
    }

    fn announcement(&self, item: &Item, story: &HeldEvent, now: Timestamp) -> camshaft_event::Event {
        let name = &self.batch.spec.name;
        let latest = story.history.latest();
        let first_line = latest.and_then(|latest| latest.error.lines().next()).unwrap_or_default();
        let id = format!("dead-letter-{name}-{}-{}-{}", self.batch.generation, item.offset, story.redrives);
        let data = json!({
            "consumer": name,
            "offset": item.offset.0,
            "type": item.event.event_type,
            "reason": latest.map(|latest| latest.cause.code()),
            "error": first_line,
            "attempts": story.attempts,
        });
        system_event("dead-letter.added", id, name, now, &data)
    }

    fn section(&self, item: &Item, attempt: u32, at: Timestamp, outcome: Outcome) -> Handled {
        Handled {
            consumer: self.batch.space.consumer,
            cause: item.offset,
            advances: item.held().is_none().then_some(self.batch.partition),
            state_generation: self.batch.space.generation,
            activation: self.batch.activation,
            attempt,
            at,
            outcome,
            ..Handled::default()
        }
    }

    fn push(&mut self, key: Key, section: Handled) {
        self.sections.push(Section::Handled(Box::new(section)));
        self.section_keys.push(key);
        self.next += 1;
    }

    fn finish(self) -> Finished {
        Finished {
            body: Transaction::encode_body(&self.sections),
            batch: self.batch,
            dealt: self.next,
            sections: self.sections,
            keys: self.section_keys,
            reads: self.reads,
            scanned: self.scanned,
            unavailable: self.unavailable,
        }
    }
}

struct Failure {
    cause: FailureCause,
    error: String,
    after_ms: Option<u64>,
}

/// Why the attempt failed, if it did. A refused effect decides, whatever the handler made of it.
fn failure(answer: Answer, refusal: Option<&EffectError>) -> Option<Failure> {
    if let Some(refusal) = refusal {
        let cause = match refusal {
            EffectError::Hops { .. } => FailureCause::Hops,
            _ => FailureCause::Refused,
        };
        return Some(Failure { cause, error: refusal.to_string(), after_ms: None });
    }
    match answer {
        Answer::Done => None,
        Answer::Retry { after_ms, reason } => {
            Some(Failure { cause: FailureCause::Retry, error: reason, after_ms })
        }
        Answer::Reject { reason } => {
            Some(Failure { cause: FailureCause::Reject, error: reason, after_ms: None })
        }
        Answer::Failed { cause, error } => Some(Failure { cause, error, after_ms: None }),
    }
}
