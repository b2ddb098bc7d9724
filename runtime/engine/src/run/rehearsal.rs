//! One attempt outside any log: what `camshaft test` and `camshaft debug` run.
//!
//! The rules are those of an attempt in a batch, since it is one. What it comes to is told, and nothing
//! commits.

use std::sync::Arc;

use camshaft_event::transaction::{Handled, Outcome, Section, StateWrite, Transaction};
use camshaft_event::{
    ActivationId, Answer, AttemptInputs, ConsumerId, Event, FailedAttempt, FailureCause, Generation, Offset,
    Timestamp,
};
use camshaft_tables::StateSpace;

use super::failure::{Failure, failure};
use crate::attempt::{Account, Attempt, Effects, LogLine, StateReader, TimersInBatch, Writes};
use crate::batch::{Origin, SharedEvent};
use crate::clock::TimeText;
use crate::{ConsumerSpec, EngineOptions};

/// What an attempt outside any log is given.
pub struct Rehearsal {
    /// Whose attempt.
    pub spec: Arc<ConsumerSpec>,
    /// The bounds.
    pub options: Arc<EngineOptions>,
    /// The state, and which timers are set.
    pub reader: Arc<dyn StateReader>,
    /// How many timers are set.
    pub timers: usize,
    /// The consumer's generation.
    pub generation: Generation,
    /// The event.
    pub event: Event,
    /// The event's place in the log.
    pub offset: Offset,
    /// The attempt's number, from 1.
    pub number: u32,
    /// The attempt's time.
    pub now: Timestamp,
}

/// What an attempt outside any log came to.
#[derive(Debug)]
pub struct Rehearsed {
    /// Why it failed, if it did, as its dead letter would say it. Then its effects would have vanished.
    pub failure: Option<FailedAttempt>,
    /// When the handler wants to be tried again, in milliseconds, if it said so.
    pub retry_after_ms: Option<u64>,
    /// What it asked for: state, events and timers as its section would hold them.
    pub effects: Handled,
    /// What it read.
    pub inputs: AttemptInputs,
    /// What it logged.
    pub log: Vec<LogLine>,
}

impl Rehearsal {
    /// The attempt, for the handler.
    #[must_use]
    pub fn attempt(self) -> Attempt {
        let account = Account::new(self.options.max_attempt_bytes);
        Attempt {
            spec: self.spec,
            lone_runs: 1,
            options: self.options,
            reader: self.reader,
            space: StateSpace { consumer: ConsumerId::default(), generation: self.generation },
            generation: self.generation,
            event: SharedEvent(Origin::Log(Arc::new(self.event), self.now)),
            offset: self.offset,
            number: self.number,
            now: self.now,
            began_us: 0,
            random: None,
            earlier: Writes::new(),
            state_bytes: 0,
            fact_bytes: 0,
            timers: TimersInBatch::of(self.timers),
            time: TimeText::default(),
            account,
            effects: Effects::default(),
        }
    }
}

impl Rehearsed {
    /// What became of `attempt`, which the handler gave back with `answer`.
    #[must_use]
    pub fn of(answer: Answer, mut attempt: Attempt) -> Self {
        let log = attempt.take_log();
        let mut failure = failure(answer, attempt.effects.refusal.as_ref());
        let state: Vec<StateWrite> = attempt.effects.state_writes();
        let effects = Handled {
            cause: attempt.offset,
            attempt: attempt.number,
            at: attempt.now,
            outcome: Outcome::Done,
            state,
            events: std::mem::take(&mut attempt.effects.events),
            timers: std::mem::take(&mut attempt.effects.timers),
            ..Handled::default()
        };
        let limit = attempt.options.max_transaction_bytes;
        if failure.is_none() {
            let bytes = Transaction::of(Section::Handled(Box::new(effects.clone()))).encode().len();
            failure = (bytes > limit).then(|| Failure::too_large(bytes, limit));
        }
        let retry_after_ms = failure.as_ref().and_then(|failure| failure.after_ms);
        let told = |Failure { cause, error, .. }: Failure| {
            FailedAttempt::new(attempt.number, attempt.now, ActivationId::default(), cause, error)
        };
        let failure = failure.map(told);
        Self { failure, retry_after_ms, effects, inputs: std::mem::take(&mut attempt.effects.inputs), log }
    }

    /// What kind of failure it was, if it was one.
    #[must_use]
    pub fn cause(&self) -> Option<FailureCause> {
        self.failure.as_ref().map(|failure| failure.cause)
    }
}
