//! Driving redrive jobs: dead letter by dead letter, as fast as a job's rate and the room allow.
//!
//! IMPORTANT: a dead letter and its job's progress change in one transaction, so a crash finds both before it
//! or both behind it. What waits to be handled counts as held from then on, as it did as a dead letter: the
//! bound on both stands as it was.

use std::collections::BTreeMap;

use camshaft_event::transaction::{
    Outcome, RedriveChanged, RedriveJob, RedriveResults, RedriveState, Section,
};
use camshaft_event::{RedriveId, Timestamp};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::{Redrive, RedriveError, Sequencer};
use crate::batch::{Batch, Item};

/// Dead letters that jobs redrive in one step; the critical section stays short.
const REDRIVEN_AT_ONCE: usize = 64;

/// How much a job that has a rate may be late and still catch up, in microseconds. What was missed before,
/// while the process was down or the disk full, does not come all at once.
const CAUGHT_UP_US: u64 = 100_000;

impl<S: Store> Sequencer<S> {
    /// Moves the running jobs on. Some dead letters may be left, for want of room or because there are many;
    /// they are due still.
    pub(in super::super) fn drive_redrives(&mut self, now: Timestamp) -> Result<(), TablesError> {
        let running: Vec<RedriveId> = self.driven_redrives().map(|known| known.job.id).collect();
        let share = (REDRIVEN_AT_ONCE / running.len().max(1)).max(1);
        for id in running {
            for _ in 0..share {
                match self.redrive_next(id, now) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(RedriveError::Tables(error)) => {
                        self.isolate(error)?;
                        break;
                    }
                    // No room now.
                    Err(_) => return Ok(()),
                }
            }
        }
        Ok(())
    }

    /// When some job may redrive its next dead letter, in steady time.
    pub(in super::super) fn next_redrive_due(&self) -> Option<Timestamp> {
        self.driven_redrives().map(|known| Timestamp(known.due_us.div_ceil(1_000))).min()
    }

    /// Redrives the next dead letter of a job, and ends the job with the last one; whether it may go on at
    /// once.
    fn redrive_next(&mut self, id: RedriveId, now: Timestamp) -> Result<bool, RedriveError> {
        let steady = self.steady.now(now);
        let Some(known) = self.redrives.get(&id) else { return Ok(false) };
        if known.job.state != RedriveState::Running || !is_due(known, steady) {
            return Ok(false);
        }
        let mut ahead = self.ahead(&known.job);
        let (Some(offset), following) = (ahead.next(), ahead.next()) else {
            drop(ahead);
            self.end_redrive(id, RedriveState::Done, now)?;
            return Ok(false);
        };
        drop(ahead);
        let mut job = known.job.clone();
        job.redriven += 1;
        // What lies between is not looked at again.
        job.next = following.unwrap_or(offset.next());
        let due_us = next_due_us(known, steady);
        job.due_us = microseconds(self.steady.to_wall(Timestamp(due_us / 1_000))) + due_us % 1_000;
        let name = job.selection.consumer.clone();
        self.send_back(&name, offset, Some(&job), now)?;
        if let Some(known) = self.redrives.get_mut(&id) {
            (known.job, known.due_us) = (job, due_us);
        }
        if following.is_none() {
            self.end_redrive(id, RedriveState::Done, now)?;
        }
        Ok(following.is_some())
    }

    /// Counts what became of redriven events in a batch that is about to commit: the section that says so.
    pub(in super::super) fn redrive_results(
        &mut self,
        batch: &Batch,
        sections: &[Section],
    ) -> Option<Section> {
        let mut changed: BTreeMap<RedriveId, RedriveResults> = BTreeMap::new();
        for section in sections {
            let Section::Handled(handled) = section else { continue };
            let mut held =
                batch.items.iter().filter(|item| item.offset == handled.cause).filter_map(Item::held);
            let Some(id) = held.next().and_then(|held| held.redriven_by) else { continue };
            // A job that is forgotten has no results either.
            let Some(known) = self.redrives.get_mut(&id) else { continue };
            match handled.outcome {
                Outcome::Done => known.results.handled += 1,
                Outcome::DeadLettered => known.results.dead_again += 1,
                Outcome::Held | Outcome::Retrying | Outcome::Released | Outcome::Suspended => continue,
            }
            changed.insert(id, known.results);
        }
        let results: Vec<_> = changed.into_iter().collect();
        let is_any = !results.is_empty();
        is_any.then(|| Section::Redrive(Box::new(RedriveChanged { results, ..RedriveChanged::default() })))
    }
}

/// A moment in the unit of rates.
pub(super) fn microseconds(at: Timestamp) -> u64 {
    at.0.saturating_mul(1_000)
}

/// Microseconds from one dead letter to the next, rounded up; none if the job has no rate.
fn interval_us(job: &RedriveJob) -> Option<u64> {
    job.per_second.map(|rate| 1_000_000_u64.div_ceil(u64::from(rate.get())))
}

/// Whether the job's rate allows another dead letter.
fn is_due(known: &Redrive, now: Timestamp) -> bool {
    let now_us = microseconds(now);
    // It is never due later than an interval from now, unless the clock was set back before the process
    // began.
    let is_beyond = |interval_us| known.due_us > now_us.saturating_add(interval_us);
    known.due_us <= now_us || interval_us(&known.job).is_none_or(is_beyond)
}

/// When the next dead letter is due after one at `now`. A job without a rate is always due.
fn next_due_us(known: &Redrive, now: Timestamp) -> u64 {
    let Some(interval_us) = interval_us(&known.job) else { return known.due_us };
    let now_us = microseconds(now);
    let planned = known.due_us.clamp(now_us.saturating_sub(CAUGHT_UP_US), now_us);
    planned.saturating_add(interval_us)
}
