//! The age of records by the monotonic clock: how far the log had come at some moments of this process.

use std::collections::VecDeque;

/// Moments that are remembered per retention. A record may stay longer by this share of it.
const PARTS: u64 = 64;

#[derive(Debug)]
pub(super) struct Aging {
    age_ms: u64,
    /// When, and the last sequence then; the oldest first. Only the first may be past the age.
    seen: VecDeque<(u64, u64)>,
}

impl Aging {
    pub(super) fn new(age_ms: u64) -> Self {
        Self { age_ms, seen: VecDeque::new() }
    }

    /// The log has come to `last_sequence`.
    pub(super) fn look(&mut self, elapsed_ms: u64, last_sequence: u64) {
        let is_due = |(at, _): &(u64, u64)| elapsed_ms.saturating_sub(*at) >= self.age_ms / PARTS;
        if self.seen.back().is_none_or(is_due) {
            self.seen.push_back((elapsed_ms, last_sequence));
        }
        while self.seen.get(1).is_some_and(|(at, _)| self.is_past(*at, elapsed_ms)) {
            self.seen.pop_front();
        }
    }

    /// The first sequence that is not past its age for certain.
    pub(super) fn expired(&self, elapsed_ms: u64) -> u64 {
        let oldest = self.seen.front().filter(|(at, _)| self.is_past(*at, elapsed_ms));
        oldest.map_or(0, |(_, sequence)| sequence + 1)
    }

    fn is_past(&self, at: u64, elapsed_ms: u64) -> bool {
        elapsed_ms.saturating_sub(at) >= self.age_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_expires_once_it_has_been_there_for_the_age_and_soon_after() {
        let mut aging = Aging::new(6_400);
        for second in 0..100 {
            let now = second * 1_000;
            aging.look(now, second);
            let expired = aging.expired(now);
            assert!(expired <= second.saturating_sub(6), "{expired} at second {second}");
            assert!(second < 7 || expired >= second - 6, "{expired} at second {second}");
            assert!(aging.seen.len() <= 8);
        }
    }

    #[test]
    fn the_number_of_moments_has_a_bound() {
        let mut aging = Aging::new(6_400);
        (0..100_000).for_each(|now| aging.look(now, now));
        assert!(aging.seen.len() as u64 <= PARTS + 2, "{}", aging.seen.len());
    }
}
