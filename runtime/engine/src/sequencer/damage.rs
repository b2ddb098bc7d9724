//! Damage that concerns one consumer: it pauses, and all others go on.
//!
//! The tables and the log reader say whose part is damaged. An error without an owner ends the runtime, as
//! before.

use camshaft_event::{ConsumerId, Timestamp};
use camshaft_log::{LogError, LogReader};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::{LagRead, ReadError, Sequencer};
use crate::consumer::Reading;
use crate::damage::Damage;
use crate::system_event::{PauseBegins, PauseEnds, SystemEvent};

impl LagRead {
    /// What a failed read says about the log: that this consumer's next events are damaged. Reads the log, so
    /// call it without the sequencer's lock.
    ///
    /// # Errors
    /// The error itself if it concerns the whole log: it is poisoned or closed, or the system is short of
    /// something.
    pub fn damage(&self, log: &dyn LogReader, error: ReadError) -> Result<Damage, ReadError> {
        match &error {
            ReadError::Decode { .. } => {}
            ReadError::Log(log_error) if log_error.is_damage() => {}
            // The log keeps what a consumer needs, so it was not trimmed: the begin of the oldest segment is
            // damaged.
            ReadError::Log(LogError::Trimmed { .. }) => {}
            ReadError::Log(_) => return Err(error),
        }
        // Where even this cannot be found out, one offset is given up at a time.
        let until = log
            .next_readable(self.from.0)
            .ok()
            .map_or(self.from.next().0, |next| next.first_offset.max(self.from.next().0));
        Ok(Damage::of_events(self.from, camshaft_event::Offset(until), error.to_string()))
    }
}

impl<S: Store> Sequencer<S> {
    /// Pauses the consumer for which a read of the log met damage; of no effect if the consumer no longer
    /// waits for that read.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn read_damaged(
        &mut self,
        read: &LagRead,
        damage: Damage,
        now: Timestamp,
    ) -> Result<(), TablesError> {
        if !self.is_current(read) {
            return Ok(());
        }
        self.step(now, |sequencer| {
            let id = read.consumer();
            if let Some(consumer) = sequencer.consumers.change(id) {
                consumer.reading = Reading::Lagging { next: read.from, requested: false };
            }
            sequencer.note_damage(id, damage);
            Ok(())
        })
    }

    /// The damage that was found since this was last asked, with the names of the consumers that it paused.
    #[must_use]
    pub fn take_found_damage(&mut self) -> Vec<(String, Damage)> {
        std::mem::take(&mut self.found_damage)
    }

    /// The consumers that are paused since they need a damaged part, by name.
    #[must_use]
    pub fn damaged(&self) -> Vec<String> {
        let damaged = self.consumers.values().filter(|consumer| consumer.is_damaged());
        damaged.map(|consumer| consumer.record.name.clone()).collect()
    }

    /// Takes in an error of the tables. If it concerns one consumer, that one pauses.
    ///
    /// # Errors
    /// An error that concerns all.
    pub(super) fn isolate(&mut self, error: TablesError) -> Result<(), TablesError> {
        match error {
            TablesError::OfConsumer(damage) => {
                self.note_damage(damage.consumer, Damage::of_entries(*damage));
                Ok(())
            }
            other => Err(other),
        }
    }

    /// What was read for an operator. If it is damaged, its consumer pauses, so that it can be skipped.
    ///
    /// # Errors
    /// What could not be read.
    pub(super) fn noting_damage<T>(&mut self, read: Result<T, TablesError>) -> Result<T, TablesError> {
        if let Err(TablesError::OfConsumer(damage)) = &read {
            self.isolate(TablesError::OfConsumer(damage.clone()))?;
        }
        read
    }

    fn note_damage(&mut self, id: ConsumerId, damage: Damage) {
        if self.consumers.get(id).is_none_or(|consumer| consumer.damage.contains(&damage)) {
            return;
        }
        let Some(consumer) = self.consumers.change(id) else { return };
        if is_on(Sabotage::PassDamage) && damage.is_of_events() {
            // The events are given up without a word.
            if let crate::DamagedPart::Events { until, .. } = damage.part {
                consumer.reading = Reading::Lagging { next: until, requested: false };
            }
            return;
        }
        self.found_damage.push((consumer.record.name.clone(), damage.clone()));
        consumer.damage.push(damage);
    }

    /// That a consumer needs something damaged, or that it goes on.
    pub(super) fn announce_damage(&mut self, id: ConsumerId, now: Timestamp) -> Result<(), TablesError> {
        let Some(consumer) = self.consumers.get(id) else { return Ok(()) };
        if consumer.is_damaged() == consumer.told.damage || !self.may_announce(id) {
            return Ok(());
        }
        let sequence = self.next_sequence();
        let Some(consumer) = self.consumers.quietly(id) else { return Ok(()) };
        consumer.told.damage = consumer.is_damaged();
        let (damage, consumer) = (consumer.damage.first(), &*consumer.record.name);
        let event = match damage {
            Some(damage) => {
                let part = damage.part.to_string();
                let pause = PauseBegins::Damaged { part: &part, error: &damage.reason };
                SystemEvent::Paused { consumer, pause, sequence }.at(now)
            }
            None => SystemEvent::Resumed { consumer, pause: PauseEnds::Damaged, sequence }.at(now),
        };
        self.publish_own(event, now)
    }
}
