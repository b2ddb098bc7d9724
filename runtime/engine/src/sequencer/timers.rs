//! Timers: set and cancelled by handlers, fired by the clock. Late rather than never.

use camshaft_event::transaction::{Fired, Section, TimerChange};
use camshaft_event::{ConsumerId, Timestamp, Transaction};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::Sequencer;
use crate::published;

impl<S: Store> Sequencer<S> {
    /// Fires every timer that is due: one transaction each removes it and publishes its event.
    pub(super) fn fire_timers(&mut self, now: Timestamp) -> Result<(), TablesError> {
        while self.timers.first().is_some_and(|(at, ..)| *at <= now) {
            if self.check_ready(self.options.max_event_bytes).is_err() {
                return Ok(());
            }
            let Some((_, consumer, name)) = self.timers.pop_first() else { return Ok(()) };
            self.timer_due.remove(&(consumer, name.clone()));
            self.count_timers(consumer, -1);
            let Some(timer) = self.tables.timer(consumer, &name)? else { continue };
            let event = published::fire(timer.event, now);
            let sections = vec![Section::Fired(Box::new(Fired { consumer, name, event }))];
            let body = Transaction::encode_body(&sections);
            self.sequence(Vec::new(), sections, body, now)?;
        }
        Ok(())
    }

    /// Keeps the order of due times in step with a change that commits.
    pub(super) fn note_timer(&mut self, consumer: ConsumerId, change: &TimerChange) {
        let (TimerChange::Set { name, .. } | TimerChange::Cancel { name }) = change;
        let key = (consumer, name.clone());
        if let Some(at) = self.timer_due.remove(&key) {
            self.timers.remove(&(at, consumer, name.clone()));
            self.count_timers(consumer, -1);
        }
        if let TimerChange::Set { at, .. } = change {
            self.timers.insert((*at, consumer, name.clone()));
            self.timer_due.insert(key, *at);
            self.count_timers(consumer, 1);
        }
    }

    /// Forgets all timers of a consumer that begins anew.
    pub(super) fn drop_timers(&mut self, consumer: ConsumerId) {
        self.timers.retain(|(_, owner, _)| *owner != consumer);
        self.timer_due.retain(|(owner, _), _| *owner != consumer);
        if let Some(consumer) = self.consumers.get_mut(&consumer) {
            consumer.timers = 0;
        }
    }

    fn count_timers(&mut self, consumer: ConsumerId, change: isize) {
        if let Some(consumer) = self.consumers.get_mut(&consumer) {
            consumer.timers = consumer.timers.saturating_add_signed(change);
        }
    }
}
