//! What a script comes to, told by a map: the log must say the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use camshaft_engine::EngineOptions;
use camshaft_event::cloudevents::{is_json, parse, print, validate};
use camshaft_event::transaction::{Handled, Outcome, TimerChange};
use camshaft_event::{Answer, EffectError, Event, FailureCause, NewEvent, TypePattern};

use super::act::{Act, Call, MAX_KEY_BYTES, MAX_NAME_BYTES, MAX_VALUE_BYTES, PUBLISHES, State, Told};

/// The guest's state and timers after the sections checked so far.
pub struct Expected {
    pub state: State,
    timers: BTreeSet<String>,
    options: Arc<EngineOptions>,
}

impl Expected {
    pub fn new(options: Arc<EngineOptions>) -> Self {
        Self { state: State::new(), timers: BTreeSet::new(), options }
    }

    pub fn fired(&mut self, name: &str) {
        assert!(self.timers.remove(name), "timer {name:?} was set");
    }

    /// Checks the section of an attempt against the call it came from.
    pub fn check(&mut self, handled: &Handled, call: &Call) {
        let first = call.told.iter().position(|(_, told)| matches!(told, Told::Refused(_)));
        let (open, over) = call.told.split_at(first.map_or(call.told.len(), |first| first + 1));
        open.iter().for_each(|(act, told)| self.check_told(act, told));
        over.iter().for_each(|(act, told)| check_over(act, told, call.refusal()));
        match (call.refusal(), handled.outcome) {
            (None, Outcome::Done) => {
                assert_eq!(call.answer, Answer::Done);
                self.check_effects(handled, call);
            }
            (None, Outcome::Retrying) => {
                assert!(matches!(call.answer, Answer::Retry { .. } | Answer::Failed { .. }), "{call:?}");
                check_no_effects(handled);
            }
            (refusal, Outcome::DeadLettered) => {
                check_dead(handled, call, refusal, self.options.max_transaction_bytes);
                check_no_effects(handled);
            }
            (refusal, outcome) => panic!("{outcome:?} after {refusal:?}: {call:?}"),
        }
    }

    /// The attempt's effects are those that it asked for, and what it read is what it had to see.
    fn check_effects(&mut self, handled: &Handled, call: &Call) {
        let (before, mut events, mut timers) =
            (self.state.clone(), handled.events.iter(), handled.timers.iter());
        let mut written = BTreeSet::new();
        for (act, told) in &call.told {
            match (act, told) {
                (Act::Get(key), Told::Value(value)) => {
                    assert_eq!(self.state.get(key), value.as_ref(), "{key:?}")
                }
                (Act::Set(key, byte, length), Told::Nothing) => {
                    self.state.insert(key.clone(), vec![*byte; *length]);
                    written.insert(key);
                }
                (Act::Delete(key), Told::Nothing) => {
                    self.state.remove(key);
                    written.insert(key);
                }
                (Act::Scan(prefix, after, page), Told::Entries(entries)) => {
                    let under = self.state.iter().filter(|(key, _)| {
                        key.starts_with(prefix) && after.as_ref().is_none_or(|after| *key > after)
                    });
                    let seen = entries.iter().map(|(key, value)| (key, value));
                    assert!(under.take(page.entries()).eq(seen), "{prefix:?} after {after:?}: {entries:?}");
                }
                (Act::Publish(shape), Told::Nothing) => check_asked(events.next().unwrap(), &shape.event()),
                (Act::Schedule(name, shape, moment), Told::Nothing) => {
                    let Some(TimerChange::Set { name: set, at, event }) = timers.next() else {
                        panic!("{name:?}")
                    };
                    assert_eq!((set, *at), (name, moment.of(handled.at)));
                    check_asked(event, &shape.event());
                    self.timers.insert(name.clone());
                }
                (Act::Cancel(name), Told::Nothing) => {
                    assert_eq!(timers.next(), Some(&TimerChange::Cancel { name: name.clone() }));
                    self.timers.remove(name);
                }
                (Act::Random(_) | Act::Log(..), Told::Nothing) => {}
                told => panic!("{told:?}"),
            }
        }
        assert_eq!((events.next(), timers.next()), (None, None), "nothing that was not asked for");
        assert!(self.timers.len() <= self.options.max_timers);
        let expected = written.into_iter().map(|key| (key, self.state.get(key)));
        let found = handled
            .state
            .iter()
            .map(|write| (write.key.as_ref(), write.value.as_ref().map(|value| value.as_ref())));
        assert!(
            found.eq(expected.map(|(key, value)| (key.as_slice(), value.map(Vec::as_slice)))),
            "{before:?}"
        );
    }

    /// What was let through keeps to the limits, and what was refused does not.
    fn check_told(&self, act: &Act, told: &Told) {
        match told {
            Told::Refused(EffectError::Limit { actual, limit, .. }) => assert!(actual > limit, "{told:?}"),
            Told::Refused(EffectError::Hops { limit, .. }) => {
                assert_eq!(*limit, 0, "the events are the first")
            }
            Told::Refused(EffectError::Unavailable { .. }) => panic!("{told:?}"),
            Told::Refused(EffectError::InvalidEvent { reason }) => assert!(!reason.is_empty()),
            _ => {}
        }
        let is_refused =
            |wanted: fn(&EffectError) -> bool| matches!(told, Told::Refused(error) if wanted(error));
        let is_empty = is_refused(|error| matches!(error, EffectError::Empty { .. }));
        match act {
            Act::Get(key) | Act::Delete(key) => {
                check_length(key.len(), MAX_KEY_BYTES, told, is_empty);
            }
            Act::Set(key, _, length) if *length <= MAX_VALUE_BYTES => {
                check_length(key.len(), MAX_KEY_BYTES, told, is_empty);
            }
            Act::Cancel(name) => check_length(name.len(), MAX_NAME_BYTES, told, is_empty),
            Act::Schedule(name, shape, _) if (1..=MAX_NAME_BYTES).contains(&name.len()) => {
                check_declared(&shape.event(), told);
            }
            Act::Publish(shape) => check_declared(&shape.event(), told),
            Act::Scan(prefix, ..) => assert!(prefix.len() <= MAX_KEY_BYTES || is_refused(is_limit)),
            Act::Set(..) | Act::Schedule(..) => assert!(matches!(told, Told::Refused(_)), "{act:?}"),
            Act::Random(_) | Act::Log(..) => assert_eq!(told, &Told::Nothing),
        }
    }
}

/// The first refusal ended the attempt: it is the answer to all that can be refused.
fn check_over(act: &Act, told: &Told, refusal: Option<&EffectError>) {
    match told {
        Told::Refused(error) => assert_eq!(Some(error), refusal, "{act:?}"),
        told => assert!(matches!(act, Act::Random(_) | Act::Log(..)), "{act:?}: {told:?}"),
    }
}

fn is_limit(error: &EffectError) -> bool {
    matches!(error, EffectError::Limit { .. })
}

fn check_length(length: usize, limit: usize, told: &Told, is_empty: bool) {
    assert_eq!(length == 0, is_empty, "{told:?}");
    assert!(length <= limit || matches!(told, Told::Refused(error) if is_limit(error)), "{told:?}");
}

fn check_declared(new: &NewEvent, told: &Told) {
    let is_declared =
        PUBLISHES.iter().any(|pattern| pattern.parse::<TypePattern>().unwrap().matches(&new.event_type));
    let is_undeclared = matches!(told, Told::Refused(EffectError::UndeclaredType { .. }));
    assert_eq!(is_declared, !is_undeclared, "{new:?}: {told:?}");
}

/// An event of the log is what the guest asked for, in its own words where it found some.
fn check_asked(event: &Event, new: &NewEvent) {
    assert_eq!((&event.event_type, &event.data), (&new.event_type, &new.data));
    let asked = [&new.subject, &new.time, &new.partitionkey];
    for (asked, found) in asked.into_iter().zip([&event.subject, &event.time, &event.partitionkey]) {
        assert!(asked.is_none() || asked == found, "{event:?}");
    }
    assert_eq!((&event.datacontenttype, &event.dataschema), (&new.datacontenttype, &new.dataschema));
    assert!(new.extensions.iter().all(|(name, value)| event.extension(name) == Some(value)), "{event:?}");
    assert_eq!(event.source, "/plugins/guest");
}

/// The dead letter's story ends with why: the refusal, or the handler's own words, cut at a character.
fn check_dead(handled: &Handled, call: &Call, refusal: Option<&EffectError>, limit: usize) {
    let letter = handled.dead.first().and_then(|change| change.letter.as_ref()).unwrap();
    let latest = letter.history.latest().unwrap();
    let (cause, words) = match (refusal, &call.answer) {
        (Some(refusal @ EffectError::Hops { .. }), _) => (FailureCause::Hops, refusal.to_string()),
        (Some(refusal), _) => (FailureCause::Refused, refusal.to_string()),
        (None, Answer::Reject { reason }) => (FailureCause::Reject, reason.clone()),
        // All of it was let through, but not all of it at once.
        (None, Answer::Done) => {
            assert!(latest.error.ends_with(&format!(
                "exceeds the limit of {limit} (setting `limits.max_transaction_bytes`)"
            )));
            (FailureCause::Refused, latest.error.clone())
        }
        (None, Answer::Retry { reason, .. }) => (FailureCause::Retry, reason.clone()),
        (None, Answer::Failed { cause, error }) => (*cause, error.clone()),
    };
    assert_eq!(latest.cause, cause, "{call:?}");
    assert!(words.starts_with(&latest.error) && latest.error.len() + 3 >= words.len().min(256), "{latest:?}");
}

fn check_no_effects(handled: &Handled) {
    assert!(handled.state.is_empty() && handled.timers.is_empty(), "{handled:?}");
    assert!(handled.events.iter().all(|event| event.source == "/camshaft"), "{handled:?}");
}

/// Every event of the log, whoever published it, is one that can be read again from its printed form.
pub fn check_event(event: &Event) {
    assert_eq!(validate(event), Ok(()), "{event:?}");
    let again = parse(print(event, None).as_bytes()).unwrap();
    assert!(again == *event || is_json(event.datacontenttype.as_deref()), "{event:?}");
    assert_eq!(Event { data: Vec::new(), ..again }, Event { data: Vec::new(), ..event.clone() });
}
