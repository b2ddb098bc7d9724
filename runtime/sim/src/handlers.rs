//! The handlers of a run: each notes what it did in its state, and has its moods.

use camshaft_engine::{Attempt, Handler};
use camshaft_event::{Answer, AttemptContext, EffectError, FailureCause, Limit, NewEvent, Offset};
use camshaft_log::testing::Random;

use crate::clock::SimClock;
use crate::consumers::BAD;
use crate::faults::{Fault, Faults};

/// The key under which a handler lists the offsets of all events that it has handled.
pub(crate) const ALL: &[u8] = b"all";

/// Calls of handlers, with the chances that decide how they end.
pub(crate) struct Handlers<'r> {
    /// None once all is to end well.
    pub(crate) chance: Option<&'r mut Random>,
    pub(crate) clock: &'r SimClock,
    pub(crate) faults: &'r mut Faults,
    /// How many there were.
    pub(crate) calls: usize,
    /// Whether there was no instance for another one.
    pub(crate) is_short: bool,
}

/// One call of so many finds no instance.
pub(crate) const SHORTAGES: u64 = 40;

impl Handler for Handlers<'_> {
    fn get_ready(&mut self, _: &Attempt) -> bool {
        let is_short = self.chance.as_mut().is_some_and(|chance| chance.below(SHORTAGES) == 0);
        self.faults.note_if(Fault::ShortOfInstances, is_short);
        self.is_short |= is_short;
        !is_short
    }

    fn call(&mut self, mut attempt: Attempt) -> (Answer, Attempt) {
        self.clock.call();
        self.calls += 1;
        // Limits may refuse an effect; the attempt is a reject then, whatever is answered.
        let answer = match self.handle(&mut attempt) {
            Ok(()) if attempt.config(BAD).is_some() && self.dice(4) < 3 => self.mood_among(6),
            Ok(()) => self.mood_among(20),
            Err(EffectError::Hops { .. }) => {
                self.faults.note(Fault::TooManyHops);
                Answer::Done
            }
            Err(error) => {
                let has_too_many_timers = matches!(error, EffectError::Limit { kind: Limit::Timers, .. });
                self.faults.note_if(Fault::TooManyTimers, has_too_many_timers);
                self.faults.note(Fault::HandlerRefused);
                Answer::Done
            }
        };
        (answer, attempt)
    }
}

impl Handlers<'_> {
    /// A roll of dice; the highest number once all is to end well.
    fn dice(&mut self, sides: u64) -> u64 {
        self.chance.as_mut().map_or(sides, |chance| chance.below(sides))
    }

    fn handle(&mut self, attempt: &mut Attempt) -> Result<(), EffectError> {
        let name = match self.dice(4) {
            0 => "t1",
            1 => "t2",
            2 => "t3",
            _ => "t4",
        };
        if self.dice(3) == 0 {
            self.faults.note(Fault::HandlerPublishes);
            attempt.publish(event("followed"))?;
        }
        if self.dice(8) == 0 {
            attempt.publish(event("thing.else"))?;
        }
        if self.dice(6) == 0 {
            self.faults.note(Fault::HandlerSchedules);
            let at = attempt.now().plus_ms(self.dice(1_000));
            attempt.schedule(name, event("reminder"), at)?;
        }
        if self.dice(12) == 0 {
            self.faults.note(Fault::HandlerCancels);
            attempt.cancel(name)?;
        }
        if self.dice(10) == 0 {
            self.faults.note(Fault::HandlerScans);
            let found = attempt.scan(b"key ", None, 3)?;
            attempt.set(b"found", found.len().to_string().as_bytes())?;
        }
        if self.dice(4) == 0 {
            attempt.set(format!("key {name}").as_bytes(), b"1")?;
        }
        if self.dice(10) == 0 {
            attempt.delete(format!("key {name}").as_bytes())?;
        }
        let all = attempt.get(ALL)?.unwrap_or_default();
        attempt.set(ALL, &with(all, attempt.offset()))
    }

    /// How a call ends: of `sides` moods the first seven are bad.
    fn mood_among(&mut self, sides: u64) -> Answer {
        let (fault, answer) = match self.dice(sides) {
            0 | 1 => (Fault::HandlerRetries, Answer::Retry { after_ms: None, reason: "not yet".to_owned() }),
            2 => (Fault::HandlerRetries, Answer::Retry { after_ms: Some(40), reason: "soon".to_owned() }),
            3 | 6 => (Fault::HandlerRejects, Answer::Reject { reason: "never".to_owned() }),
            4 => (Fault::HandlerTraps, failed(FailureCause::Trap, "unreachable")),
            5 => (Fault::HandlerLate, failed(FailureCause::Deadline, "too late")),
            _ => return Answer::Done,
        };
        self.faults.note(fault);
        answer
    }
}

/// The list with one more offset at its end.
fn with(mut all: Vec<u8>, offset: Offset) -> Vec<u8> {
    if !all.is_empty() {
        all.push(b' ');
    }
    all.extend_from_slice(offset.to_string().as_bytes());
    all
}

fn event(event_type: &str) -> NewEvent {
    NewEvent { event_type: event_type.to_owned(), ..NewEvent::default() }
}

fn failed(cause: FailureCause, error: &str) -> Answer {
    Answer::Failed { cause, error: error.to_owned() }
}
