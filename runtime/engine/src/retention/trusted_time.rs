//! Time that does not jump ahead: it goes on with the monotonic clock from what was known before.
//!
//! A wall clock that is ahead of it or behind it is followed once it has stayed so for an hour: then the
//! machine was off, or its clock was wrong before. Until then trusted time may be late, never early, so what
//! it decides happens late.

use camshaft_event::Timestamp;

use crate::clock::Reading;

/// How far a wall clock may be ahead without having jumped.
const SLACK_MS: u64 = 1_000;

/// By this share of the time that passes a wall clock may gain on ours: time servers let it gain half as
/// much.
const DRIFT_PARTS: u64 = 1_000;

/// A machine that was off for less than this is nothing to speak of.
const SHORT_REST_MS: u64 = 24 * 60 * 60 * 1000;

/// The wall clock went ahead of the time that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// By how much, in milliseconds.
    pub ahead_ms: u64,
    /// For how long it must stay so before it is followed, in milliseconds.
    pub trust_after_ms: u64,
}

#[derive(Debug)]
pub(super) struct TrustedTime {
    at: Timestamp,
    /// When it was that time.
    elapsed_ms: u64,
    trust_after_ms: u64,
    ahead: Option<Ahead>,
    /// Since when the wall clock has been behind.
    behind_since_ms: Option<u64>,
    /// Whether the wall clock has agreed in this process.
    has_agreed: bool,
    /// Whether a jump was told since it agreed last.
    is_told: bool,
}

/// The wall clock has been ahead for a while.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    since_ms: u64,
    /// The least that it has been ahead by since then.
    by_ms: u64,
}

impl TrustedTime {
    pub(super) fn new(at: Timestamp, elapsed_ms: u64, trust_after_ms: u64) -> Self {
        Self {
            at,
            elapsed_ms,
            trust_after_ms,
            ahead: None,
            behind_since_ms: None,
            has_agreed: false,
            is_told: false,
        }
    }

    pub(super) fn at(&self, elapsed_ms: u64) -> Timestamp {
        self.at.plus_ms(elapsed_ms.saturating_sub(self.elapsed_ms))
    }

    /// Looks at the clocks. Returns a jump when it is first seen.
    pub(super) fn look(&mut self, reading: Reading) -> Option<Jump> {
        let passed_ms = reading.elapsed_ms().saturating_sub(self.elapsed_ms);
        let by_ms = reading.wall.ms_since(self.at(reading.elapsed_ms()));
        if by_ms <= SLACK_MS.max(passed_ms / DRIFT_PARTS) {
            self.look_back(reading);
            self.agree();
            if (1..=passed_ms / DRIFT_PARTS).contains(&by_ms) {
                self.follow(reading);
            }
            return None;
        }
        self.behind_since_ms = None;
        let ahead = match self.ahead {
            Some(ahead) if by_ms <= ahead.by_ms.saturating_add(self.gain_ms(reading, ahead)) => {
                Ahead { by_ms: ahead.by_ms.min(by_ms), ..ahead }
            }
            _ => Ahead { since_ms: reading.elapsed_ms(), by_ms },
        };
        self.ahead = Some(ahead);
        if self.is_trusted(reading, ahead.since_ms) {
            self.agree();
            self.follow(reading);
            return None;
        }
        let is_told = std::mem::replace(&mut self.is_told, self.has_agreed || by_ms >= SHORT_REST_MS);
        (self.is_told && !is_told).then_some(Jump { ahead_ms: by_ms, trust_after_ms: self.trust_after_ms })
    }

    /// Follows a clock that has been behind for long: what it was told before was wrong.
    fn look_back(&mut self, reading: Reading) {
        if self.at(reading.elapsed_ms()).ms_since(reading.wall) <= SLACK_MS {
            self.behind_since_ms = None;
            return;
        }
        let since_ms = *self.behind_since_ms.get_or_insert(reading.elapsed_ms());
        if self.is_trusted(reading, since_ms) {
            self.behind_since_ms = None;
            self.follow(reading);
        }
    }

    fn is_trusted(&self, reading: Reading, since_ms: u64) -> bool {
        reading.elapsed_ms().saturating_sub(since_ms) >= self.trust_after_ms
    }

    fn agree(&mut self) {
        (self.ahead, self.has_agreed, self.is_told) = (None, true, false);
    }

    fn follow(&mut self, reading: Reading) {
        (self.at, self.elapsed_ms) = (reading.wall, reading.elapsed_ms());
    }

    /// What a clock that is ahead may gain further without having jumped again.
    fn gain_ms(&self, reading: Reading, ahead: Ahead) -> u64 {
        SLACK_MS + reading.elapsed_ms().saturating_sub(ahead.since_ms) / DRIFT_PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 60 * 60 * 1000;
    const DAY_MS: u64 = 24 * HOUR_MS;
    const NONE: [u64; 0] = [];
    /// Some day.
    const BEGIN: Timestamp = Timestamp(1_000 * DAY_MS);

    /// Looks every five seconds from `from_ms` to `to_ms` at a clock that is `ahead_ms` ahead; the jumps that
    /// were seen.
    fn look(time: &mut TrustedTime, from_ms: u64, to_ms: u64, ahead_ms: u64) -> Vec<u64> {
        let moments = (from_ms..=to_ms).step_by(5_000);
        let moments = moments.map(|elapsed_ms| Reading {
            wall: BEGIN.plus_ms(elapsed_ms + ahead_ms),
            elapsed_us: elapsed_ms * 1_000,
        });
        moments.filter_map(|reading| time.look(reading)).map(|jump| jump.ahead_ms).collect()
    }

    fn begin() -> TrustedTime {
        TrustedTime::new(BEGIN, 0, HOUR_MS)
    }

    #[test]
    fn a_jump_ahead_that_ends_within_the_hour_is_not_followed_and_is_told_once() {
        let mut time = begin();
        assert_eq!(look(&mut time, 0, 60_000, 0), NONE);
        assert_eq!(look(&mut time, 65_000, 60 * 60_000, 30 * DAY_MS), [30 * DAY_MS]);
        assert_eq!(time.at(60 * 60_000), BEGIN.plus_ms(60 * 60_000));
        assert_eq!(look(&mut time, 61 * 60_000, 10 * HOUR_MS, 0), NONE);
        assert_eq!(time.at(10 * HOUR_MS), BEGIN.plus_ms(10 * HOUR_MS));
    }

    #[test]
    fn a_jump_after_one_that_ended_is_told_and_begins_the_hour_anew() {
        let mut time = begin();
        assert_eq!(look(&mut time, 0, HOUR_MS - 60_000, 2 * DAY_MS), [2 * DAY_MS]);
        assert_eq!(look(&mut time, HOUR_MS - 55_000, HOUR_MS - 30_000, 0), NONE);
        assert_eq!(look(&mut time, HOUR_MS - 25_000, HOUR_MS + 60_000, DAY_MS / 2), [DAY_MS / 2]);
        assert_eq!(time.at(HOUR_MS + 60_000), BEGIN.plus_ms(HOUR_MS + 60_000));
    }

    #[test]
    fn a_clock_that_stays_ahead_for_an_hour_is_followed() {
        let mut time = begin();
        assert_eq!(look(&mut time, 0, HOUR_MS - 5_000, 400 * DAY_MS), [400 * DAY_MS]);
        assert_eq!(time.at(HOUR_MS), BEGIN.plus_ms(HOUR_MS));
        look(&mut time, HOUR_MS, HOUR_MS, 400 * DAY_MS);
        assert_eq!(time.at(HOUR_MS), BEGIN.plus_ms(HOUR_MS + 400 * DAY_MS));
    }

    #[test]
    fn a_second_jump_begins_the_hour_anew() {
        let mut time = begin();
        look(&mut time, 0, HOUR_MS / 2, DAY_MS);
        look(&mut time, HOUR_MS / 2 + 5_000, HOUR_MS + 60_000, 2 * DAY_MS);
        assert_eq!(time.at(HOUR_MS + 60_000), BEGIN.plus_ms(HOUR_MS + 60_000));
    }

    #[test]
    fn a_restart_after_a_short_rest_is_not_told() {
        assert_eq!(look(&mut begin(), 0, HOUR_MS * 2, DAY_MS / 2), NONE);
    }

    #[test]
    fn a_clock_that_gains_a_little_is_followed_and_one_that_creeps_is_not() {
        for (per_mille, is_followed) in [(1, true), (100, false)] {
            let mut time = begin();
            for elapsed_ms in (0..HOUR_MS / 2).step_by(5_000) {
                let wall = BEGIN.plus_ms(elapsed_ms + elapsed_ms * per_mille / 1_000);
                time.look(Reading { wall, elapsed_us: elapsed_ms * 1_000 });
            }
            let gained_ms = time.at(HOUR_MS / 2).ms_since(BEGIN.plus_ms(HOUR_MS / 2));
            assert!(gained_ms <= HOUR_MS / 2 / DRIFT_PARTS, "{per_mille} ‰: {gained_ms} ms");
            assert_eq!(gained_ms > 0, is_followed, "{per_mille} ‰");
        }
    }

    #[test]
    fn a_clock_that_stays_behind_for_an_hour_is_followed() {
        let mut time = TrustedTime::new(BEGIN.plus_ms(DAY_MS), 0, HOUR_MS);
        look(&mut time, 0, HOUR_MS - 5_000, 0);
        assert_eq!(time.at(HOUR_MS), BEGIN.plus_ms(DAY_MS + HOUR_MS));
        assert_eq!(look(&mut time, HOUR_MS, HOUR_MS, 0), NONE);
        assert_eq!(time.at(HOUR_MS), BEGIN.plus_ms(HOUR_MS));
        assert_eq!(look(&mut time, HOUR_MS + 5_000, HOUR_MS + 60_000, DAY_MS), [DAY_MS]);
    }

    #[test]
    fn a_clock_that_was_set_back_and_forth_does_not_jump() {
        let mut time = TrustedTime::new(BEGIN.plus_ms(DAY_MS), 0, HOUR_MS);
        assert_eq!(look(&mut time, 0, 60_000, 0), NONE);
        assert_eq!(look(&mut time, 65_000, 120_000, DAY_MS), NONE);
    }

    #[test]
    fn a_clock_that_is_set_back_again_is_behind_anew() {
        for meanwhile_ms in [DAY_MS, 3 * DAY_MS] {
            let mut time = TrustedTime::new(BEGIN.plus_ms(DAY_MS), 0, HOUR_MS);
            look(&mut time, 0, 60_000, 0);
            look(&mut time, 65_000, 120_000, meanwhile_ms);
            let at = HOUR_MS + 60_000;
            look(&mut time, 125_000, at, 0);
            assert_eq!(time.at(at), BEGIN.plus_ms(DAY_MS + at), "{meanwhile_ms}");
        }
    }
}
