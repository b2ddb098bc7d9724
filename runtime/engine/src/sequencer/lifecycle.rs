//! A consumer's life: created, attached, given other code, detached, removed. Each is a transaction, as a
//! [`super::reset`] is. An operator's pause outlasts all of it but the removal.

use std::sync::Arc;

use camshaft_event::transaction::{
    Activated, Activation, ConsumerChanged, ConsumerRecord, ConsumerStatus, Published, Section,
};
use camshaft_event::{ActivationId, ConsumerId, Event, Generation, Offset, Start, Timestamp, Transaction};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;
use serde_json::json;
use thiserror::Error;

use super::{Sequencer, Unready};
use crate::ConsumerSpec;
use crate::consumer::{Consumer, Reading};
use crate::lane::Lane;
use crate::system_event::system_event;
use crate::tokens::Tokens;

/// What attaching came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The activation that runs from now on.
    pub activation: ActivationId,
    /// Whether it is a new one: other code, configuration or grants than before.
    pub is_new: bool,
}

/// Why a consumer could not be changed.
#[derive(Debug, Error)]
pub enum ConsumerError {
    /// There is none of that name.
    #[error("there is no consumer \"{name}\"")]
    NotFound {
        /// The name asked for.
        name: String,
    },
    /// It handles events now.
    #[error("consumer \"{name}\" is attached; remove its plugin first")]
    Attached {
        /// Its name.
        name: String,
    },
    /// Not now; it heals by itself.
    #[error(transparent)]
    Unready(#[from] Unready),
    /// The tables cannot be read; the runtime must stop.
    #[error(transparent)]
    Tables(#[from] TablesError),
}

/// Room set aside for the small transactions in here.
pub(super) const CHANGE_BYTES: usize = 64 * 1024;

impl<S: Store> Sequencer<S> {
    /// Attaches `spec`: creates its consumer, wakes a detached one, or replaces what an attached one runs. A
    /// batch in flight finishes under what it was taken with.
    ///
    /// # Errors
    /// A bound that is reached, or tables that cannot be read.
    pub fn attach(&mut self, spec: ConsumerSpec, now: Timestamp) -> Result<Attached, ConsumerError> {
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
        let is_new = !running
            .is_some_and(|activation| activation.consumer == record.id && runs_same(&activation, &spec));
        let mut sections = Vec::new();
        if is_new {
            record.activation = self.last_activation.next();
            let activation = activation(&record, &spec, now);
            let events = vec![activated_event(&activation, &spec.name)];
            sections.push(Section::Activated(Box::new(Activated { activation, events })));
        }
        if is_new || !was_attached || checkpoint.is_some() {
            record.status = ConsumerStatus::Attached;
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

    /// Detaches a consumer whose plugin is gone. What is in flight finishes; what waits stays. One that is
    /// detached already stays so since then.
    ///
    /// # Errors
    /// An unknown name, a bound that is reached, or tables that cannot be read.
    pub fn detach(&mut self, name: &str, now: Timestamp) -> Result<(), ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let tail = self.tables.progress().next_offset;
        let consumer = self.consumer_mut(name)?;
        if matches!(consumer.record.status, ConsumerStatus::Detached { .. }) {
            return Ok(());
        }
        let floor = consumer.floor(tail);
        let next = match consumer.reading {
            Reading::Following => tail,
            Reading::Lagging { next, .. } | Reading::Stopped { next } => next,
        };
        consumer.reading = Reading::Stopped { next };
        consumer.spec = None;
        consumer.record.status = ConsumerStatus::Detached { since: now };
        let record = consumer.record.clone();
        self.lagging.remove(&record.id);
        self.routes.set(record.id, None);
        self.arrange(record.id);
        let id = format!("detached-{name}-{}", self.tables.progress().sequence.next());
        let event = system_event("consumer.detached", id, name, now, &json!({ "consumer": name }));
        let floors = vec![(record.id, floor)];
        let change = ConsumerChanged { record, checkpoint: None, clears: false, events: vec![event] };
        let sections = vec![Section::Consumer(Box::new(change))];
        let body = Transaction::encode_body(&sections);
        self.sequence(floors, sections, body, now)?;
        Ok(())
    }

    /// Publishes that a plugin file was refused.
    ///
    /// # Errors
    /// A bound that is reached, or tables that cannot be read.
    pub fn announce_refusal(
        &mut self,
        file: &str,
        code: &str,
        message: &str,
        now: Timestamp,
    ) -> Result<(), ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let id = format!("refused-{}", self.tables.progress().sequence.next());
        let data = json!({ "file": file, "code": code, "message": message });
        let event = system_event("plugin.refused", id, file, now, &data);
        self.sequence_one(Section::Published(Published { events: vec![event] }), now)?;
        Ok(())
    }

    /// Forgets a detached consumer: its state, held events, dead letters and timers.
    ///
    /// # Errors
    /// An unknown or attached consumer, a bound that is reached, or tables that cannot be read.
    pub fn remove(&mut self, name: &str, now: Timestamp) -> Result<(), ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let consumer = self.consumer_mut(name)?;
        if consumer.record.status == ConsumerStatus::Attached {
            return Err(ConsumerError::Attached { name: name.to_owned() });
        }
        let mut record = consumer.record.clone();
        record.status = ConsumerStatus::Removed;
        record.generation = record.generation.next();
        record.state_generation = record.generation;
        let id = format!("removed-{name}-{}", record.generation);
        let event = system_event("consumer.removed", id, name, now, &json!({ "consumer": name }));
        self.begin_anew(record, None, event, now)
    }

    /// Replaces a consumer by an empty one under `record`.
    pub(super) fn begin_anew(
        &mut self,
        record: ConsumerRecord,
        checkpoint: Option<Offset>,
        event: Event,
        now: Timestamp,
    ) -> Result<(), ConsumerError> {
        let id = record.id;
        self.drop_timers(id);
        let change =
            ConsumerChanged { record: record.clone(), checkpoint, clears: true, events: vec![event] };
        let spec = self.consumers.get_mut(&id).and_then(|consumer| consumer.spec.take());
        let at = checkpoint.unwrap_or(self.tables.progress().next_offset);
        self.place(&record, at);
        self.sequence_one(Section::Consumer(Box::new(change)), now)?;
        if let Some(spec) = spec {
            self.start_reading(record, spec, now);
        }
        self.arrange(id);
        self.announce_pauses(id, now)?;
        Ok(())
    }

    pub(super) fn consumer_mut(&mut self, name: &str) -> Result<&mut Consumer, ConsumerError> {
        self.names
            .get(name)
            .and_then(|id| self.consumers.get_mut(id))
            .filter(|consumer| consumer.record.status != ConsumerStatus::Removed)
            .ok_or_else(|| ConsumerError::NotFound { name: name.to_owned() })
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

    /// Puts a consumer at `at`: an empty one, if its generation is new. Batches that still run for it are then
    /// of an older generation.
    fn place(&mut self, record: &ConsumerRecord, at: Offset) {
        self.lagging.remove(&record.id);
        self.names.insert(record.name.clone(), record.id);
        match self.consumers.get_mut(&record.id) {
            Some(consumer) if consumer.record.generation == record.generation => {
                // What was routed to it before it went is read again from there, if the log still has it.
                consumer.drop_pending();
                consumer.reading = Reading::Stopped { next: at };
            }
            known => {
                let mut consumer = Consumer::new(record.clone(), at);
                if let Some(known) = known {
                    (consumer.queued, consumer.scheduled) = (known.queued, known.scheduled);
                    // That its pauses are over is still to be said, unless it is gone with them.
                    let is_gone = record.status == ConsumerStatus::Removed;
                    consumer.stall_told = known.stall_told && !is_gone;
                    consumer.circuit_told = known.circuit_told && !is_gone;
                }
                self.consumers.insert(record.id, consumer);
            }
        }
    }

    fn start_reading(&mut self, record: ConsumerRecord, spec: Arc<ConsumerSpec>, now: Timestamp) {
        let id = record.id;
        self.routes.set(id, Some(&spec));
        let Some(consumer) = self.consumers.get_mut(&id) else { return };
        consumer.record = record;
        // A reload under the same limit brings no tokens.
        if consumer.tokens.as_ref().map(Tokens::rate) != spec.policy.rate {
            consumer.tokens = spec.policy.rate.map(|rate| Tokens::full(rate, now));
        }
        if let Some(lane) = consumer.queued.take_if(|lane| *lane != Lane::of(&spec.policy)) {
            // It waits for somebody else from now on.
            self.ready_in(lane).retain(|other| *other != id);
        }
        let Some(consumer) = self.consumers.get_mut(&id) else { return };
        consumer.spec = Some(spec);
        // Other code, or another policy, deserves another chance.
        consumer.circuit.close();
        // A read under way was for the old declaration; it is asked for again.
        if let Reading::Stopped { next } | Reading::Lagging { next, .. } = consumer.reading {
            consumer.reading = Reading::Lagging { next, requested: false };
            self.lagging.insert(id);
        }
        (0..consumer.record.partitions).for_each(|number| consumer.enqueue(number));
    }
}

fn runs_same(activation: &Activation, spec: &ConsumerSpec) -> bool {
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
