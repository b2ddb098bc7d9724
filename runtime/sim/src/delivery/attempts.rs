//! The circuit breaker's rules, by the attempts of one consumer that ended.

use camshaft_engine::Batch;
use camshaft_event::Breaker;
use camshaft_event::transaction::{Handled, Outcome};

use super::Moment;
use crate::faults::Fault;

#[derive(Default)]
pub(super) struct Attempts {
    /// Which of them failed, since the circuit was last closed.
    failed: Vec<bool>,
    /// Since when the circuit is open, if it is, and how long nothing may be taken.
    open: Option<(u64, u64)>,
    openings: u64,
}

impl Attempts {
    pub(super) fn is_closed(&self) -> bool {
        self.open.is_none()
    }

    pub(super) fn close(&mut self) {
        self.failed.clear();
        self.open = None;
    }

    /// A batch is taken where the consumer has events in hand already. The number of the opening that it may
    /// end.
    pub(super) fn begin(&self, batch: &Batch, in_hand: usize, moment: &mut Moment<'_>) -> Option<u64> {
        let (since_ms, pause_ms) = self.open?;
        let name = &batch.spec.name;
        let open_ms = moment.passed_ms - since_ms;
        assert!(open_ms >= pause_ms, "{name} is given a batch {open_ms} ms after its circuit opened");
        assert_eq!((batch.len(), in_hand), (1, 0), "{name} is on trial with one event at a time");
        moment.faults.note(Fault::OnTrial);
        Some(self.openings)
    }

    pub(super) fn end(
        &mut self,
        breaker: Breaker,
        trial: Option<u64>,
        handled: &Handled,
        moment: &mut Moment<'_>,
    ) {
        let Some(has_failed) = has_failed(handled) else { return };
        match self.open {
            None => {
                self.failed.push(has_failed);
                let latest = self.failed.rchunks(breaker.attempts as usize).next().unwrap_or_default();
                let failures = latest.iter().filter(|has_failed| **has_failed).count();
                let share = breaker.failure_percent as usize * latest.len();
                let is_enough = latest.len() == breaker.attempts as usize;
                if is_enough && failures > 0 && failures * 100 >= share {
                    moment.faults.note(Fault::CircuitOpened);
                    self.open(breaker.pause_ms, moment);
                }
            }
            Some(_) if trial != Some(self.openings) => {}
            Some((_, pause_ms)) if has_failed => {
                moment.faults.note(Fault::TrialFailed);
                self.open((pause_ms * 2).min(breaker.max_pause_ms), moment);
            }
            Some(_) => {
                moment.faults.note(Fault::CircuitClosed);
                self.close();
            }
        }
    }

    fn open(&mut self, pause_ms: u64, moment: &Moment<'_>) {
        self.openings += 1;
        self.open = Some((moment.passed_ms, pause_ms));
    }
}

/// Whether it failed in a way that another attempt may cure; none if it says nothing.
fn has_failed(handled: &Handled) -> Option<bool> {
    match handled.outcome {
        Outcome::Done => Some(false),
        Outcome::Retrying => Some(true),
        Outcome::Held | Outcome::Released | Outcome::Suspended => None,
        Outcome::DeadLettered => {
            let letter = handled.dead.first()?.letter.as_ref()?;
            let is_final = letter.history.latest()?.cause.is_final();
            (!is_final).then_some(true)
        }
    }
}
