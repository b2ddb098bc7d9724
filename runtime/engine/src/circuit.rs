//! A circuit breaker's state: what becomes of a consumer whose attempts fail one after another, whatever the
//! event.
//!
//! Closed, it counts. Open, the consumer takes nothing, so no attempts are burnt. After a while it is on
//! trial: single events, one at a time, until the attempt of one decides. In memory only: a restart begins
//! closed. What counts is for the sequencer to say.

use std::collections::VecDeque;

use camshaft_event::{Breaker, Timestamp};

#[derive(Debug, Default)]
pub(crate) struct Circuit {
    state: State,
    /// How often it has opened. What began on trial bears this number.
    openings: u64,
}

#[derive(Debug)]
enum State {
    /// The latest attempts, oldest first: which of them failed, and how many.
    Closed { recent: VecDeque<bool>, failures: u64 },
    /// Nothing is taken until then.
    Open { until: Timestamp, pause_ms: u64 },
    /// It was open until then, for so long.
    OnTrial { until: Timestamp, pause_ms: u64 },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { recent: VecDeque::new(), failures: 0 }
    }
}

impl Circuit {
    /// Notes an attempt that ended. `trial` is what [`Circuit::trial`] said when it was taken.
    pub(crate) fn note(&mut self, breaker: Breaker, trial: Option<u64>, has_failed: bool, now: Timestamp) {
        match &mut self.state {
            State::Closed { recent, failures } => {
                recent.push_back(has_failed);
                *failures += u64::from(has_failed);
                if recent.len() > breaker.attempts as usize && recent.pop_front() == Some(true) {
                    *failures -= 1;
                }
                let is_full = recent.len() >= breaker.attempts as usize;
                let share = u64::from(breaker.failure_percent) * u64::from(breaker.attempts);
                if is_full && *failures > 0 && *failures * 100 >= share {
                    self.open(breaker.pause_ms, now);
                }
            }
            // It was begun before the circuit opened.
            State::Open { .. } | State::OnTrial { .. } if trial != Some(self.openings) => {}
            State::Open { pause_ms, .. } | State::OnTrial { pause_ms, .. } => {
                let longer_ms = pause_ms.saturating_mul(2).min(breaker.max_pause_ms);
                if has_failed { self.open(longer_ms, now) } else { self.close() }
            }
        }
    }

    fn open(&mut self, pause_ms: u64, now: Timestamp) {
        self.openings += 1;
        self.state = State::Open { until: now.plus_ms(pause_ms), pause_ms };
    }

    /// Closes it with nothing counted.
    pub(crate) fn close(&mut self) {
        self.state = State::default();
    }

    /// Goes on trial once the pause is over.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        if let State::Open { until, pause_ms } = self.state
            && until <= now
        {
            self.state = State::OnTrial { until, pause_ms };
        }
    }

    /// Until when nothing may be taken.
    pub(crate) fn blocks_until(&self) -> Option<Timestamp> {
        if let State::Open { until, .. } = self.state { Some(until) } else { None }
    }

    /// The number of the opening that a trial may end, if it is on trial.
    pub(crate) fn trial(&self) -> Option<u64> {
        matches!(self.state, State::OnTrial { .. }).then_some(self.openings)
    }

    /// When single events are tried again, or since when they are; none if it is closed.
    pub(crate) fn on_trial_from(&self) -> Option<Timestamp> {
        match self.state {
            State::Closed { .. } => None,
            State::Open { until, .. } | State::OnTrial { until, .. } => Some(until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKER: Breaker = Breaker { failure_percent: 50, attempts: 4, pause_ms: 100, max_pause_ms: 350 };

    fn after(breaker: Breaker, attempts: &str) -> Circuit {
        let mut circuit = Circuit::default();
        attempts.chars().for_each(|attempt| circuit.note(breaker, None, attempt == 'x', Timestamp(1_000)));
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
            circuit.wake(Timestamp(until.0 - 1));
            assert_eq!(circuit.blocks_until(), Some(until));
            circuit.wake(until);
            assert!(circuit.trial().is_some() && circuit.blocks_until().is_none());
            now = until.plus_ms(7);
            circuit.note(BREAKER, circuit.trial(), true, now);
        }
    }

    #[test]
    fn a_success_on_trial_closes_it_with_nothing_counted() {
        let mut circuit = after(BREAKER, "xxxx");
        circuit.wake(Timestamp(2_000));
        circuit.note(BREAKER, circuit.trial(), false, Timestamp(2_000));
        assert_eq!(circuit.on_trial_from(), None);
        (0..3).for_each(|_| circuit.note(BREAKER, None, true, Timestamp(2_000)));
        assert!(circuit.on_trial_from().is_none());
        circuit.note(BREAKER, None, true, Timestamp(2_000));
        assert_eq!(circuit.blocks_until(), Some(Timestamp(2_100)), "the first pause again");
    }

    #[test]
    fn only_what_began_on_trial_decides() {
        let mut circuit = after(BREAKER, "xxxx");
        for has_failed in [true, false] {
            circuit.note(BREAKER, None, has_failed, Timestamp(1_000));
            assert_eq!(circuit.blocks_until(), Some(Timestamp(1_100)));
        }
        circuit.wake(Timestamp(1_100));
        let first = circuit.trial();
        for has_failed in [true, false] {
            circuit.note(BREAKER, None, has_failed, Timestamp(1_100));
            assert_eq!(circuit.trial(), first);
        }
        // A trial that outlasts a resume by hand and the next opening is none of the next one.
        circuit.close();
        (0..4).for_each(|_| circuit.note(BREAKER, None, true, Timestamp(2_000)));
        circuit.wake(Timestamp(2_100));
        circuit.note(BREAKER, first, false, Timestamp(2_100));
        assert!(circuit.trial() > first);
    }
}
