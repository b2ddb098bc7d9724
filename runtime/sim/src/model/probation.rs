//! What a log must tell of versions on probation: what they fail waits and counts for nothing, and they go
//! exactly if they fail more than the one before them.

use std::collections::{BTreeMap, BTreeSet};

use camshaft_event::transaction::{
    Activation, ActivationOutcome, ConsumerRecord, Handled, Measure, Outcome, Probation, RollbackCause,
};
use camshaft_event::{ActivationId, FailureCause, Offset};

use crate::consumers;

/// What the model knows of one consumer's versions.
#[derive(Default)]
pub(crate) struct Versions {
    /// Whether the last events that count for the newest one failed.
    recent: Vec<bool>,
    /// The same of the one that it is compared with.
    before: Vec<bool>,
    /// Those that were ever on probation.
    tried: BTreeSet<ActivationId>,
    /// Events that failed before, on whatever version.
    failed: BTreeSet<Offset>,
}

/// What is known of an event before an attempt.
pub(super) struct Tried {
    pub(super) was_released: bool,
    /// Attempts that did not count.
    pub(super) uncounted: u32,
}

/// Whether a version has failed that did so, after one that did that: by more than a twentieth, and three
/// standard deviations of what chance does to a share.
pub(crate) fn fails(measured: Measure, before: Measure) -> bool {
    let [events, failed, all, bad] =
        [measured.events, measured.failed, before.events.max(1), before.failed].map(f64::from);
    let usual = bad / all;
    // What lies on the border is decided by whole numbers in the engine; here no share comes so near to it.
    let border = usual + 0.05 + 3.0 * (usual * (1.0 - usual) / events).sqrt();
    measured.events >= consumers::options().probation_least_events && failed / events > border + 1e-12
}

/// The same at the end of its probation: by more than a twentieth, and by more than chance does once in a
/// thousand times, in whole numbers. The version before counts as one of a hundred events if it failed none.
fn fails_at_the_end(measured: Measure, before: Measure) -> bool {
    let ways = |of: u32, take: u32| {
        (0..u128::from(take)).fold(1, |ways, number| ways * (u128::from(of) - number) / (number + 1))
    };
    let all = if before.failed == 0 { before.events.max(100) } else { before.events };
    let failed = measured.failed + before.failed;
    let worse: u128 = (measured.failed..=failed.min(measured.events))
        .filter(|on_this| failed - on_this <= all)
        .map(|on_this| ways(measured.events, on_this) * ways(all, failed - on_this))
        .sum();
    let share = |failed: u32, events: u32| f64::from(failed) / f64::from(events.max(1));
    let is_larger = share(measured.failed, measured.events) > share(before.failed, all) + 0.05 + 1e-12;
    is_larger && worse * 1_000 < ways(measured.events + all, failed)
}

fn measure(outcomes: &[bool]) -> Measure {
    let failed = outcomes.iter().map(|has_failed| u32::from(*has_failed)).sum();
    Measure { events: u32::try_from(outcomes.len()).expect("few are remembered"), failed }
}

impl Versions {
    pub(crate) fn measured(&self) -> Measure {
        measure(&self.recent)
    }

    /// The consumer begins anew; its versions are measured by what they did before, too.
    pub(super) fn begin_anew(&mut self) {
        self.failed.clear();
    }

    /// An event was dealt with, while `record` stood. Returns how many of its attempts do not count by now.
    pub(super) fn handled(&mut self, handled: &Handled, tried: &Tried, record: &ConsumerRecord) -> u32 {
        let is_again = self.failed.contains(&handled.cause);
        let held = handled.held.iter().find(|change| change.offset == handled.cause);
        let held = held.and_then(|change| change.event.as_ref());
        let uncounted = held.map_or(0, |held| held.uncounted);
        let is_newest = handled.activation == record.activation;
        let has_failed = match handled.outcome {
            Outcome::Held | Outcome::Released => return uncounted,
            Outcome::Done => false,
            Outcome::Suspended => {
                assert!(self.tried.contains(&handled.activation), "only what is on probation suspends");
                let cause = held.and_then(|held| held.suspended.as_ref()).map(|attempt| attempt.cause);
                assert_ne!(cause, Some(FailureCause::Retry), "{} is not tried again", handled.cause);
                true
            }
            Outcome::Retrying | Outcome::DeadLettered => {
                // Nobody takes a call back that must not be repeated.
                let is_on_probation = is_newest && record.probation.is_some() && !tried.was_released;
                let counts = uncounted == tried.uncounted;
                let is_retry = handled.outcome == Outcome::Retrying;
                assert!(!is_on_probation || (is_retry && !counts), "{} counts on probation", handled.cause);
                if is_retry && !counts {
                    assert_eq!(uncounted, tried.uncounted + 1, "one attempt is one");
                    assert!(self.tried.contains(&handled.activation), "only on probation nothing counts");
                    let cause = held.and_then(|held| held.history.latest()).map(|latest| latest.cause);
                    assert_eq!(cause, Some(FailureCause::Retry), "what does not ask for another is held");
                }
                true
            }
        };
        assert_eq!(handled.again, is_again, "whether {} had failed before", handled.cause);
        if has_failed {
            self.failed.insert(handled.cause);
        }
        if is_newest && !is_again {
            self.recent.push(has_failed);
            let most = consumers::options().probation_events as usize;
            self.recent.drain(..self.recent.len().saturating_sub(most));
        }
        uncounted
    }

    /// The record of a consumer changed.
    pub(super) fn changed(
        &mut self,
        before: &ConsumerRecord,
        after: &ConsumerRecord,
        activations: &BTreeMap<ActivationId, Activation>,
    ) {
        if after.activation != before.activation {
            self.replaced(before, after, activations);
            return;
        }
        let (was, is) = (before.probation.as_deref(), after.probation.as_deref());
        let (was_stopped, is_stopped) = (was.is_some_and(stopped), is.is_some_and(stopped));
        if is_stopped && !was_stopped {
            let has_failed = self.has_failed() || self.has_failed_at_the_end();
            assert!(has_failed, "{} is stopped for nothing", after.name);
            assert!(after.paused.is_some(), "what is stopped is paused");
        }
        if was.is_some() && is.is_none() {
            let by_hand = was_stopped || before.pinned != after.pinned;
            let has_failed = self.has_failed() || self.has_failed_at_the_end();
            assert!(by_hand || !has_failed, "{} keeps a version that has failed", after.name);
        }
    }

    /// Whether the newest version has failed more than the one that it is compared with.
    fn has_failed(&self) -> bool {
        fails(measure(&self.recent), measure(&self.before))
    }

    /// The same, were its probation over.
    fn has_failed_at_the_end(&self) -> bool {
        fails_at_the_end(measure(&self.recent), measure(&self.before))
    }

    fn replaced(
        &mut self,
        before: &ConsumerRecord,
        after: &ConsumerRecord,
        activations: &BTreeMap<ActivationId, Activation>,
    ) {
        let is_first = before.activation == ActivationId::default() || before.generation != after.generation;
        // What is proven: what it was compared with, if it was on probation itself.
        let (proven, events) = match before.probation.as_deref() {
            Some(probation) => (probation.predecessor, std::mem::take(&mut self.before)),
            None => (before.activation, std::mem::take(&mut self.recent)),
        };
        let is_proven =
            before.probation.is_some() && same(activations.get(&proven), activations.get(&after.activation));
        let history = after.history.entries();
        let outcome = history.iter().find(|entry| entry.id == before.activation).map(|entry| &entry.outcome);
        if let Some(ActivationOutcome::RolledBack(told)) = outcome.filter(|_| !is_first) {
            assert_eq!(after.probation, None, "nobody goes back to what is on probation");
            if told.cause == RollbackCause::Probation {
                let measures = (measure(&self.recent), measure(&events));
                assert_eq!((told.measured, told.before), measures, "what {} was measured by", after.name);
                let has_failed =
                    fails(told.measured, told.before) || fails_at_the_end(told.measured, told.before);
                assert!(has_failed, "{} goes back for nothing", after.name);
                assert!(is_proven, "it goes back to what it was compared with");
            }
        }
        self.recent.clear();
        match after.probation.as_deref() {
            Some(probation) => {
                assert!(!is_first && !is_proven, "there is nothing to be compared with");
                assert_eq!((probation.predecessor, probation.stopped), (proven, false));
                assert_eq!(probation.before.measure(), measure(&events), "what it is compared with");
                self.before = events;
                self.tried.insert(after.activation);
            }
            None if is_proven => self.recent = events,
            None => {
                let activation = activations.get(&after.activation).expect("what runs was activated");
                let is_pinned = after.pinned.as_ref() == Some(&activation.digest);
                let by_hand = is_pinned || matches!(outcome, Some(ActivationOutcome::RolledBack(_)));
                assert!(is_first || by_hand, "{} is not put on probation", after.name);
            }
        }
    }
}

fn stopped(probation: &Probation) -> bool {
    probation.stopped
}

fn same(one: Option<&Activation>, other: Option<&Activation>) -> bool {
    let content = |activation: &Activation| {
        let Activation { digest, version, config, grants, .. } = activation.clone();
        (digest, version, config, grants)
    };
    one.map(content) == other.map(content)
}
