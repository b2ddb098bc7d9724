//! Redrive jobs as operators see them: previewed, started, cancelled, listed. [`drive`] moves them on.
//!
//! A job takes the dead letters that matched when it was started, in offset order, each exactly once. It
//! keeps no list of them: a dead letter knows since which transaction it is one, and the job where it is. So
//! a job survives a crash with the dead letters themselves, and one that dies again behind it is not taken
//! again.

mod drive;

use std::num::NonZeroU32;

use camshaft_event::transaction::{
    RedriveChange, RedriveChanged, RedriveJob, RedriveResults, RedriveSelection, RedriveState, Section,
};
use camshaft_event::{ConsumerId, Offset, RedriveId, Sequence, Timestamp};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;
use thiserror::Error;

use super::{DeadLetterError, Sequencer, Unready};
use crate::consumer::{Consumer, DeadEntry};
use crate::notice::Noticed;
use crate::system_event::SystemEvent;

/// Jobs that are kept, those that run included; of the others the oldest are forgotten.
const KEPT_JOBS: usize = 100;

/// Longest pattern of a selection, in bytes: it is written with each dead letter that the job sends back.
const MAX_PATTERN_BYTES: usize = 1024;

/// A job and what came of it, as the tables keep them.
#[derive(Debug)]
pub(super) struct Redrive {
    job: RedriveJob,
    results: RedriveResults,
    /// When its next dead letter is due, in microseconds of steady time.
    due_us: u64,
    /// While it runs: the selected dead letters whose turn has not come. Counted as it changes, since a
    /// listing must not walk through them.
    remaining: u64,
}

/// What a redrive job would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedrivePreview {
    /// How many dead letters.
    pub selected: u64,
    /// The first of them, by their offsets.
    pub first: Vec<Offset>,
}

impl RedrivePreview {
    /// Puts one together portion by portion; `add` says where the next portion begins, if there is one.
    pub(crate) fn gather(
        mut add: impl FnMut(Offset, &mut Self) -> Result<Option<Offset>, RedriveError>,
    ) -> Result<Self, RedriveError> {
        let mut preview = Self { selected: 0, first: Vec::new() };
        let mut next = Some(Offset(0));
        while let Some(from) = next {
            next = add(from, &mut preview)?;
        }
        Ok(preview)
    }
}

/// A redrive job as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedriveStatus {
    /// The job; while it runs, `gone` says how many are gone by now.
    pub job: RedriveJob,
    /// What became of what it had redriven.
    pub results: RedriveResults,
    /// Selected dead letters whose turn has not come. `selected` is the sum of these, `redriven` and `gone`.
    pub remaining: u64,
}

/// Why a redrive job could not be previewed, started or cancelled.
#[derive(Debug, Error)]
pub enum RedriveError {
    /// There is no consumer of that name.
    #[error("there is no consumer \"{consumer}\"")]
    NoSuchConsumer {
        /// The name asked for.
        consumer: String,
    },
    /// Two jobs at once could bring events of one key out of order.
    #[error("redrive job {job} of consumer \"{consumer}\" is running; wait for it or cancel it")]
    Running {
        /// Whose dead letters were asked for.
        consumer: String,
        /// The job that redrives them.
        job: RedriveId,
    },
    /// The type pattern is too long for any event type.
    #[error("the type pattern has {bytes} bytes; at most {MAX_PATTERN_BYTES} are allowed")]
    Pattern {
        /// Its length.
        bytes: usize,
    },
    /// There is no such job, or it is so old that it was forgotten.
    #[error("there is no redrive job {job}; the newest {KEPT_JOBS} are kept")]
    NotFound {
        /// The job asked for.
        job: RedriveId,
    },
    /// It does not run any more.
    #[error("redrive job {job} has ended")]
    Ended {
        /// The job asked for.
        job: RedriveId,
    },
    /// Not now; it heals by itself.
    #[error(transparent)]
    Unready(#[from] Unready),
    /// The tables cannot be read; the runtime must stop.
    #[error(transparent)]
    Tables(#[from] TablesError),
}

impl<S: Store> Sequencer<S> {
    /// Says what a job would take now, and the first `max_first` of it. Changes nothing.
    ///
    /// # Errors
    /// An unknown consumer.
    pub fn preview_redrive(
        &self,
        selection: &RedriveSelection,
        max_first: usize,
    ) -> Result<RedrivePreview, RedriveError> {
        RedrivePreview::gather(|from, preview| self.preview_redrive_from(selection, from, max_first, preview))
    }

    /// Starts a job that redrives what `selection` takes now, in offset order and `per_second`, or else as
    /// fast as there is room. [`Sequencer::tick`] drives it; the caller has it called again, since something
    /// is due. The start is durable with what is sequenced by then.
    ///
    /// # Errors
    /// An unknown consumer, one whose dead letters another job redrives, a bound that is reached, or tables
    /// that cannot be read.
    pub fn start_redrive(
        &mut self,
        selection: RedriveSelection,
        per_second: Option<NonZeroU32>,
        now: Timestamp,
    ) -> Result<RedriveId, RedriveError> {
        let selected = self.preview_redrive(&selection, 0)?.selected;
        let of_consumer = |job: &&RedriveJob| job.selection.consumer == selection.consumer;
        if let Some(running) = self.running_redrives().find(of_consumer) {
            return Err(RedriveError::Running { consumer: selection.consumer, job: running.id });
        }
        let pattern_bytes = selection.event_type.as_ref().map_or(0, |pattern| pattern.as_str().len());
        if pattern_bytes > MAX_PATTERN_BYTES {
            return Err(RedriveError::Pattern { bytes: pattern_bytes });
        }
        let job = RedriveJob {
            id: self.redrives.keys().next_back().map_or(RedriveId(1), |last| last.next()),
            selection,
            as_of: self.tables.progress().sequence,
            per_second,
            state: RedriveState::Running,
            started_at: now,
            ended_at: None,
            next: Offset(0),
            due_us: drive::microseconds(now),
            selected,
            redriven: 0,
            gone: 0,
        };
        let forgotten = self.forgotten_redrives();
        let mut jobs: Vec<_> = forgotten.iter().map(|id| RedriveChange { id: *id, job: None }).collect();
        jobs.push(RedriveChange { id: job.id, job: Some(Box::new(job.clone())) });
        let events = vec![SystemEvent::RedriveStarted { job: &job }.at(now)];
        let section = Section::Redrive(Box::new(RedriveChanged { jobs, results: Vec::new(), events }));
        self.step(now, |sequencer| sequencer.sequence_if_ready::<RedriveError>(vec![section], now))?;
        for id in forgotten {
            self.redrives.remove(&id);
        }
        let (id, due_us) = (job.id, drive::microseconds(self.steady.now(now)));
        let results = RedriveResults::default();
        let reason = format!("job {id}: {selected} dead letters");
        self.notices.add(Noticed::RedriveStarted, &job.selection.consumer, None, &reason);
        self.redrives.insert(id, Redrive { job, results, due_us, remaining: selected });
        Ok(id)
    }

    /// Stops a job; what it has redriven stays redriven. Durable with what is sequenced by then.
    ///
    /// # Errors
    /// An unknown job or one that has ended, a bound that is reached, or tables that cannot be read.
    pub fn cancel_redrive(&mut self, id: RedriveId, now: Timestamp) -> Result<(), RedriveError> {
        let known = self.redrives.get(&id).ok_or(RedriveError::NotFound { job: id })?;
        if known.job.state != RedriveState::Running {
            return Err(RedriveError::Ended { job: id });
        }
        self.step(now, |sequencer| sequencer.end_redrive(id, RedriveState::Cancelled, now))
    }

    /// The jobs that are kept, oldest first.
    #[must_use]
    pub fn redrive_jobs(&self) -> Vec<RedriveStatus> {
        self.redrives.values().map(|known| self.redrive_status(known)).collect()
    }

    /// One job.
    #[must_use]
    pub fn redrive_job(&self, id: RedriveId) -> Option<RedriveStatus> {
        self.redrives.get(&id).map(|known| self.redrive_status(known))
    }

    /// Takes up the jobs again after a start. The consumers and their dead letters are there already.
    pub(super) fn restore_redrives(&mut self) -> Result<(), TablesError> {
        for job in self.tables.redrive_jobs()? {
            let results = self.tables.redrive_results(job.id)?;
            let due_us = job.due_us;
            let remaining = if job.state == RedriveState::Running { self.count_remaining(&job) } else { 0 };
            self.redrives.insert(job.id, Redrive { job, results, due_us, remaining });
        }
        Ok(())
    }

    fn redrive_status(&self, known: &Redrive) -> RedriveStatus {
        let mut job = known.job.clone();
        let remaining = match job.state {
            RedriveState::Done => 0,
            RedriveState::Cancelled => job.selected - job.redriven - job.gone,
            RedriveState::Running => self.remaining(known),
        };
        job.gone = job.selected - job.redriven - remaining;
        RedriveStatus { job, results: known.results, remaining }
    }

    /// The running jobs of consumers that can read what they need.
    fn driven_redrives(&self) -> impl Iterator<Item = &Redrive> {
        let running = self.redrives.values().filter(|known| known.job.state == RedriveState::Running);
        let is_damaged =
            |known: &&Redrive| self.known(&known.job.selection.consumer).is_some_and(Consumer::is_damaged);
        running.filter(move |known| !is_damaged(known))
    }

    fn running_redrives(&self) -> impl Iterator<Item = &RedriveJob> {
        self.redrives.values().map(|known| &known.job).filter(|job| job.state == RedriveState::Running)
    }

    /// The jobs to forget so that there is room for one more.
    fn forgotten_redrives(&self) -> Vec<RedriveId> {
        let ended = self.redrives.values().filter(|known| known.job.state != RedriveState::Running);
        let too_many = (self.redrives.len() + 1).saturating_sub(KEPT_JOBS);
        ended.map(|known| known.job.id).take(too_many).collect()
    }

    /// What became of what a job has redriven; none if it is forgotten.
    pub(super) fn redrive_results_of(&self, id: RedriveId) -> Option<RedriveResults> {
        self.redrives.get(&id).map(|known| known.results)
    }

    /// Takes over results that are sequenced.
    pub(super) fn set_redrive_results(&mut self, id: RedriveId, results: RedriveResults) {
        if let Some(known) = self.redrives.get_mut(&id) {
            known.results = results;
        }
    }

    fn end_redrive(
        &mut self,
        id: RedriveId,
        state: RedriveState,
        now: Timestamp,
    ) -> Result<(), RedriveError> {
        let Some(known) = self.redrives.get(&id) else { return Ok(()) };
        let mut job = known.job.clone();
        job.gone = job.selected - job.redriven - self.remaining(known);
        job.state = state;
        job.ended_at = Some(now);
        let change = RedriveChange { id, job: Some(Box::new(job.clone())) };
        let events = vec![
            SystemEvent::RedriveEnded { job: &job, is_cancelled: state == RedriveState::Cancelled }.at(now),
        ];
        let changed = RedriveChanged { jobs: vec![change], results: Vec::new(), events };
        self.sequence_if_ready::<RedriveError>(vec![Section::Redrive(Box::new(changed))], now)?;
        let reason = format!("job {id}: {} of {} redriven, {} gone", job.redriven, job.selected, job.gone);
        self.notices.add(Noticed::RedriveEnded, &job.selection.consumer, None, &reason);
        if let Some(known) = self.redrives.get_mut(&id) {
            known.job = job;
        }
        Ok(())
    }

    /// How many dead letters a running job has before it.
    fn remaining(&self, known: &Redrive) -> u64 {
        debug_assert_eq!(
            known.remaining,
            self.count_remaining(&known.job),
            "every removal of a dead letter is counted"
        );
        known.remaining
    }

    /// The same by walking through them.
    fn count_remaining(&self, job: &RedriveJob) -> u64 {
        self.ahead(job).zip(1..).last().map_or(0, |(_, count)| count)
    }

    /// Takes a dead letter away from what is known here.
    pub(super) fn forget_dead(&mut self, id: ConsumerId, offset: Offset) -> Option<DeadEntry> {
        let consumer = self.consumers.change(id)?;
        let entry = consumer.remove_dead(offset)?;
        for known in self.redrives.values_mut() {
            let job = &known.job;
            let is_ahead = job.state == RedriveState::Running
                && job.selection.consumer == consumer.record.name
                && offset >= job.next
                && is_selected(&entry, &job.selection, job.as_of);
            known.remaining -= u64::from(is_ahead);
        }
        Some(entry)
    }

    /// All dead letters of a consumer have been taken away.
    pub(super) fn forget_all_dead(&mut self, name: &str) {
        let of_consumer = |known: &&mut Redrive| known.job.selection.consumer == name;
        self.redrives.values_mut().filter(of_consumer).for_each(|known| known.remaining = 0);
    }

    /// The dead letters that a running job has before it, in order.
    fn ahead<'c>(&'c self, job: &'c RedriveJob) -> impl Iterator<Item = Offset> + 'c {
        let consumer = self.known(&job.selection.consumer);
        consumer.into_iter().flat_map(|consumer| selected(consumer, &job.selection, job.as_of, job.next))
    }
}

/// The section of a job that has got on.
pub(super) fn progress(job: RedriveJob) -> Section {
    let change = RedriveChange { id: job.id, job: Some(Box::new(job)) };
    Section::Redrive(Box::new(RedriveChanged { jobs: vec![change], ..RedriveChanged::default() }))
}

/// The dead letters from `next` on that a selection takes of what was dead as of a transaction, in order.
fn selected<'c>(
    consumer: &'c Consumer,
    selection: &'c RedriveSelection,
    as_of: Sequence,
    next: Offset,
) -> impl Iterator<Item = Offset> + 'c {
    let wanted = consumer.dead.from(next).filter(move |(_, entry)| is_selected(entry, selection, as_of));
    wanted.map(|(offset, _)| offset)
}

/// Whether a selection takes a dead letter of what was dead as of a transaction.
fn is_selected(entry: &DeadEntry, selection: &RedriveSelection, as_of: Sequence) -> bool {
    entry.since <= as_of && selection.matches(&entry.event_type, entry.reason, entry.at)
}

impl From<DeadLetterError> for RedriveError {
    fn from(error: DeadLetterError) -> Self {
        match error {
            // The job looked only at dead letters that memory knows.
            DeadLetterError::NotFound { .. } => TablesError::Damaged { what: "dead letter" }.into(),
            DeadLetterError::Unready(error) => error.into(),
            DeadLetterError::Tables(error) => error.into(),
        }
    }
}
