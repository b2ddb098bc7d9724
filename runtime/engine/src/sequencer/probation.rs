//! The end of a probation: the new version stays, or the one before it runs again, in one transaction.
//!
//! What failed waits as long as the consumer's record says that its activation is on probation; so none of it
//! has to be rewritten when that ends.

use std::sync::Arc;

use camshaft_event::transaction::{
    ActivationOutcome, ConsumerChanged, Measure, RollbackCause, RolledBack, Section,
};
use camshaft_event::{ActivationId, ConsumerId, Event, Timestamp, Transaction};
use camshaft_tables::store::Store;
use camshaft_tables::{TablePart, TablesError};

use super::Sequencer;
use super::lifecycle::CHANGE_BYTES;
use crate::ConsumerSpec;
use crate::clock::SteadyTime;
use crate::consumer::{Consumer, Judgement};
use crate::system_event::{Measures, PauseBegins, SystemEvent};

/// How an activation on probation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbationState {
    /// That activation.
    pub activation: ActivationId,
    /// The one that it is compared with.
    pub predecessor: ActivationId,
    /// Since when.
    pub since: Timestamp,
    /// When it ends at the latest; not known while its code is not there, or if it has failed.
    pub until: Option<Timestamp>,
    /// What it did with events.
    pub measured: Measure,
    /// What the predecessor did with its last ones.
    pub before: Measure,
    /// Failed events that wait for the end of it.
    pub waiting: usize,
    /// Whether it has failed with nothing to go back to; see [`super::Pause::Probation`].
    pub is_stopped: bool,
}

/// How a probation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whose.
    pub consumer: String,
    /// The activation that was on probation.
    pub activation: ActivationId,
    /// What became of it.
    pub outcome: VerdictOutcome,
}

/// What became of an activation on probation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictOutcome {
    /// It stays.
    Accepted,
    /// The version before runs again.
    RolledBack(Box<RolledBack>),
    /// It has failed, but there is nothing to go back to: the consumer is paused.
    Stopped,
}

/// An activation that is taken back, and why.
pub(super) struct TakenBack {
    pub(super) cause: RollbackCause,
    /// What it did with events, and what the version before did.
    pub(super) measures: Measures,
    /// The first error that it failed with on probation; empty if there was none.
    pub(super) error: String,
}

impl ProbationState {
    pub(super) fn of(consumer: &Consumer, steady: &SteadyTime) -> Option<Self> {
        let probation = consumer.record.probation.as_ref()?;
        let (measured, before) = consumer.measures();
        Some(Self {
            activation: consumer.record.activation,
            predecessor: probation.predecessor,
            since: probation.since,
            until: consumer.probation_until().map(|until| steady.to_wall(until)),
            measured,
            before,
            waiting: consumer.held.suspended().count(),
            is_stopped: probation.stopped,
        })
    }
}

impl<S: Store> Sequencer<S> {
    /// Whether a probation has ended since [`Sequencer::take_verdicts`] was last asked.
    #[must_use]
    pub const fn has_verdicts(&self) -> bool {
        !self.verdicts.is_empty()
    }

    /// The outcomes of probations since the last call, oldest first. The thread that attaches code calls it
    /// after each step.
    #[must_use]
    pub fn take_verdicts(&mut self) -> Vec<Verdict> {
        std::mem::take(&mut self.verdicts)
    }

    /// The numbers of the code that the next batches of a consumer may name: of what it runs, and of what it
    /// would go back to. What is in flight may name others.
    #[must_use]
    pub fn codes(&self, name: &str) -> Vec<u64> {
        let Some(consumer) = self.known(name) else { return Vec::new() };
        let predecessor = consumer.watch.predecessor();
        consumer.spec.iter().chain(predecessor).map(|spec| spec.code).collect()
    }

    /// Ends the probation of a consumer as it was judged. Without room the next tick does it; one that has
    /// failed takes nothing until then.
    pub(super) fn judge(
        &mut self,
        id: ConsumerId,
        judgement: Judgement,
        now: Timestamp,
    ) -> Result<(), TablesError> {
        let ended = match judgement {
            Judgement::Passed => self.pass(id, now),
            Judgement::Failed => match self.way_back(id) {
                Some(predecessor) => self.go_back(id, predecessor, now),
                None => self.stop(id, now),
            },
        };
        ended.or_else(|error| self.isolate(error.of_consumer(id, TablePart::Progress)))
    }

    fn pass(&mut self, id: ConsumerId, now: Timestamp) -> Result<(), TablesError> {
        if self.may_announce(id) {
            let events = self.accept(id, now).into_iter().collect();
            self.sequence_record(id, events, now)?;
        }
        Ok(())
    }

    /// Ends the probation of a consumer with what it runs; the caller sequences its record with the event
    /// that says so.
    pub(super) fn accept(&mut self, id: ConsumerId, now: Timestamp) -> Option<Event> {
        let consumer = self.consumers.change(id)?;
        let (name, activation) = (consumer.record.name.clone(), consumer.record.activation);
        let measures = consumer.measures();
        let mut record = consumer.record.clone();
        record.probation = None;
        consumer.change(record, None);
        let event = SystemEvent::Accepted { consumer: &name, activation, measures }.at(now);
        self.verdicts.push(Verdict { consumer: name, activation, outcome: VerdictOutcome::Accepted });
        Some(event)
    }

    /// What runs again if the newest version of a consumer fails, unless it cannot read the state that this
    /// one may have written, or does not own a command type of which commands are undecided.
    fn way_back(&self, id: ConsumerId) -> Option<Arc<ConsumerSpec>> {
        let consumer = self.consumers.get(id)?;
        let (spec, predecessor) = (consumer.spec.as_ref()?, consumer.watch.predecessor()?);
        let fits = spec.state_revision <= predecessor.state_revision
            && self.check_role(Some(consumer), predecessor).is_ok();
        fits.then(|| Arc::clone(predecessor))
    }

    /// Lets the version before run again, under a new activation.
    fn go_back(
        &mut self,
        id: ConsumerId,
        predecessor: Arc<ConsumerSpec>,
        now: Timestamp,
    ) -> Result<(), TablesError> {
        let Some(consumer) = self.consumers.get(id) else { return Ok(()) };
        let mut record = consumer.record.clone();
        let Some(probation) = record.probation.take() else { return Ok(()) };
        let (name, activation) = (record.name.clone(), record.activation);
        let taken_back = self.taken_back(consumer, RollbackCause::Probation)?;
        let activated = self.activate(&mut record, &predecessor, Some(taken_back), now)?;
        let recent = probation.before.handed_to(record.activation);
        let change = ConsumerChanged {
            record: record.clone(),
            checkpoint: None,
            clears: false,
            events: Vec::new(),
            recent: Some(recent.clone()),
        };
        let sections = vec![activated, Section::Consumer(Box::new(change))];
        let body = Transaction::encode_body(&sections);
        if self.check_ready(body.len()).is_err() {
            self.consumers.settle_later(id);
            return Ok(());
        }
        let outcome = record.history.entries().iter().find(|entry| entry.id == activation);
        if let Some(ActivationOutcome::RolledBack(rolled_back)) = outcome.map(|entry| &entry.outcome) {
            let outcome = VerdictOutcome::RolledBack(rolled_back.clone());
            self.verdicts.push(Verdict { consumer: name, activation, outcome });
        }
        self.last_activation = record.activation;
        self.start_reading(record, Some(recent), predecessor, now);
        self.sequence(Vec::new(), sections, body, now)?;
        Ok(())
    }

    /// Pauses a consumer that has nothing to go back to.
    fn stop(&mut self, id: ConsumerId, now: Timestamp) -> Result<(), TablesError> {
        let Some(consumer) = self.consumers.get(id).filter(|_| self.check_ready(CHANGE_BYTES).is_ok()) else {
            self.consumers.settle_later(id);
            return Ok(());
        };
        let TakenBack { measures, error, .. } = self.taken_back(consumer, RollbackCause::Probation)?;
        let mut record = consumer.record.clone();
        let (name, activation) = (record.name.clone(), record.activation);
        record.paused.get_or_insert(now);
        record.probation.iter_mut().for_each(|probation| probation.stopped = true);
        let pause = PauseBegins::Probation { activation, error: error.lines().next(), measures };
        let event = SystemEvent::Paused { consumer: &name, pause, sequence: self.next_sequence() }.at(now);
        if let Some(consumer) = self.consumers.change(id) {
            consumer.change(record, None);
        }
        self.verdicts.push(Verdict { consumer: name, activation, outcome: VerdictOutcome::Stopped });
        self.sequence_record(id, vec![event], now)?;
        Ok(())
    }

    /// Why what a consumer runs is taken back.
    pub(super) fn taken_back(
        &self,
        consumer: &Consumer,
        cause: RollbackCause,
    ) -> Result<TakenBack, TablesError> {
        let (id, first) = (consumer.record.id, consumer.held.suspended().next());
        let held = first.map_or(Ok(None), |first| self.tables.held(id, first))?;
        let error = held.and_then(|held| held.suspended).map(|attempt| attempt.error).unwrap_or_default();
        Ok(TakenBack { cause, measures: consumer.measures(), error })
    }
}
