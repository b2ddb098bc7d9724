//! A circuit breaker's state: what becomes of a consumer whose attempts fail one after another, whatever the event.
//!
//! Closed, it counts. Open, the consumer takes nothing, so no attempts are burnt. After a while it is on trial: single
//! events, one at a time, until an attempt that ends decides. In memory only: a restart begins closed. What counts is
//! for the sequencer to say.

use std::collections::VecDeque;

use camshaft_event::{Breaker, Timestamp};

#[derive(Debug)]
pub(crate) enum Circuit {
    /// The latest attempts, oldest first: which of them failed, and how many.
    Closed { recent: VecDeque<bool>, failures: u64 },
    /// Nothing is taken until then.
    Open { until: Timestamp, pause_ms: u64 },
    /// It was open until then, for so long.
    OnTrial { until: Timestamp, pause_ms: u64 },
}

impl Default for Circuit {
    fn default() -> Self {
        Self::Closed { recent: VecDeque::new(), failures: 0 }
    }
}

impl Circuit {
    /// Notes an attempt that ended.
    pub(crate) fn note(&mut self, breaker: Breaker, has_failed: bool, now: Timestamp) {
        match self {
            Self::Closed { recent, failures } => {
                recent.push_back(has_failed);
                *failures += u64::from(has_failed);
                if recent.len() > breaker.attempts as usize && recent.pop_front() == Some(true) {
                    *failures -= 1;
                }
                let is_full = recent.len() >= breaker.attempts as usize;
                let share = u64::from(breaker.failure_percent) * u64::from(breaker.attempts);
                if is_full && *failures > 0 && *failures * 100 >= share {
                    *self = Self::open(breaker.pause_ms, now);
                }
            }
            // It was begun before the circuit opened.
            Self::Open { .. } => {}
            Self::OnTrial { pause_ms, .. } if has_failed => {
                *self = Self::open(pause_ms.saturating_mul(2).min(breaker.max_pause_ms), now);
            }
            Self::OnTrial { .. } => *self = Self::default(),
        }
    }

    fn open(pause_ms: u64, now: Timestamp) -> Self {
        Self::Open { until: now.plus_ms(pause_ms), pause_ms }
    }

    /// Goes on trial once the pause is over.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        if let Self::Open { until, pause_ms } = *self
            && until <= now
        {
            *self = Self::OnTrial { until, pause_ms };
        }
    }

    /// The clock was set back to `now`: the pause lasts no longer than it should.
    pub(crate) fn set_back(&mut self, now: Timestamp) {
        if let Self::Open { until, pause_ms } = self {
            *until = now.plus_ms(*pause_ms).min(*until);
        }
    }

    /// Until when nothing may be taken.
    pub(crate) fn blocks_until(&self) -> Option<Timestamp> {
        if let Self::Open { until, .. } = self { Some(*until) } else { None }
    }

    pub(crate) fn is_on_trial(&self) -> bool {
        matches!(self, Self::OnTrial { .. })
    }

    /// When single events are tried again, or since when they are; none if it is closed.
    pub(crate) fn on_trial_from(&self) -> Option<Timestamp> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { until, .. } | Self::OnTrial { until, .. } => Some(*until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKER: Breaker = Breaker { failure_percent: 50, attempts: 4, pause_ms: 100, max_pause_ms: 350 };

    fn after(breaker: Breaker, attempts: &str) -> Circuit {
        let mut circuit = Circuit::default();
        attempts.chars().for_each(|attempt| circuit.note(breaker, attempt == 'x', Timestamp(1_000)));
        circuit
    }

    #[test]
    fn it_opens_at_the_share_among_the_latest_attempts_and_not_before_there_are_so_many() {
        for (attempts, opens) in [
            ("xxx", false),
            ("xx..", true),
            ("x...", false),
            ("x...x...x", false),
            ("x...x..x", true),
            ("x...x.x", true),
            ("xx", false),
            ("..........xx", true),
        ] {
            assert_eq!(after(BREAKER, attempts).blocks_until().is_some(), opens, "{attempts}");
        }
        let all = Breaker { failure_percent: 100, ..BREAKER };
        assert!(after(all, "xxx.xxx").blocks_until().is_none());
        assert!(after(all, "xxx.xxxx").blocks_until().is_some());
        assert!(after(Breaker { failure_percent: 1, ..BREAKER }, "........").blocks_until().is_none());
    }

    #[test]
    fn each_failure_on_trial_doubles_the_pause_up_to_the_longest() {
        let mut circuit = after(BREAKER, "xxxx");
        let mut now = Timestamp(1_000);
        for pause_ms in [100, 200, 350, 350] {
            let until = now.plus_ms(pause_ms);
            assert_eq!(circuit.blocks_until(), Some(until));
            circuit.note(BREAKER, true, now);
            circuit.wake(Timestamp(until.0 - 1));
            assert_eq!(circuit.blocks_until(), Some(until), "what had begun before decides nothing");
            circuit.wake(until);
            assert!(circuit.is_on_trial() && circuit.blocks_until().is_none());
            now = until.plus_ms(7);
            circuit.note(BREAKER, true, now);
        }
    }

    #[test]
    fn a_success_on_trial_closes_it_with_nothing_counted() {
        let mut circuit = after(BREAKER, "xxxx");
        circuit.wake(Timestamp(2_000));
        circuit.note(BREAKER, false, Timestamp(2_000));
        assert_eq!(circuit.on_trial_from(), None);
        (0..3).for_each(|_| circuit.note(BREAKER, true, Timestamp(2_000)));
        assert!(circuit.on_trial_from().is_none());
        circuit.note(BREAKER, true, Timestamp(2_000));
        assert_eq!(circuit.blocks_until(), Some(Timestamp(2_100)), "the first pause again");
    }
}
