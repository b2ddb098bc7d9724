//! What a log must tell of events that wait for another attempt: for how long, and what an operator may do
//! about them.

use camshaft_engine::ConsumerSpec;
use camshaft_event::transaction::{Handled, Intervention, Outcome};

use super::{Model, Place};

/// Whoever asks for another attempt waits for a time, but not beyond the age that its event may have. One
/// that has that age and is tried all the same waits for the backoff.
pub(super) fn check_wait(handled: &Handled, spec: Option<&ConsumerSpec>) {
    let (Outcome::Retrying, Some(spec)) = (handled.outcome, spec) else { return };
    let held = handled.held.iter().find_map(|change| change.event.as_ref()).expect("what is retried waits");
    let first = held.first_attempt.expect("what is retried was tried");
    let (oldest, soon) =
        (first.plus_ms(spec.policy.max_age_ms), handled.at.plus_ms(spec.policy.backoff.max_ms));
    assert!(held.due > handled.at, "{} is tried again in the same moment", handled.cause);
    let waits_ms = held.due.ms_since(handled.at);
    assert!(held.due <= oldest.max(soon), "{} waits {waits_ms} ms for its next attempt", handled.cause);
}

/// Whether an operator made a held event due, or a dead letter of it.
pub(super) fn is_act(intervention: &Intervention) -> bool {
    let is_told = |event_type: &str| intervention.events.iter().any(|event| event.event_type == event_type);
    is_told("camshaft.held.retried") || is_told("camshaft.dead-letter.added")
}

impl Model {
    /// An operator made a held event due, or a dead letter of it.
    pub(super) fn freed(&mut self, intervention: &Intervention) {
        let id = intervention.consumer;
        let known = self.consumers.get(&id).expect("who holds events is known");
        let [change] = &intervention.held[..] else { panic!("the act on a held event is not written") };
        let offset = change.offset;
        let place = known.places.get(&offset).copied();
        let Some(Place::Held { attempts, suspended_by, .. }) = place else {
            panic!("{offset} is freed, but it is {place:?}")
        };
        assert!(attempts > 0 || suspended_by.is_some(), "{offset} is freed before it has failed");
        let waits = place.is_some_and(|place| place.waits_for_probation(&known.record));
        assert!(!waits, "{offset} is freed while it waits for the end of a probation");
        for before in self.queue(&known.record, offset).iter().take_while(|before| **before < offset) {
            let before = known.places.get(before);
            let is_first = !matches!(before, Some(Place::Held { .. } | Place::Dead { parks: true }));
            assert!(is_first, "{offset} is freed behind an event that is {before:?}");
        }
        match (&change.event, &intervention.dead[..]) {
            (Some(held), []) => assert_eq!(held.attempts, attempts, "only its time changes"),
            (None, [dead]) => {
                let letter = dead.letter.as_ref().expect("a new dead letter has its letter");
                assert_eq!((dead.offset, letter.history.total > 0), (offset, true), "it says why");
                self.redrives.set_aside((id, offset), letter);
                let places = self.consumers.get_mut(&id).map(|known| &mut known.places);
                places.expect("it was there").insert(offset, Place::Dead { parks: letter.parks });
            }
            other => panic!("{offset} is made {other:?}"),
        }
    }
}
