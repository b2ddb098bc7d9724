//! A consumer's life: [attached](super::attach), detached, removed. Each is a transaction, as a
//! [`super::reset`] is. An operator's pause outlasts all of it but the removal.

use std::sync::Arc;

use camshaft_event::transaction::{
    ActivationOutcome, ConsumerChanged, ConsumerRecord, ConsumerStatus, Floor, RecentEvents, Section,
};
use camshaft_event::{Event, Offset, RefusalCode, Timestamp, Transaction};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;
use thiserror::Error;

use super::{Sequencer, Unready};
use crate::ConsumerSpec;
use crate::consumer::{Consumer, Lateness, Reading};
use crate::executor::Executor;
use crate::system_event::SystemEvent;
use crate::tokens::Tokens;

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
    /// Nothing that it needs is damaged.
    #[error("consumer \"{name}\" is not damaged, so there is nothing to skip")]
    NotDamaged {
        /// Its name.
        name: String,
    },
    /// None of its damage is among the events of the log, so there is no offset to go on from.
    #[error("consumer \"{name}\" has no damaged events in the log, so it cannot resume from another offset")]
    NoDamagedEvents {
        /// Its name.
        name: String,
    },
    /// It cannot go on without the damaged part.
    #[error("consumer \"{name}\" cannot continue without {part}")]
    NotSkippable {
        /// Its name.
        name: String,
        /// The damaged part.
        part: String,
    },
    /// A consumer keeps the role with which it was created.
    #[error("consumer \"{name}\" is {was}, so it cannot become {now}")]
    RoleChanged {
        /// Its name.
        name: String,
        /// Its role.
        was: &'static str,
        /// The role asked for.
        now: &'static str,
    },
    /// Another consumer answers commands of this type.
    #[error("command \"{command_type}\" of \"{name}\" is owned by \"{owner}\"")]
    CommandOwned {
        /// The consumer that was to be attached.
        name: String,
        /// The command type.
        command_type: String,
        /// The owner.
        owner: String,
    },
    /// Another aggregate records facts of this type.
    #[error("fact \"{fact_type}\" of \"{name}\" is recorded by \"{owner}\"")]
    FactOwned {
        /// The consumer that was to be attached.
        name: String,
        /// The fact type.
        fact_type: String,
        /// The aggregate that records it.
        owner: String,
    },
    /// The aggregate has facts of a type that the new code does not record.
    #[error("aggregate \"{name}\" has facts \"{fact_type}\", which this version does not know")]
    UnknownFact {
        /// Its name.
        name: String,
        /// The fact type.
        fact_type: String,
    },
    /// Commands that only this consumer can decide are not decided yet.
    #[error("consumer \"{name}\" has commands \"{command_type}\" that are not decided yet")]
    Undecided {
        /// Its name.
        name: String,
        /// The type of these commands.
        command_type: String,
    },
    /// Commands of a type that an earlier owner has decided lie ahead of the consumer.
    #[error(
        "consumer \"{name}\" has not read the log up to the commands \"{command_type}\" of an earlier owner; \
         attach it without this type until it has"
    )]
    Behind {
        /// Its name.
        name: String,
        /// The command type.
        command_type: String,
    },
    /// The consumer decides commands. A new start would decide them twice.
    #[error("consumer \"{name}\" decides commands, so it cannot be reset")]
    NotResettable {
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
    /// Detaches a consumer whose plugin is gone. What is in flight finishes; what waits stays. One that is
    /// detached already stays so since then.
    ///
    /// # Errors
    /// An unknown name, a bound that is reached, or tables that cannot be read.
    pub fn detach(&mut self, name: &str, now: Timestamp) -> Result<(), ConsumerError> {
        self.step(now, |sequencer| sequencer.end_reading(name, now))
    }

    /// Detaches a consumer for which no code was attached since the start, and returns whether it did. Code
    /// that was attached since [`Self::unattended`] listed the consumer keeps running.
    ///
    /// # Errors
    /// See [`Self::detach`].
    pub fn detach_unattended(&mut self, name: &str, now: Timestamp) -> Result<bool, ConsumerError> {
        if !self.known(name).is_some_and(Consumer::is_unattended) {
            return Ok(false);
        }
        self.detach(name, now).map(|()| true)
    }

    fn end_reading(&mut self, name: &str, now: Timestamp) -> Result<(), ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let tail = self.tables.progress().next_offset;
        let consumer = self.consumer_mut(name)?;
        if matches!(consumer.record.status, ConsumerStatus::Detached { .. }) {
            return Ok(());
        }
        let (floor, is_whole) = (consumer.floor(tail), consumer.is_whole());
        let next = match consumer.reading {
            Reading::Following => tail,
            Reading::Lagging { next, .. } | Reading::Stopped { next } => next,
        };
        consumer.reading = Reading::Stopped { next };
        consumer.spec = None;
        consumer.watch.interrupt();
        consumer.record.status = ConsumerStatus::Detached { since: now };
        consumer.record.history.end(ActivationOutcome::Detached { since: now });
        let record = consumer.record.clone();
        self.lagging.remove(&record.id);
        self.routes.set(record.id, None);
        let event = SystemEvent::Detached { consumer: name, sequence: self.next_sequence() }.at(now);
        let floor = Floor { consumer: record.id, offset: floor, state_growth: 0 };
        let floors = if is_whole { vec![floor] } else { Vec::new() };
        let change =
            ConsumerChanged { record, checkpoint: None, clears: false, events: vec![event], recent: None };
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
        code: RefusalCode,
        message: &str,
        now: Timestamp,
    ) -> Result<(), ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let event = SystemEvent::Refused { file, code, message, sequence: self.next_sequence() }.at(now);
        self.step(now, |sequencer| Ok(sequencer.publish_own(event, now)?))
    }

    /// Forgets a detached consumer: its state, held events, dead letters and timers. An aggregate keeps its
    /// facts and the state of its scopes.
    ///
    /// # Errors
    /// An unknown or attached consumer, a bound that is reached, or tables that cannot be read.
    pub fn remove(&mut self, name: &str, now: Timestamp) -> Result<(), ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let consumer = self.known(name).ok_or_else(|| ConsumerError::NotFound { name: name.to_owned() })?;
        if consumer.record.status == ConsumerStatus::Attached {
            return Err(ConsumerError::Attached { name: name.to_owned() });
        }
        self.check_decided(consumer, consumer.record.role.commands().iter())?;
        let mut record = consumer.record.clone();
        record.status = ConsumerStatus::Removed;
        record.generation = record.generation.next();
        // Facts outlive their aggregate, and their folds with them.
        if record.role.records().is_empty() {
            record.state_generation = record.generation;
        }
        record.probation = None;
        record.history.end(ActivationOutcome::Removed { at: now });
        let event = SystemEvent::Removed { consumer: name, generation: record.generation }.at(now);
        self.step(now, |sequencer| sequencer.begin_anew(record, None, event, now))
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
        self.timers.cancel_all(id);
        // Its damaged entries are written anew.
        let damaged = self.consumers.get(id).filter(|consumer| consumer.is_damaged());
        let recent = damaged.map(|consumer| consumer.watch.recent.clone());
        let change =
            ConsumerChanged { record: record.clone(), checkpoint, clears: true, events: vec![event], recent };
        let spec = self.consumers.change(id).and_then(|consumer| consumer.spec.take());
        let at = checkpoint.unwrap_or(self.tables.progress().next_offset);
        self.place(&record, at);
        self.forget_all_dead(&record.name);
        self.owners.set(&record);
        self.sequence_one(Section::Consumer(Box::new(change)), now)?;
        if let Some(spec) = spec {
            self.start_reading(record, None, spec, now);
        }
        Ok(())
    }

    pub(super) fn consumer_mut(&mut self, name: &str) -> Result<&mut Consumer, ConsumerError> {
        self.consumers.change_named(name).ok_or_else(|| ConsumerError::NotFound { name: name.to_owned() })
    }

    /// Puts a consumer at `at`: an empty one, if its generation is new. Batches that still run for it are
    /// then of an older generation.
    pub(super) fn place(&mut self, record: &ConsumerRecord, at: Offset) {
        self.lagging.remove(&record.id);
        match self.consumers.change(record.id) {
            Some(consumer) if consumer.record.generation == record.generation => {
                // What was routed to it before it went is read again from there, if the log still has it.
                consumer.drop_pending();
                consumer.forget_read_damage();
                consumer.reading = Reading::Stopped { next: at };
            }
            known => {
                let mut consumer = Consumer::new(record.clone(), at);
                if let Some(known) = known {
                    consumer.place = known.place;
                    // That its pauses are over is still to be said, unless it is gone with them.
                    let is_gone = record.status == ConsumerStatus::Removed;
                    if !is_gone {
                        consumer.told = known.told;
                        // What it is measured by, and against, has not changed.
                        std::mem::swap(&mut consumer.watch, &mut known.watch);
                    }
                }
                self.consumers.put(consumer);
            }
        }
    }

    pub(super) fn start_reading(
        &mut self,
        record: ConsumerRecord,
        recent: Option<RecentEvents>,
        spec: Arc<ConsumerSpec>,
        now: Timestamp,
    ) {
        let id = record.id;
        self.routes.set(id, Some(&spec));
        self.owners.set(&record);
        let Some(consumer) = self.consumers.change(id) else { return };
        consumer.change(record, recent);
        // A reload under the same limit brings no tokens.
        if consumer.tokens.as_ref().map(Tokens::rate) != spec.policy.rate {
            consumer.tokens = spec.policy.rate.map(|rate| Tokens::full(rate, self.steady.now(now)));
        }
        self.schedule.move_to(Executor::of(&spec.policy), consumer);
        consumer.spec = Some(spec);
        // Other code, or another policy, deserves another chance, and may not want what is damaged.
        consumer.circuit.close();
        consumer.forget_read_damage();
        consumer.lateness = Lateness::default();
        // A read under way was for the old declaration; it is asked for again.
        if let Reading::Stopped { next } | Reading::Lagging { next, .. } = consumer.reading {
            consumer.reading = Reading::Lagging { next, requested: false };
            self.lagging.insert(id);
        }
        (0..consumer.record.partitions).for_each(|number| consumer.enqueue(number));
    }
}
