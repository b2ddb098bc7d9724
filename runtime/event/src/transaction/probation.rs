//! Probation: the records of a new activation that is compared with the one before it, and of the events by
//! which both are measured.
//!
//! An event counts once, by its first attempt. An event that had failed before does not count, because its
//! failure may not be due to the code that handles it now.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use thiserror::Error;

use super::{Handled, Measure, Outcome};
use crate::{ActivationId, Timestamp};

/// The probation of a consumer's newest activation. It lasts as long as it is in the consumer's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probation {
    /// When it began.
    pub since: Timestamp,
    /// The activation before it. The new one is compared with it, and its code runs again if the probation
    /// fails.
    pub predecessor: ActivationId,
    /// The recent events of the predecessor.
    pub before: RecentEvents,
    /// How much the share of failed events may exceed that of the predecessor, in millionths.
    pub threshold_ppm: u32,
    /// Whether the probation failed without a version to roll back to. The consumer is then paused, and the
    /// failed events wait.
    pub stopped: bool,
}

/// The outcomes of the last events that counted for one activation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Packed", into = "Packed")]
pub struct RecentEvents {
    activation: ActivationId,
    /// Whether each event failed, oldest first.
    outcomes: VecDeque<bool>,
    failed: u32,
}

/// The stored form, with one bit per event.
#[derive(Serialize, Deserialize)]
struct Packed(ActivationId, u32, ByteBuf);

/// The number of bits does not match the number of events.
#[derive(Debug, Error)]
#[error("{bytes} bytes do not hold the outcomes of {events} events")]
struct PackedError {
    events: u32,
    bytes: usize,
}

impl Probation {
    /// Whether the share of failed events exceeds that of the predecessor so much that the activation is
    /// rolled back. Never with fewer than `least` events. A predecessor without events counts as one whose
    /// events succeeded.
    ///
    /// If some events of the predecessor failed too, the shares differ by chance, and this check runs after
    /// each event. So the difference must exceed the threshold by three standard deviations of such a share
    /// over this number of events, `3 √(p (1 − p) / n)`. Without this margin, every fourth good version would
    /// be rolled back where one event in twenty is rejected.
    #[must_use]
    pub fn is_failed_by(&self, measured: Measure, least: u32) -> bool {
        const PARTS: u128 = 1_000_000;
        let before = self.before.measure();
        let (events, failed) = (u128::from(measured.events), u128::from(measured.failed));
        let (events_before, failed_before) = (u128::from(before.events.max(1)), u128::from(before.failed));
        let allowed =
            failed_before * events * PARTS + u128::from(self.threshold_ppm) * events * events_before;
        let Some(beyond) = (failed * events_before * PARTS).checked_sub(allowed) else { return false };
        // Both sides multiplied by all denominators, and squared instead of taking a root.
        let by_chance = 9 * failed_before * (events_before - failed_before) * events * PARTS * PARTS;
        measured.events >= least.max(1) && beyond > 0 && beyond * beyond > by_chance
    }

    /// The check at the end of the probation, for any number of events. It fails the activation on two
    /// conditions: the share of failed events exceeds the predecessor's by more than the threshold, and the
    /// probability of at least this many failures by chance is below 0.1 %.
    ///
    /// The probability is that of Fisher's exact test, one-sided: among all distributions of the failures
    /// over the events of both activations, the share in which at least this many fall on the new one. A
    /// predecessor without a failure counts as one of at least 100 events. So two failures in two events, and
    /// three in ten, roll an activation back; one in one does not. R. A. Fisher, *The Logic of Inductive
    /// Inference*, Journal of the Royal Statistical Society 98 (1935), pages 39–82.
    #[must_use]
    pub fn is_failed_at_end(&self, measured: Measure) -> bool {
        const LEAST_CHANCE: f64 = 0.001;
        const UNPROVEN_EVENTS: u32 = 100;
        let mut before = self.before.measure();
        if before.failed == 0 {
            before.events = before.events.max(UNPROVEN_EVENTS);
        }
        let [events, failed, all, bad] =
            [measured.events, measured.failed, before.events, before.failed].map(u128::from);
        let allowed = bad * events * 1_000_000 + u128::from(self.threshold_ppm) * events * all;
        failed * all * 1_000_000 > allowed && chance_of(measured, before) < LEAST_CHANCE
    }
}

impl RecentEvents {
    /// Creates an empty list for `activation`.
    #[must_use]
    pub fn of(activation: ActivationId) -> Self {
        Self { activation, ..Self::default() }
    }

    /// Assigns the events to another activation with the same content, which continues with them.
    #[must_use]
    pub fn handed_to(self, activation: ActivationId) -> Self {
        Self { activation, ..self }
    }

    /// The activation to which the events belong.
    #[must_use]
    pub fn activation(&self) -> ActivationId {
        self.activation
    }

    /// Adds the outcome of `handled` if it counts and belongs to this activation. At most `capacity` outcomes
    /// are kept.
    pub fn note(&mut self, handled: &Handled, capacity: u32) {
        let Some(has_failed) = has_failed(handled).filter(|_| handled.activation == self.activation) else {
            return;
        };
        self.outcomes.push_back(has_failed);
        self.failed += u32::from(has_failed);
        if self.outcomes.len() > capacity as usize && self.outcomes.pop_front() == Some(true) {
            self.failed -= 1;
        }
    }

    /// The number of events, and how many of them failed.
    #[must_use]
    pub fn measure(&self) -> Measure {
        Measure { events: u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX), failed: self.failed }
    }
}

/// The probability that at least this many of all failures fall on the first of two samples by chance: the
/// upper tail of the hypergeometric distribution.
fn chance_of(first: Measure, second: Measure) -> f64 {
    let (events, failed) = (first.events + second.events, first.failed + second.failed);
    // Logarithms of factorials, since the numbers themselves leave every range.
    let mut factorials = vec![0.0_f64];
    for number in 1..=events {
        factorials.push(factorials.last().copied().unwrap_or_default() + f64::from(number).ln());
    }
    let factorial = |number: u32| factorials.get(number as usize).copied().unwrap_or_default();
    let ways = |of: u32, take: u32| factorial(of) - factorial(take) - factorial(of - take);
    let least = first.failed.max(failed.saturating_sub(second.events));
    let all = ways(events, failed);
    let split = |on_first| ways(first.events, on_first) + ways(second.events, failed - on_first) - all;
    (least..=failed.min(first.events)).map(|on_first| split(on_first).exp()).sum()
}

/// Whether the event failed, if it counts: it was tried, and had not failed before.
fn has_failed(handled: &Handled) -> Option<bool> {
    if handled.again || handled.attempt == 0 {
        return None;
    }
    match handled.outcome {
        Outcome::Done => Some(false),
        Outcome::Retrying | Outcome::DeadLettered | Outcome::Suspended => Some(true),
        Outcome::Held | Outcome::Released => None,
    }
}

impl From<RecentEvents> for Packed {
    fn from(recent: RecentEvents) -> Self {
        let mut bytes = vec![0_u8; recent.outcomes.len().div_ceil(8)];
        for (at, has_failed) in recent.outcomes.iter().enumerate() {
            if let Some(byte) = bytes.get_mut(at / 8) {
                *byte |= u8::from(*has_failed) << (at % 8);
            }
        }
        Self(recent.activation, recent.measure().events, bytes.into())
    }
}

impl TryFrom<Packed> for RecentEvents {
    type Error = PackedError;

    fn try_from(Packed(activation, events, bytes): Packed) -> Result<Self, PackedError> {
        if events.div_ceil(8) as usize != bytes.len() {
            return Err(PackedError { events, bytes: bytes.len() });
        }
        let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        let outcomes: VecDeque<bool> = bits.take(events as usize).collect();
        let failed = outcomes.iter().map(|has_failed| u32::from(*has_failed)).sum();
        Ok(Self { activation, outcomes, failed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handled(outcome: Outcome) -> Handled {
        Handled { activation: ActivationId(1), attempt: 1, outcome, ..Handled::default() }
    }

    /// `x` is an event that failed, anything else one that succeeded.
    fn recent(events: &str, capacity: u32) -> RecentEvents {
        let mut recent = RecentEvents::of(ActivationId(1));
        for event in events.chars() {
            recent.note(&handled(if event == 'x' { Outcome::Suspended } else { Outcome::Done }), capacity);
        }
        recent
    }

    fn measure(events: u32, failed: u32) -> Measure {
        Measure { events, failed }
    }

    /// After a version that did this.
    fn probation(before: &str) -> Probation {
        Probation {
            since: Timestamp(0),
            predecessor: ActivationId(1),
            before: recent(before, 99),
            threshold_ppm: 50_000,
            stopped: false,
        }
    }

    #[test]
    fn an_event_counts_once_by_its_first_attempt() {
        for (handled, counts) in [
            (handled(Outcome::Done), Some((1, 0))),
            (handled(Outcome::Retrying), Some((1, 1))),
            (handled(Outcome::DeadLettered), Some((1, 1))),
            (handled(Outcome::Suspended), Some((1, 1))),
            (handled(Outcome::Released), None),
            (Handled { attempt: 0, ..handled(Outcome::Held) }, None),
            (Handled { again: true, ..handled(Outcome::Done) }, None),
            (Handled { activation: ActivationId(2), ..handled(Outcome::Done) }, None),
        ] {
            let mut recent = RecentEvents::of(ActivationId(1));
            recent.note(&handled, 9);
            let expected = counts.unwrap_or_default();
            assert_eq!(recent.measure(), measure(expected.0, expected.1), "{handled:?}");
        }
    }

    #[test]
    fn only_the_last_events_are_remembered() {
        assert_eq!(recent("xx..x", 5).measure(), measure(5, 3));
        assert_eq!(recent("xx..x", 4).measure(), measure(4, 2));
        assert_eq!(recent("xx..x...", 4).measure(), measure(4, 1));
        assert_eq!(recent("xx..x....", 4).measure(), measure(4, 0));
    }

    #[test]
    fn what_is_written_is_read_whatever_the_number_of_events() {
        for events in ["", "x", ".x.x.x.x", "x........", "................x"] {
            let recent = recent(events, 99);
            let bytes = rmp_serde::to_vec(&recent).unwrap();
            assert_eq!(rmp_serde::from_slice::<RecentEvents>(&bytes).unwrap(), recent, "{events}");
            assert!(bytes.len() <= 6 + events.len().div_ceil(8), "{} bytes", bytes.len());
        }
        let damaged = rmp_serde::to_vec(&Packed(ActivationId(1), 9, vec![0].into())).unwrap();
        assert!(rmp_serde::from_slice::<RecentEvents>(&damaged).is_err());
    }

    #[test]
    fn at_its_end_few_events_decide_unless_chance_explains_them() {
        for (before, events, failed, fails) in [
            // Nothing is known of what was before: it counts as a hundred events that succeeded.
            ("", 0, 0, false),
            ("", 1, 1, false),
            ("", 2, 2, true),
            ("", 3, 3, true),
            ("..........", 3, 3, true),
            ("", 20, 1, false),
            ("", 20, 2, false),
            ("", 10, 3, true),
            ("", 19, 3, false),
            ("", 20, 3, false),
            // Half of ten failed before: 16 of 16 differ by chance once in 400 times, 40 of 40 almost never.
            ("xxxxx.....", 16, 16, false),
            ("xxxxx.....", 40, 40, true),
            ("xxxxxxxxxx", 40, 40, false),
            // The share is larger, and by more than chance, but not by more than the threshold.
            ("", 1_000, 50, false),
            ("", 1_000, 51, false),
            ("", 1_000, 80, true),
        ] {
            let told = format!("{failed} of {events} after \"{before}\"");
            assert_eq!(probation(before).is_failed_at_end(measure(events, failed)), fails, "{told}");
        }
    }

    #[test]
    fn the_chance_is_that_of_fishers_exact_test() {
        // By hand: one way of all ways to choose.
        for (first, second, expected) in [
            (measure(3, 3), measure(100, 0), 1.0 / 176_851.0),
            (measure(1, 1), measure(100, 0), 1.0 / 101.0),
            // The tea tasting: four of four, three of four.
            (measure(4, 4), measure(4, 0), 1.0 / 70.0),
            (measure(4, 3), measure(4, 1), 17.0 / 70.0),
            (measure(4, 0), measure(4, 4), 1.0),
        ] {
            let chance = chance_of(first, second);
            assert!((chance - expected).abs() < 1e-12, "{chance} instead of {expected}");
        }
    }

    #[test]
    fn it_fails_by_a_share_that_is_larger_by_more_than_the_threshold_and_not_before_there_are_enough_events()
    {
        for (before, events, failed, fails) in [
            ("", 20, 1, false),
            ("", 20, 2, true),
            ("", 19, 19, false),
            ("", 20, 20, true),
            ("..........", 40, 2, false),
            ("..........", 40, 3, true),
            // One of ten failed before, too: 15 of 100 may, and by chance nine more.
            ("x.........", 100, 15, false),
            ("x.........", 100, 24, false),
            ("x.........", 100, 25, true),
            ("x.........", 20, 7, false),
            ("x.........", 20, 8, true),
            ("xxxxxxxxxx", 20, 20, false),
        ] {
            let told = format!("{failed} of {events} after \"{before}\"");
            assert_eq!(probation(before).is_failed_by(measure(events, failed), 20), fails, "{told}");
        }
    }
}
