//! The operator's acts on dead letters: redrive and discard.

use camshaft_event::transaction::{ConsumerStatus, DeadChange, HeldChange, Operated, Section};
use camshaft_event::{ConsumerId, DeadLetter, HeldEvent, Offset, Sequence, Timestamp};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;
use serde_json::json;
use thiserror::Error;

use super::{Sequencer, Unready};
use crate::held_keys::HeldEntry;
use crate::system_event::system_event;

/// Why a dead letter could not be acted on.
#[derive(Debug, Error)]
pub enum DeadLetterError {
    /// There is none.
    #[error("there is no dead letter {consumer}:{offset}")]
    NotFound {
        /// The consumer asked for.
        consumer: String,
        /// The offset asked for.
        offset: Offset,
    },
    /// Not now; it heals by itself.
    #[error(transparent)]
    Unready(#[from] Unready),
    /// The tables cannot be read; the runtime must stop.
    #[error(transparent)]
    Tables(#[from] TablesError),
}

impl<S: Store> Sequencer<S> {
    /// Sends a dead letter back to its consumer with a new attempt count and age; its history is kept. What
    /// waits behind it follows, in order. Returns the transaction to wait for.
    ///
    /// # Errors
    /// No such dead letter, a bound that is reached, or tables that cannot be read.
    pub fn redrive(
        &mut self,
        consumer: &str,
        offset: Offset,
        now: Timestamp,
    ) -> Result<Sequence, DeadLetterError> {
        let (id, letter) = self.dead_letter(consumer, offset)?;
        let redrives = letter.redrives + 1;
        let held = HeldEvent {
            event: letter.event,
            attempts: 0,
            first_attempt: None,
            due: now,
            redrives,
            history: letter.history,
        };
        let entry = HeldEntry { due: now, tried: false, bytes: held.size() };
        let change = HeldChange { offset, event: Some(Box::new(held)) };
        self.operate("redriven", (id, consumer), offset, redrives, vec![change], now)?;
        if let Some(consumer) = self.consumers.get_mut(&id)
            && let Some(dead) = consumer.remove_dead(offset)
        {
            consumer.held.insert(&dead.key, offset, entry);
        }
        self.after_operating(id, now)
    }

    /// Drops a dead letter for good. What waits behind it goes on, in order. Returns the transaction to wait
    /// for.
    ///
    /// # Errors
    /// No such dead letter, a bound that is reached, or tables that cannot be read.
    pub fn discard(
        &mut self,
        consumer: &str,
        offset: Offset,
        now: Timestamp,
    ) -> Result<Sequence, DeadLetterError> {
        let (id, letter) = self.dead_letter(consumer, offset)?;
        self.operate("discarded", (id, consumer), offset, letter.redrives, Vec::new(), now)?;
        if let Some(consumer) = self.consumers.get_mut(&id) {
            consumer.remove_dead(offset);
        }
        self.after_operating(id, now)
    }

    /// The offsets that wait behind the dead letter at `offset`, in order.
    #[must_use]
    pub fn waiting_behind(&self, consumer: &str, offset: Offset) -> Vec<Offset> {
        let consumer = self.names.get(consumer).and_then(|id| self.consumers.get(id));
        let entry = consumer.and_then(|consumer| Some((consumer, consumer.dead.get(&offset)?)));
        match entry {
            Some((consumer, entry)) if entry.parks => {
                consumer.held.waiting_behind(&entry.key, offset).collect()
            }
            _ => Vec::new(),
        }
    }

    fn dead_letter(&self, name: &str, offset: Offset) -> Result<(ConsumerId, DeadLetter), DeadLetterError> {
        let missing = || DeadLetterError::NotFound { consumer: name.to_owned(), offset };
        let consumer = self
            .names
            .get(name)
            .and_then(|id| self.consumers.get(id))
            .filter(|consumer| consumer.record.status != ConsumerStatus::Removed)
            .ok_or_else(missing)?;
        let id = consumer.record.id;
        Ok((id, self.tables.dead_letter(id, offset)?.ok_or_else(missing)?))
    }

    fn operate(
        &mut self,
        act: &str,
        (id, name): (ConsumerId, &str),
        offset: Offset,
        redrives: u32,
        held: Vec<HeldChange>,
        now: Timestamp,
    ) -> Result<Sequence, DeadLetterError> {
        let generation =
            self.consumers.get(&id).map(|consumer| consumer.record.generation).unwrap_or_default();
        let event_id = format!("{act}-{name}-{generation}-{offset}-{redrives}");
        let data = json!({ "consumer": name, "offset": offset.0 });
        let event = system_event(&format!("dead-letter.{act}"), event_id, name, now, &data);
        let dead = vec![DeadChange { offset, letter: None }];
        let section = Section::Operated(Box::new(Operated { consumer: id, held, dead, events: vec![event] }));
        let sections = vec![section];
        let body = camshaft_event::Transaction::encode_body(&sections);
        self.check_ready(body.len())?;
        Ok(self.sequence(Vec::new(), sections, body, now)?)
    }

    fn after_operating(&mut self, id: ConsumerId, now: Timestamp) -> Result<Sequence, DeadLetterError> {
        if let Some(consumer) = self.consumers.get_mut(&id) {
            consumer.unstall(&self.options);
            consumer.wake_due(now);
        }
        self.enqueue(id);
        let sequence = self.tables.progress().sequence;
        self.announce_pause(id, now)?;
        Ok(sequence)
    }
}
