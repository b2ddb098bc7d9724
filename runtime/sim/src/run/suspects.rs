//! Ends of the process while events are handled. Who kills it here is always somebody else, so what they are
//! held against is by the rule alone: an event is condemned only after the process has ended three times
//! while it ran alone.

use std::collections::BTreeMap;

use camshaft_engine::Mark;
use camshaft_event::transaction::{Handled, Outcome, Section};
use camshaft_event::{ConsumerId, FailureCause, Offset};

use super::Run;
use crate::faults::Fault;
use crate::model::failure;

/// Ends while an event runs alone that condemn it.
const CONDEMNING: u32 = 3;

/// One of so many runs alone is cut off.
const CUT_OFF: u64 = 3;

/// How often the process ended while an event ran alone.
#[derive(Default)]
pub(super) struct Ends(BTreeMap<(ConsumerId, Offset), u32>);

impl Run {
    /// Whether the process is to end amid the batch that was taken as `at`.
    pub(super) fn ends_amid(&mut self, at: usize) -> bool {
        let runs_alone = self.taken.get(at).is_some_and(|(batch, _)| batch.is_suspect());
        runs_alone && self.chance.is_some() && self.random.below(CUT_OFF) == 0
    }

    /// The process ends: the marks of what was being handled, and of suspects that had not run yet.
    pub(super) fn leave_marks(&mut self) -> Vec<Mark> {
        let mut marks = self.process.sequencer().suspects();
        let mut running: Vec<Mark> = self.calls_made();
        running.retain(|_| self.random.coin());
        for (batch, _) in std::mem::take(&mut self.taken) {
            // It was taken, but its worker may not have come to it.
            if !batch.is_suspect() && self.random.coin() {
                continue;
            }
            let called = self.worker().run_into_the_end(batch);
            if !called.is_empty() {
                let at = self.pick(called.len());
                running.extend(called.get(at));
            }
        }
        for mark in running {
            self.note(Fault::Suspected);
            if mark.lone_runs > 0 {
                self.note(Fault::LoneEnd);
                *self.ends.0.entry((mark.consumer, mark.offset)).or_default() += 1;
            }
            marks.push(mark);
        }
        marks
    }

    /// No event became a dead letter for less than it takes.
    pub(super) fn check_ends(&mut self) {
        let sections = self.history.iter().flat_map(|transaction| &transaction.sections);
        let condemned: Vec<&Handled> = sections
            .filter_map(|section| match section {
                Section::Handled(handled) if is_condemned(handled) => Some(&**handled),
                _ => None,
            })
            .collect();
        for handled in &condemned {
            let ends = self.ends.0.get(&(handled.consumer, handled.cause)).copied().unwrap_or_default();
            assert!(ends >= CONDEMNING, "{} is condemned for {ends} ends", handled.cause);
        }
        let is_any = !condemned.is_empty();
        self.note_if(Fault::Condemned, is_any);
    }
}

fn is_condemned(handled: &Handled) -> bool {
    handled.outcome == Outcome::DeadLettered && failure(handled) == Some(FailureCause::ProcessEnd)
}
