//! Giving a consumer code: created, put back, given other code, or given earlier code again.

use std::sync::Arc;

use camshaft_event::transaction::{
    Activated, Activation, ActivationOutcome, ConsumerChanged, ConsumerRecord, ConsumerStatus, Probation,
    RecentEvents, RollbackCause, RolledBack, Section,
};
use camshaft_event::{ActivationId, Event, Generation, Offset, Policy, Start, Timestamp, Transaction};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::probation::TakenBack;
use super::{ConsumerError, Sequencer};
use crate::ConsumerSpec;
use crate::consumer::{Consumer, Reading};
use crate::system_event::{PauseEnds, SystemEvent};

/// What attaching came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The activation that runs from now on.
    pub activation: ActivationId,
    /// Whether it is a new one: other code, configuration or grants than before.
    pub is_new: bool,
}

/// Why a consumer is given code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// It is there, or has changed.
    Offered,
    /// An operator takes back what runs.
    RollBack,
}

impl<S: Store> Sequencer<S> {
    /// Attaches `spec`: creates its consumer, wakes a detached one, or replaces what an attached one runs. A
    /// batch in flight finishes under what it was taken with.
    ///
    /// What takes the place of other code, configuration or grants is on probation first; see
    /// [`Sequencer::take_verdicts`].
    ///
    /// # Errors
    /// A bound that is reached, or tables that cannot be read.
    pub fn attach(&mut self, spec: ConsumerSpec, now: Timestamp) -> Result<Attached, ConsumerError> {
        self.step(now, |sequencer| sequencer.run(spec, None, Reason::Offered, now))
    }

    /// The same; `predecessor` is what is to run again if `spec` fails its probation, for a process that did
    /// not see `spec` take its place: [`Sequencer::predecessor`] says what that would be. It is of no effect
    /// if it is something else.
    ///
    /// # Errors
    /// A bound that is reached, or tables that cannot be read.
    pub fn attach_after(
        &mut self,
        spec: ConsumerSpec,
        predecessor: Option<ConsumerSpec>,
        now: Timestamp,
    ) -> Result<Attached, ConsumerError> {
        self.step(now, |sequencer| sequencer.run(spec, predecessor, Reason::Offered, now))
    }

    /// Attaches `spec`, something that its consumer ran before, since an operator takes back what runs now:
    /// that counts as rolled back from then on, and `spec` is not on probation. Of no effect if `spec` is
    /// what runs.
    ///
    /// # Errors
    /// A bound that is reached, or tables that cannot be read.
    pub fn roll_back(&mut self, spec: ConsumerSpec, now: Timestamp) -> Result<Attached, ConsumerError> {
        self.step(now, |sequencer| sequencer.run(spec, None, Reason::RollBack, now))
    }

    /// What a consumer would go back to, were `spec` attached now and failed its probation.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn predecessor(&self, spec: &ConsumerSpec) -> Result<Option<Activation>, TablesError> {
        let Some(consumer) = self.known(&spec.name) else { return Ok(None) };
        let record = &consumer.record;
        let running = self.tables.activation(record.activation)?;
        let on_probation = record.probation.as_ref().map(|probation| probation.predecessor);
        let is_new = !running.as_ref().is_some_and(|running| runs_same(running, spec));
        match on_probation {
            Some(predecessor) => self.tables.activation(predecessor),
            None => Ok(running.filter(|_| is_new)),
        }
    }

    /// Makes `spec` what a consumer runs.
    fn run(
        &mut self,
        spec: ConsumerSpec,
        predecessor: Option<ConsumerSpec>,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Attached, ConsumerError> {
        let known = self.consumers.ever_named(&spec.name);
        let current = known.filter(|consumer| consumer.record.status != ConsumerStatus::Removed);
        self.check_role(current, &spec)?;
        self.check_facts(known, &spec)?;
        let (mut record, checkpoint) = match current {
            Some(consumer) => (consumer.record.clone(), self.first_retained(consumer)),
            None => {
                let record = self.new_record(&spec, known.map(|consumer| &consumer.record));
                let start = match spec.start {
                    // Commands that lie in the log had another owner, which has decided them.
                    Start::Earliest if !spec.role.answers() => self.first_offset,
                    Start::Earliest | Start::Latest => self.tables.progress().next_offset,
                };
                (record, Some(start))
            }
        };
        let was_attached = current.is_some_and(|consumer| consumer.record.status == ConsumerStatus::Attached);
        let running = self.tables.activation(record.activation)?;
        let is_new = !running
            .is_some_and(|activation| activation.consumer == record.id && runs_same(&activation, &spec));
        let (mut sections, mut recent, mut events) = (Vec::new(), None, Vec::new());
        if is_new {
            let (activated, counted) = self.replace(current, &mut record, &spec, reason, now)?;
            sections.push(activated);
            recent = Some(counted);
            events.extend(current.and_then(|consumer| self.lift_stop(consumer, &mut record, now)));
        }
        let has_new_role = std::mem::replace(&mut record.role, spec.role.clone()) != spec.role;
        if is_new || !was_attached || checkpoint.is_some() || has_new_role {
            record.status = ConsumerStatus::Attached;
            record.history.end(ActivationOutcome::Running);
            events.extend(current.and_then(|consumer| self.gap_event(consumer, checkpoint, now)));
            let (record, recent) = (record.clone(), recent.clone());
            let change = ConsumerChanged { record, checkpoint, clears: false, events, recent };
            sections.push(Section::Consumer(Box::new(change)));
        }
        let predecessor = self.code_of_predecessor(current, &record, predecessor)?;
        let body = Transaction::encode_body(&sections);
        self.check_ready(body.len())?;
        if let Some(at) = checkpoint {
            self.place(&record, at);
        }
        let (id, activation) = (record.id, record.activation);
        self.last_activation = self.last_activation.max(activation);
        self.start_reading(record, recent, Arc::new(spec), now);
        if let Some(consumer) = self.consumers.change(id) {
            consumer.begin_watch(predecessor, &self.options, &self.steady, now);
            consumer.bound_retries(&self.steady, self.steady.now(now));
        }
        if !sections.is_empty() {
            self.sequence(Vec::new(), sections, body, now)?;
        }
        Ok(Attached { activation, is_new })
    }

    /// Makes `spec` the activation of `record`, on probation if it takes another one's place, and says by
    /// which events it is measured from then on.
    fn replace(
        &self,
        current: Option<&Consumer>,
        record: &mut ConsumerRecord,
        spec: &ConsumerSpec,
        reason: Reason,
        now: Timestamp,
    ) -> Result<(Section, RecentEvents), TablesError> {
        let before = record.probation.take();
        let Some(current) = current.filter(|_| record.activation != ActivationId::default()) else {
            let activated = self.activate(record, spec, None, now)?;
            return Ok((activated, RecentEvents::of(record.activation)));
        };
        let taken_back = match reason {
            Reason::Offered => None,
            Reason::RollBack => Some(self.taken_back(current, RollbackCause::Operator)?),
        };
        // What comes while another one is on probation is compared with what was proven before that.
        let is_on_probation = before.is_some();
        let (predecessor, events) = match before {
            Some(probation) => (probation.predecessor, probation.before),
            None => (record.activation, current.watch.recent.clone()),
        };
        let activated = self.activate(record, spec, taken_back, now)?;
        let proven = self.tables.activation(predecessor)?;
        if is_on_probation && proven.is_some_and(|proven| runs_same(&proven, spec)) {
            return Ok((activated, events.handed_to(record.activation)));
        }
        let threshold_ppm = spec.policy.probation_threshold_ppm;
        let may_fail = threshold_ppm < Policy::NO_PROBATION_PPM;
        if reason == Reason::Offered && may_fail && record.pinned.as_ref() != Some(&spec.digest) {
            let probation =
                Probation { since: now, predecessor, before: events, threshold_ppm, stopped: false };
            record.probation = Some(Box::new(probation));
        }
        Ok((activated, RecentEvents::of(record.activation)))
    }

    /// The code that runs again if `record`'s activation fails its probation: what runs now, what the
    /// consumer has kept, or what the caller gives.
    fn code_of_predecessor(
        &self,
        current: Option<&Consumer>,
        record: &ConsumerRecord,
        given: Option<ConsumerSpec>,
    ) -> Result<Option<Arc<ConsumerSpec>>, TablesError> {
        let Some(probation) = &record.probation else { return Ok(None) };
        let Some(predecessor) = self.tables.activation(probation.predecessor)? else { return Ok(None) };
        let running = current.and_then(|consumer| consumer.spec.clone());
        let kept = current.and_then(|consumer| consumer.watch.predecessor().cloned());
        let candidates = running.into_iter().chain(kept).chain(given.map(Arc::new));
        Ok(candidates.into_iter().find(|spec| runs_same(&predecessor, spec)))
    }

    /// Ends the pause of a consumer that was stopped, now that it is given other code.
    fn lift_stop(&self, consumer: &Consumer, record: &mut ConsumerRecord, now: Timestamp) -> Option<Event> {
        consumer.record.probation.as_ref().filter(|probation| probation.stopped)?;
        record.paused.take()?;
        let (pause, sequence) = (PauseEnds::Probation, self.next_sequence());
        Some(SystemEvent::Resumed { consumer: &record.name, pause, sequence }.at(now))
    }

    /// A new activation of `spec`, and what becomes of the one before: replaced, unless it is taken back.
    pub(super) fn activate(
        &self,
        record: &mut ConsumerRecord,
        spec: &ConsumerSpec,
        taken_back: Option<TakenBack>,
        now: Timestamp,
    ) -> Result<Section, TablesError> {
        let before = record.activation;
        record.activation = self.last_activation.next();
        record.role = spec.role.clone();
        let activation = activation(record, spec, now);
        let mut events =
            vec![SystemEvent::Activated { consumer: &spec.name, activation: &activation }.at(now)];
        let outcome = match taken_back {
            None => ActivationOutcome::Replaced { by: activation.id, at: now },
            Some(TakenBack { cause, measures: (measured, before_that), error }) => {
                let rolled_back = RolledBack {
                    to: activation.id,
                    at: now,
                    cause,
                    measured,
                    before: before_that,
                    error: String::new(),
                };
                let rolled_back = rolled_back.with_error(&error);
                let before = self.tables.activation(before)?.unwrap_or_default();
                let (consumer, told) = (&*spec.name, &rolled_back);
                let told = SystemEvent::RolledBack { consumer, before: &before, after: &activation, told };
                events.push(told.at(now));
                ActivationOutcome::RolledBack(Box::new(rolled_back))
            }
        };
        record.history.end(outcome);
        record.history.begin(activation.id, now);
        Ok(Section::Activated(Box::new(Activated { activation, events })))
    }

    fn new_record(&self, spec: &ConsumerSpec, removed: Option<&ConsumerRecord>) -> ConsumerRecord {
        let generation = removed.map_or(Generation(1), |record| record.generation.next());
        ConsumerRecord {
            id: removed.map_or_else(|| self.consumers.next_id(), |record| record.id),
            name: spec.name.clone(),
            generation,
            state_generation: removed
                .filter(|record| !record.role.records().is_empty())
                .map_or(generation, |record| record.state_generation),
            partitions: spec.policy.partitions.max(1),
            status: ConsumerStatus::Attached,
            activation: ActivationId::default(),
            paused: None,
            pinned: None,
            history: removed.map(|record| record.history.clone()).unwrap_or_default(),
            probation: None,
            role: spec.role.clone(),
        }
    }

    /// Where a consumer must go on because the log was trimmed beyond its place; `None` if it was not, or if
    /// a batch of it still runs.
    fn first_retained(&self, consumer: &Consumer) -> Option<Offset> {
        let is_idle = matches!(consumer.reading, Reading::Stopped { .. }) && consumer.running.batches == 0;
        let is_behind = consumer.floor(self.tables.progress().next_offset) < self.first_offset;
        (is_idle && is_behind && consumer.is_whole()).then_some(self.first_offset)
    }

    /// The event that names what a consumer has missed while it was away.
    fn gap_event(&self, consumer: &Consumer, checkpoint: Option<Offset>, now: Timestamp) -> Option<Event> {
        let (first, name) = (checkpoint?, &consumer.record.name);
        let missed_from = consumer.floor(self.tables.progress().next_offset);
        let generation = consumer.record.generation;
        let gap = SystemEvent::Gap { consumer: name, generation, missed_from, missed_until: first };
        Some(gap.at(now))
    }
}

/// Whether an activation runs what `spec` says.
pub(super) fn runs_same(activation: &Activation, spec: &ConsumerSpec) -> bool {
    activation.digest == spec.digest
        && activation.version == spec.version
        && activation.grants == spec.grants
        && activation.config.iter().map(|(name, value)| (name, value)).eq(&spec.config)
}

fn activation(record: &ConsumerRecord, spec: &ConsumerSpec, now: Timestamp) -> Activation {
    Activation {
        id: record.activation,
        consumer: record.id,
        digest: spec.digest.clone(),
        version: spec.version.clone(),
        config: spec.config.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        grants: spec.grants.clone(),
        at: now,
        state_revision: spec.state_revision,
    }
}
