//! What a log must tell of redrive jobs: each takes what was dead at its start, in order and once, and counts
//! right.

use std::collections::{BTreeMap, BTreeSet};

use camshaft_event::transaction::{DeadChange, RedriveState};
use camshaft_event::transaction::{Handled, HeldChange, Outcome, RedriveChanged, RedriveJob, RedriveResults};
use camshaft_event::{ConsumerId, DeadLetter, FailureCause, Offset, RedriveId, Timestamp};

use super::Known;

/// A dead letter as a job looks at it.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The number of the transaction in which it became one.
    since: u64,
    at: Timestamp,
    reason: Option<FailureCause>,
    event_type: String,
}

/// A job and what it has before it.
pub(crate) struct KnownJob {
    pub(crate) job: RedriveJob,
    pub(crate) results: RedriveResults,
    /// What it selected and has not redriven, with the transactions in which those became dead letters.
    left: BTreeMap<Offset, u64>,
    last: Option<Offset>,
}

#[derive(Default)]
pub(crate) struct Redrives {
    /// The number of the transaction that is read.
    pub(crate) sequence: u64,
    pub(crate) jobs: BTreeMap<RedriveId, KnownJob>,
    letters: BTreeMap<(ConsumerId, Offset), Letter>,
    /// Which job brought back what waits.
    waiting: BTreeMap<(ConsumerId, Offset), RedriveId>,
    /// The jobs whose value or results must change in the transaction that is read.
    progressed: Option<RedriveId>,
    counted: BTreeSet<RedriveId>,
}

impl Redrives {
    /// A consumer begins anew.
    pub(crate) fn clear(&mut self, id: ConsumerId) {
        self.letters.retain(|(owner, _), _| *owner != id);
        self.waiting.retain(|(owner, _), _| *owner != id);
    }

    /// An operator or a job takes dead letters away.
    pub(crate) fn intervened(&mut self, id: ConsumerId, dead: &[DeadChange], held: &[HeldChange]) {
        for change in held {
            let letter = self.letters.get(&(id, change.offset)).expect("what is redriven was dead");
            let Some(job) = change.event.as_ref().expect("what is redriven waits").redriven_by else {
                continue;
            };
            let known = self.jobs.get_mut(&job).expect("the job is known");
            assert_eq!(known.job.state, RedriveState::Running);
            assert_eq!(known.left.remove(&change.offset), Some(letter.since), "it takes what was dead then");
            assert!(known.last < Some(change.offset), "in order");
            known.last = Some(change.offset);
            assert_eq!(self.progressed.replace(job), None);
            self.waiting.insert((id, change.offset), job);
        }
        for change in dead {
            self.letters.remove(&(id, change.offset));
        }
    }

    pub(crate) fn handled(&mut self, handled: &Handled) {
        let at = (handled.consumer, handled.cause);
        for change in &handled.dead {
            self.died(at, change.letter.as_ref().expect("a new dead letter has its letter"));
        }
        if matches!(handled.outcome, Outcome::Done | Outcome::DeadLettered) {
            self.came_to_an_end(at, handled.outcome == Outcome::Done);
        }
    }

    /// An operator made a dead letter of a held event.
    pub(crate) fn set_aside(&mut self, at: (ConsumerId, Offset), letter: &DeadLetter) {
        self.died(at, letter);
        self.came_to_an_end(at, false);
    }

    fn died(&mut self, at: (ConsumerId, Offset), letter: &DeadLetter) {
        let reason = letter.history.latest().map(|latest| latest.cause);
        let event_type = letter.event.event_type.clone();
        self.letters.insert(at, Letter { since: self.sequence, at: letter.at, reason, event_type });
    }

    /// What a job may have redriven was handled, or died again.
    fn came_to_an_end(&mut self, at: (ConsumerId, Offset), is_done: bool) {
        let job = self.waiting.remove(&at);
        if let Some((id, known)) = job.and_then(|id| Some((id, self.jobs.get_mut(&id)?))) {
            self.counted.insert(id);
            if is_done {
                known.results.handled += 1;
            } else {
                known.results.dead_again += 1;
            }
        }
    }

    pub(crate) fn changed(&mut self, changed: &RedriveChanged, consumers: &BTreeMap<ConsumerId, Known>) {
        for (id, results) in &changed.results {
            assert!(self.counted.remove(id));
            assert_eq!(self.jobs.get(id).map(|known| known.results), Some(*results));
        }
        for change in &changed.jobs {
            match &change.job {
                None => {
                    let state = self.jobs.remove(&change.id).map(|known| known.job.state);
                    assert!(
                        state.is_some_and(|state| state != RedriveState::Running),
                        "only what has ended is forgotten"
                    );
                }
                Some(job) if self.jobs.contains_key(&change.id) => self.went_on(job, consumers),
                Some(job) => self.started(job, consumers),
            }
        }
    }

    fn started(&mut self, job: &RedriveJob, consumers: &BTreeMap<ConsumerId, Known>) {
        assert!(self.jobs.keys().all(|id| *id < job.id));
        let rival = |known: &KnownJob| {
            known.job.selection.consumer == job.selection.consumer && known.job.state == RedriveState::Running
        };
        assert!(!self.jobs.values().any(rival), "one at a time");
        assert_eq!((job.state, job.as_of.0), (RedriveState::Running, self.sequence - 1));
        let owner = owner(job, consumers).expect("a job has a consumer");
        let selected = self.letters.iter().filter(|((id, _), letter)| {
            let wanted = &job.selection;
            *id == owner
                && wanted.event_type.as_ref().is_none_or(|pattern| pattern.matches(&letter.event_type))
                && wanted.reason.is_none_or(|reason| letter.reason == Some(reason))
                && wanted.since.is_none_or(|since| since <= letter.at)
                && wanted.until.is_none_or(|until| letter.at < until)
        });
        let left: BTreeMap<_, _> = selected.map(|((_, offset), letter)| (*offset, letter.since)).collect();
        assert_eq!((job.selected, job.redriven, job.gone), (left.len() as u64, 0, 0));
        let known = KnownJob { job: job.clone(), results: RedriveResults::default(), left, last: None };
        self.jobs.insert(job.id, known);
    }

    fn went_on(&mut self, job: &RedriveJob, consumers: &BTreeMap<ConsumerId, Known>) {
        let ahead = self.ahead(job.id, consumers);
        let known = self.jobs.get_mut(&job.id).expect("the job is known");
        assert_eq!(known.job.state, RedriveState::Running, "what has ended never changes");
        let progress = u64::from(self.progressed.take_if(|id| *id == job.id).is_some());
        assert_eq!(job.redriven, known.job.redriven + progress);
        match job.state {
            RedriveState::Running => assert_eq!((progress, job.gone), (1, 0)),
            RedriveState::Done => assert_eq!((ahead, job.gone), (0, job.selected - job.redriven)),
            RedriveState::Cancelled => assert_eq!(job.gone, job.selected - job.redriven - ahead),
        }
        known.job = job.clone();
    }

    /// How many dead letters a job still has before it.
    pub(crate) fn ahead(&self, id: RedriveId, consumers: &BTreeMap<ConsumerId, Known>) -> u64 {
        let Some(known) = self.jobs.get(&id) else { return 0 };
        let Some(owner) = owner(&known.job, consumers) else { return 0 };
        let is_dead = |(offset, since): &(&Offset, &u64)| {
            self.letters.get(&(owner, **offset)).is_some_and(|letter| letter.since == **since)
        };
        known.left.iter().filter(is_dead).count() as u64
    }

    /// The transaction has been read.
    pub(crate) fn check(&self) {
        assert_eq!(self.progressed, None, "progress stands in the transaction that makes it");
        assert!(self.counted.is_empty(), "so does what came of it");
    }
}

fn owner(job: &RedriveJob, consumers: &BTreeMap<ConsumerId, Known>) -> Option<ConsumerId> {
    let known = consumers.values().find(|known| known.record.name == job.selection.consumer)?;
    Some(known.record.id)
}
