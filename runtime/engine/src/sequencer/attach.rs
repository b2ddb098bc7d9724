//! Giving a consumer code: created, put back, given other code, or given earlier code again.

use std::sync::Arc;

use camshaft_event::transaction::{
    Activated, Activation, ActivationOutcome, ConsumerChanged, ConsumerRecord, ConsumerStatus, Measure,
    RollbackCause, RolledBack, Section,
};
use camshaft_event::{ActivationId, ConsumerId, Event, Generation, Offset, Start, Timestamp, Transaction};
use camshaft_tables::store::Store;
use serde_json::json;

use super::{ConsumerError, Sequencer};
use crate::ConsumerSpec;
use crate::consumer::{Consumer, Reading};
use crate::system_event::system_event;

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
    /// # Errors
    /// A bound that is reached, or tables that cannot be read.
    pub fn attach(&mut self, spec: ConsumerSpec, now: Timestamp) -> Result<Attached, ConsumerError> {
        self.give(spec, Reason::Offered, now)
    }

    /// Attaches `spec`, something that its consumer ran before, since an operator takes back what runs now: that counts
    /// as rolled back from then on. Of no effect if `spec` is what runs.
    ///
    /// # Errors
    /// A bound that is reached, or tables that cannot be read.
    pub fn roll_back(&mut self, spec: ConsumerSpec, now: Timestamp) -> Result<Attached, ConsumerError> {
        self.give(spec, Reason::RollBack, now)
    }

    fn give(
        &mut self,
        spec: ConsumerSpec,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Attached, ConsumerError> {
        let known = self.names.get(&spec.name).and_then(|id| self.consumers.get(id));
        let current = known.filter(|consumer| consumer.record.status != ConsumerStatus::Removed);
        let (mut record, checkpoint) = match current {
            Some(consumer) => (consumer.record.clone(), self.first_retained(consumer)),
            None => {
                let record = self.new_record(&spec, known.map(|consumer| &consumer.record));
                let start = match spec.start {
                    Start::Earliest => self.first_offset,
                    Start::Latest => self.tables.progress().next_offset,
                };
                (record, Some(start))
            }
        };
        let was_attached = current.is_some_and(|consumer| consumer.record.status == ConsumerStatus::Attached);
        let running = self.tables.activation(record.activation)?;
        let running = running.filter(|activation| activation.consumer == record.id);
        let is_new = !running.as_ref().is_some_and(|activation| runs_same(activation, &spec));
        let mut sections = Vec::new();
        if is_new {
            let before = running.as_ref().filter(|_| reason == Reason::RollBack);
            sections.push(self.activate(&mut record, &spec, before, now));
        }
        if is_new || !was_attached || checkpoint.is_some() {
            record.status = ConsumerStatus::Attached;
            record.history.end(ActivationOutcome::Running);
            let gap = current.and_then(|consumer| self.gap_event(consumer, checkpoint, now));
            let events = gap.into_iter().collect();
            let change = ConsumerChanged { record: record.clone(), checkpoint, clears: false, events };
            sections.push(Section::Consumer(Box::new(change)));
        }
        let body = Transaction::encode_body(&sections);
        self.check_ready(body.len())?;
        if let Some(at) = checkpoint {
            self.place(&record, at);
        }
        let (id, activation) = (record.id, record.activation);
        self.last_activation = self.last_activation.max(activation);
        self.start_reading(record, Arc::new(spec), now);
        if !sections.is_empty() {
            self.sequence(Vec::new(), sections, body, now)?;
        }
        self.arrange(id);
        self.announce_pauses(id, now)?;
        Ok(Attached { activation, is_new })
    }

    /// A new activation of `spec`, and what becomes of the one before: replaced, or rolled back if it is given here.
    fn activate(
        &self,
        record: &mut ConsumerRecord,
        spec: &ConsumerSpec,
        rolled_back: Option<&Activation>,
        now: Timestamp,
    ) -> Section {
        record.activation = self.last_activation.next();
        let activation = activation(record, spec, now);
        let mut events = vec![activated_event(&activation, &spec.name)];
        let outcome = match rolled_back {
            None => ActivationOutcome::Replaced { by: activation.id, at: now },
            Some(before) => {
                let rolled_back = RolledBack {
                    to: activation.id,
                    at: now,
                    cause: RollbackCause::Operator,
                    measured: Measure::default(),
                    before: Measure::default(),
                    error: String::new(),
                };
                events.push(rolled_back_event(before, &rolled_back, &activation, &spec.name));
                ActivationOutcome::RolledBack(Box::new(rolled_back))
            }
        };
        record.history.end(outcome);
        record.history.begin(activation.id, now);
        Section::Activated(Box::new(Activated { activation, events }))
    }

    fn new_record(&self, spec: &ConsumerSpec, removed: Option<&ConsumerRecord>) -> ConsumerRecord {
        let after_last = self.consumers.keys().next_back().map_or(ConsumerId(1), |last| last.next());
        let generation = removed.map_or(Generation(1), |record| record.generation.next());
        ConsumerRecord {
            id: removed.map_or(after_last, |record| record.id),
            name: spec.name.clone(),
            generation,
            state_generation: generation,
            partitions: spec.policy.partitions.max(1),
            status: ConsumerStatus::Attached,
            activation: ActivationId::default(),
            paused: None,
            pinned: None,
            history: removed.map(|record| record.history.clone()).unwrap_or_default(),
        }
    }

    /// Where a consumer must go on because the log was trimmed beyond its place; `None` if it was not, or if a
    /// batch of it still runs.
    fn first_retained(&self, consumer: &Consumer) -> Option<Offset> {
        let is_idle = matches!(consumer.reading, Reading::Stopped { .. }) && consumer.running_batches == 0;
        let is_behind = consumer.floor(self.tables.progress().next_offset) < self.first_offset;
        (is_idle && is_behind).then_some(self.first_offset)
    }

    /// The event that names what a consumer has missed while it was away.
    fn gap_event(&self, consumer: &Consumer, checkpoint: Option<Offset>, now: Timestamp) -> Option<Event> {
        let (first, name) = (checkpoint?, &consumer.record.name);
        let missed_from = consumer.floor(self.tables.progress().next_offset);
        let data = json!({ "consumer": name, "missed_from": missed_from.0, "missed_until": first.0 });
        let id = format!("gap-{name}-{}-{first}", consumer.record.generation);
        Some(system_event("consumer.gap", id, name, now, &data))
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
    }
}

fn activated_event(activation: &Activation, name: &str) -> Event {
    let data = json!({
        "consumer": name, "activation": activation.id.0, "digest": activation.digest, "version": activation.version,
    });
    system_event("plugin.activated", format!("activated-{}", activation.id), name, activation.at, &data)
}

/// What was taken back, and what runs in its place.
fn rolled_back_event(before: &Activation, told: &RolledBack, after: &Activation, name: &str) -> Event {
    let version = |activation: &Activation| json!({ "activation": activation.id.0, "digest": activation.digest, "version": activation.version });
    let data = json!({
        "consumer": name, "reason": told.cause.code(), "from": version(before), "to": version(after),
    });
    system_event("plugin.rolled-back", format!("rolled-back-{}", before.id), name, told.at, &data)
}
