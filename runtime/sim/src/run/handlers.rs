//! The handlers of a run: each uses its state, publishes, sets timers, and has its moods. The rest of the run
//! goes on while one works.

mod scopes;
mod state;

use camshaft_engine::{Attempt, Handler};
use camshaft_event::{
    Answer, AttemptContext, CommandOutcome, EffectError, Event, FailureCause, Limit, NewEvent, Refusal, Scope,
};

use super::Run;
use super::records::CallRecord;
use crate::accounts;
use crate::consumers::{BAD, BANK, COMMANDS};
use crate::faults::Fault;
use crate::model::AttemptRecord;
use crate::sharing::Sharing;

/// One call of so many finds no instance.
const SHORTAGES: u64 = 40;

/// Calls of handlers for one batch.
pub(super) struct Handlers<'r> {
    run: &'r mut Run,
    called: CallRecord,
    /// The revision of the code that is called.
    revision: u64,
}

impl Handler for Handlers<'_> {
    fn get_ready(&mut self, _: &Attempt) -> bool {
        self.called.is_short |= self.run.finds_no_instance();
        !self.called.is_short
    }

    fn evolve(&mut self, _: &Scope, fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Answer> {
        Ok(accounts::fold_events(self.revision, fold, facts))
    }

    fn call(&mut self, mut attempt: Attempt) -> (Answer, Attempt) {
        self.run.machine.clock.call();
        let mark = attempt.mark();
        self.called.attempts.push(AttemptRecord::new(mark.consumer, mark.offset));
        let sharing = Sharing::of(|setting| attempt.config(setting).map(str::to_owned));
        // Limits may refuse an effect; the attempt is a reject then, whatever is answered.
        let is_closed = self.run.is_closed && attempt.consumer() == BANK;
        let answer = match self.handle(&mut attempt, sharing) {
            Ok(()) if is_closed => Answer::Reject { reason: "closed".to_owned() },
            Ok(()) if attempt.config(BAD).is_some() && self.run.dice(4) < 3 => self.mood_among(6),
            Ok(()) => self.mood_among(moods(sharing)),
            Err(EffectError::Hops { .. }) => {
                self.run.note(Fault::TooManyHops);
                Answer::Done
            }
            Err(error) => {
                let has_too_many_timers = matches!(error, EffectError::Limit { kind: Limit::Timers, .. });
                self.run.note_if(Fault::TooManyTimers, has_too_many_timers);
                self.run.note(Fault::HandlerRefused);
                Answer::Done
            }
        };
        (answer, attempt)
    }
}

impl<'r> Handlers<'r> {
    pub(super) fn new(run: &'r mut Run, revision: u64) -> Self {
        let since = run.process.sequencer().sequenced().sequence;
        Self { run, called: CallRecord { since, ..CallRecord::default() }, revision }
    }

    /// What came of the calls.
    pub(super) fn into_record(self) -> CallRecord {
        for attempt in &self.called.attempts {
            for operation in &attempt.operations {
                self.run.tell(|| format!("{} at {}: {operation}", attempt.consumer, attempt.offset));
            }
        }
        self.called
    }

    fn handle(&mut self, attempt: &mut Attempt, sharing: Sharing) -> Result<(), EffectError> {
        let name = self.some_word();
        if self.run.dice(3) == 0 {
            self.run.note(Fault::HandlerPublishes);
            attempt.publish(event("followed"))?;
        }
        if self.run.dice(8) == 0 {
            attempt.publish(event("thing.else"))?;
        }
        // Only a sender makes a command of an event that has its type.
        if self.run.dice(24) == 0 {
            attempt.publish(event(COMMANDS[0]))?;
        }
        if self.run.dice(6) == 0 {
            self.run.note(Fault::HandlerSchedules);
            let at = attempt.now().plus_ms(self.run.dice(2_000));
            attempt.schedule(name, event("reminder"), at)?;
        }
        if self.run.dice(12) == 0 {
            self.run.note(Fault::HandlerCancels);
            attempt.cancel(name)?;
        }
        self.use_state(attempt, sharing)?;
        if attempt.consumer() != BANK {
            return Ok(());
        }
        self.use_accounts(attempt)?;
        self.decide(attempt)
    }

    /// Accepts or refuses a command, or leaves it to the engine to accept it.
    fn decide(&mut self, attempt: &mut Attempt) -> Result<(), EffectError> {
        let reply = || format!("{} in attempt {}", attempt.offset(), attempt.attempt()).into_bytes();
        let answer = match self.run.dice(5) {
            0 | 1 => {
                Err(Refusal { code: "no-funds".to_owned(), message: String::new(), data: reply().into() })
            }
            2 => return Ok(()),
            _ => Ok(reply()),
        };
        let outcome = match answer.clone() {
            Ok(reply) => CommandOutcome::Accepted { reply: reply.into() },
            Err(refusal) => CommandOutcome::Refused(refusal),
        };
        let record = self.called.attempts.last_mut().expect("a handler works within a call");
        record.answer = Some(outcome);
        attempt.answer(answer)
    }

    /// How a call ends: of `sides` moods the first seven are bad.
    fn mood_among(&mut self, sides: u64) -> Answer {
        let (fault, answer) = match self.run.dice(sides) {
            0 | 1 => (Fault::HandlerRetries, Answer::Retry { after_ms: None, reason: "not yet".to_owned() }),
            2 => (Fault::HandlerRetries, self.asks_to_wait()),
            3 | 6 => (Fault::HandlerRejects, Answer::Reject { reason: "never".to_owned() }),
            4 => (Fault::HandlerTraps, failed(FailureCause::Trap, "unreachable")),
            5 => (Fault::HandlerLate, failed(FailureCause::Deadline, "too late")),
            _ => return Answer::Done,
        };
        self.run.note(fault);
        answer
    }

    /// An answer that says when the next attempt is to be made: soon, at once, or never.
    fn asks_to_wait(&mut self) -> Answer {
        let after_ms = match self.run.dice(4) {
            0 => 0,
            1 => u64::MAX,
            _ => 40,
        };
        self.run.note_if(Fault::HandlerAsksTooMuch, after_ms == u64::MAX);
        Answer::Retry { after_ms: Some(after_ms), reason: "soon".to_owned() }
    }

    /// One of four words.
    fn some_word(&mut self) -> &'static str {
        match self.run.dice(4) {
            0 => "t1",
            1 => "t2",
            2 => "t3",
            _ => "t4",
        }
    }
}

impl Run {
    /// A roll of a handler's dice; the highest number once all is to end well.
    pub(super) fn dice(&mut self, sides: u64) -> u64 {
        self.chance.as_mut().map_or(sides, |chance| chance.below(sides))
    }

    /// Whether there is no instance for the next call.
    pub(super) fn finds_no_instance(&mut self) -> bool {
        let is_short = self.dice(SHORTAGES) == 0;
        self.note_if(Fault::ShortOfInstances, is_short);
        is_short
    }
}

/// Where handlers share a little they fail seldom. Fewer keys then wait for retries, so more handlers work at
/// once.
fn moods(sharing: Sharing) -> u64 {
    match sharing {
        Sharing::Little(_) => 80,
        Sharing::Nothing | Sharing::Everything => 20,
    }
}

fn event(event_type: &str) -> NewEvent {
    NewEvent { event_type: event_type.to_owned(), ..NewEvent::default() }
}

fn failed(cause: FailureCause, error: &str) -> Answer {
    Answer::Failed { cause, error: error.to_owned() }
}
