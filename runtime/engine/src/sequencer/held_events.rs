//! Held events as operators see and free them: listed in portions, made due now, or made dead letters now.
//!
//! Both acts are for an event that is retried: one that has failed, that is the first of its key, and that
//! nothing is done with at the moment. What is being attempted has an outcome soon; what waits behind another
//! follows that one.

use camshaft_event::transaction::{
    DeadChange, HeldChange, Intervention, RedriveChanged, RedriveResults, Section,
};
use camshaft_event::{AttemptInputs, ConsumerId, HeldEvent, Key, Offset, RedriveId, Sequence, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::store::Store;
use camshaft_tables::{Lies, TablePart, TablesError};
use thiserror::Error;

use super::dead_letters::LOOKED_AT_ONCE;
use super::{Sequencer, Unready, WaitsFor};
use crate::consumer::DeadEntry;
use crate::dead_letter;
use crate::held_keys::HeldEntry;
use crate::notice::Noticed;
use crate::system_event::SystemEvent;

/// Why nothing could be done with a held event.
#[derive(Debug, Error)]
pub enum HeldError {
    /// There is none.
    #[error("consumer \"{consumer}\" holds no event at offset {offset}")]
    NotFound {
        /// The consumer asked for.
        consumer: String,
        /// The offset asked for.
        offset: Offset,
    },
    /// An attempt is being made.
    #[error("an attempt of {consumer}:{offset} is running; try again after it ends")]
    Attempted {
        /// Whose.
        consumer: String,
        /// The event's offset.
        offset: Offset,
    },
    /// Its turn comes after something else.
    #[error("{consumer}:{offset} does not wait for a retry: it waits {}", waits(*waits_for, consumer))]
    Waits {
        /// Whose.
        consumer: String,
        /// The event's offset.
        offset: Offset,
        /// What it waits for: a dead letter, another event, or the end of a probation.
        waits_for: WaitsFor,
    },
    /// Not now; it heals by itself.
    #[error(transparent)]
    Unready(#[from] Unready),
    /// The tables cannot be read; the runtime must stop.
    #[error(transparent)]
    Tables(#[from] TablesError),
}

fn waits(waits_for: WaitsFor, consumer: &str) -> String {
    match waits_for {
        WaitsFor::DeadLetter { offset } => format!("behind the dead letter {consumer}:{offset}"),
        WaitsFor::Event { offset } => format!("behind {consumer}:{offset}, an earlier event of its key"),
        WaitsFor::Probation { .. } => "for the end of the probation in which it failed".to_owned(),
        _ => "for its first attempt".to_owned(),
    }
}

/// A held event of which only what memory knows has been read.
#[derive(Debug)]
pub struct FoundHeld {
    /// Where the event lies.
    pub event: Lies<HeldEvent>,
    /// The key under which it is ordered.
    pub key: Key,
    /// When its next attempt is due at the earliest, if one has failed.
    pub due: Option<Timestamp>,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

/// A held event as listed.
#[derive(Clone, Debug)]
pub struct HeldEventEntry {
    /// Its place in the log.
    pub offset: Offset,
    /// All of it.
    pub event: HeldEvent,
    /// The key under which it is ordered.
    pub key: Key,
    /// When its next attempt is due at the earliest, if one has failed.
    pub due: Option<Timestamp>,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

impl<S: Store> Sequencer<S> {
    /// Some held events of a consumer from `from` on, as far as one step looks, and where to go on.
    #[must_use]
    pub fn held_portion(&self, name: &str, from: Offset) -> (Vec<Offset>, Option<Offset>) {
        let Some(consumer) = self.known(name) else { return (Vec::new(), None) };
        let mut offsets = consumer.held.offsets_from(from);
        let found = offsets.by_ref().take(LOOKED_AT_ONCE).collect();
        (found, offsets.next())
    }

    /// What is known in memory of a held event; none if it is not held any more.
    #[must_use]
    pub fn find_held(&self, name: &str, offset: Offset) -> Option<FoundHeld> {
        let consumer = self.known(name)?;
        let place = consumer.held.place(offset)?;
        Some(FoundHeld {
            event: self.tables.find_held(consumer.record.id, offset),
            key: place.key.clone(),
            due: place.due(&self.steady),
            waits_for: consumer.waits_for(&place, &self.steady),
        })
    }

    /// Makes a held event that is retried due now. Returns the transaction to wait for.
    ///
    /// # Errors
    /// No such event, one that is being attempted or waits for something else, a bound that is reached, or
    /// tables that cannot be read.
    pub fn retry_held(&mut self, name: &str, offset: Offset, now: Timestamp) -> Result<Sequence, HeldError> {
        self.step(now, |sequencer| sequencer.make_due(name, offset, now))
    }

    /// Makes a held event that is retried a dead letter now: with what its attempts failed with, as if it had
    /// none left. Returns the transaction to wait for.
    ///
    /// # Errors
    /// No such event, one that is being attempted or waits for something else, a bound that is reached, or
    /// tables that cannot be read.
    pub fn set_held_aside(
        &mut self,
        name: &str,
        offset: Offset,
        now: Timestamp,
    ) -> Result<Sequence, HeldError> {
        self.step(now, |sequencer| sequencer.make_dead(name, offset, now))
    }

    fn make_due(&mut self, name: &str, offset: Offset, now: Timestamp) -> Result<Sequence, HeldError> {
        let (id, key, mut held) = self.retried(name, offset)?;
        held.due = held.due.min(now);
        let entry = HeldEntry { due: self.steady.now(now), ..HeldEntry::of(&held) };
        let sequence = self.next_sequence();
        let told = SystemEvent::HeldRetried { consumer: name, offset, sequence }.at(now);
        let change = HeldChange { offset, event: Some(Box::new(held)) };
        let section = Section::Intervention(Box::new(Intervention {
            consumer: id,
            held: if is_on(Sabotage::ActUnwritten) { Vec::new() } else { vec![change] },
            events: vec![told],
            ..Intervention::default()
        }));
        let sequence = self.sequence_if_ready::<HeldError>(vec![section], now)?;
        if let Some(consumer) = self.consumers.change(id) {
            consumer.held.insert(&key, offset, entry);
        }
        self.notices.add(Noticed::HeldRetried, name, Some((offset, &key)), "by an operator");
        Ok(sequence)
    }

    fn make_dead(&mut self, name: &str, offset: Offset, now: Timestamp) -> Result<Sequence, HeldError> {
        let (id, key, mut held) = self.retried(name, offset)?;
        if let Some(failed) = held.suspended.take() {
            // It failed on a probation that is over, and tells why it is here.
            held.history.push(*failed);
        }
        let Some(consumer) = self.consumers.get(id) else { return Err(missing(name, offset)) };
        // While nothing handles for it, what lies behind waits: that loses no order.
        let after = consumer.spec.as_ref().map(|spec| spec.policy.after_dead_letter).unwrap_or_default();
        let owner = dead_letter::Owner { consumer: name, generation: consumer.record.generation, offset };
        let told = dead_letter::announcement(owner, &held, true, now);
        let results = held.redriven_by.and_then(|job| Some((job, self.dead_again(job)?)));
        // What the last attempt read went with it.
        let inputs = AttemptInputs { state: Vec::new(), truncated: true };
        let reason = held.history.latest().map(|failed| failed.error.clone()).unwrap_or_default();
        let letter = dead_letter::of(held, now, dead_letter::parks(after, &key), inputs);
        let entry = DeadEntry::of(&letter, key.clone(), self.next_sequence());
        let gone = HeldChange { offset, event: None };
        let mut sections = vec![Section::Intervention(Box::new(Intervention {
            consumer: id,
            held: if is_on(Sabotage::ActUnwritten) { Vec::new() } else { vec![gone] },
            dead: vec![DeadChange { offset, letter: Some(Box::new(letter)) }],
            events: vec![told],
            ..Intervention::default()
        }))];
        sections.extend(results.map(|counted| {
            Section::Redrive(Box::new(RedriveChanged { results: vec![counted], ..RedriveChanged::default() }))
        }));
        let sequence = self.sequence_if_ready::<HeldError>(sections, now)?;
        if let Some((job, results)) = results {
            self.set_redrive_results(job, results);
        }
        if let Some(consumer) = self.consumers.change(id) {
            consumer.held.remove(&key, offset);
            consumer.suspects.remove(&offset);
            consumer.add_dead(offset, entry);
            if consumer.record.role.answers() {
                self.decided.push(offset);
            }
        }
        self.notices.add(Noticed::HeldSetAside, name, Some((offset, &key)), &reason);
        Ok(sequence)
    }

    /// A held event that is retried.
    fn retried(&mut self, name: &str, offset: Offset) -> Result<(ConsumerId, Key, HeldEvent), HeldError> {
        let consumer = self.known(name).ok_or_else(|| missing(name, offset))?;
        let id = consumer.record.id;
        let place = consumer.held.place(offset).ok_or_else(|| missing(name, offset))?;
        let key = place.key.clone();
        let consumer_name = || name.to_owned();
        if consumer.is_attempting(&place) && !is_on(Sabotage::ActAmidAttempt) {
            return Err(HeldError::Attempted { consumer: consumer_name(), offset });
        }
        let waits_for = if let Some(offset) = place.parked_behind {
            Some(WaitsFor::DeadLetter { offset })
        } else if let Some(offset) = place.behind {
            Some(WaitsFor::Event { offset })
        } else if place.is_suspended {
            let until = consumer.probation_until().unwrap_or_default();
            Some(WaitsFor::Probation { until: self.steady.to_wall(until) })
        } else {
            (!place.entry.tried).then_some(WaitsFor::Turn)
        };
        if let Some(waits_for) = waits_for.filter(|_| !is_on(Sabotage::ActOutOfTurn)) {
            return Err(HeldError::Waits { consumer: consumer_name(), offset, waits_for });
        }
        let read = self.tables.held(id, offset);
        let read =
            read.and_then(|held| held.ok_or_else(|| TablesError::missing(id, TablePart::Held(offset))));
        let held = self.noting_damage(read)?;
        Ok((id, key, held))
    }

    /// The results of a redrive job with one more dead letter that died again; none if it is forgotten.
    fn dead_again(&self, job: RedriveId) -> Option<RedriveResults> {
        let mut results = self.redrive_results_of(job)?;
        results.dead_again += 1;
        Some(results)
    }
}

fn missing(consumer: &str, offset: Offset) -> HeldError {
    HeldError::NotFound { consumer: consumer.to_owned(), offset }
}
