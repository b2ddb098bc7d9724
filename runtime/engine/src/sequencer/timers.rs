//! Timers: set and cancelled by handlers, fired by the clock. Late rather than never.

use camshaft_event::transaction::{Fired, Section, TimerChange};
use camshaft_event::{ConsumerId, Timestamp, Transaction};
use camshaft_tables::store::Store;
use camshaft_tables::{TablePart, TablesError};

use super::Sequencer;
use crate::published;

/// Timers fired in one step; the critical section stays short when very many come due together.
const FIRED_AT_ONCE: usize = 64;

impl<S: Store> Sequencer<S> {
    /// Fires timers that are due: one transaction each removes it and publishes its event. Some may be left, for
    /// want of room or because there are many; they are due still.
    pub(super) fn fire_timers(&mut self, now: Timestamp) -> Result<(), TablesError> {
        for _ in 0..FIRED_AT_ONCE {
            let Some((at, consumer, name)) = self.timers.first().cloned() else { return Ok(()) };
            if at > now {
                return Ok(());
            }
            let part = || TablePart::Timer(name.clone());
            let found = self.tables.timer(consumer, &name);
            let timer =
                match found.and_then(|found| found.ok_or_else(|| TablesError::missing(consumer, part()))) {
                    Ok(timer) => timer,
                    Err(error) => {
                        // It stays set, and is not looked at again until its consumer goes on.
                        self.timers.remove(&(at, consumer, name));
                        self.isolate(error, now)?;
                        continue;
                    }
                };
            let event = published::fire(timer.event, now);
            let sections = vec![Section::Fired(Box::new(Fired { consumer, name: name.clone(), event }))];
            let body = Transaction::encode_body(&sections);
            if self.check_ready(body.len()).is_err() {
                return Ok(());
            }
            self.forget_timer(consumer, &name);
            self.sequence(Vec::new(), sections, body, now)?;
        }
        Ok(())
    }

    /// Keeps the order of due times in step with a change that commits.
    pub(super) fn note_timer(&mut self, consumer: ConsumerId, change: &TimerChange) {
        let (TimerChange::Set { name, .. } | TimerChange::Cancel { name }) = change;
        self.forget_timer(consumer, name);
        if let TimerChange::Set { name, at, .. } = change {
            self.timers.insert((*at, consumer, name.clone()));
            self.timer_due.insert((consumer, name.clone()), *at);
            if let Some(consumer) = self.consumers.get_mut(&consumer) {
                consumer.timers += 1;
            }
        }
    }

    /// Whether a consumer has a timer of this name.
    #[must_use]
    pub fn has_timer(&self, consumer: ConsumerId, name: &str) -> bool {
        self.timer_due.contains_key(&(consumer, name.to_owned()))
    }

    /// Forgets all timers of a consumer that begins anew.
    pub(super) fn drop_timers(&mut self, consumer: ConsumerId) {
        // Only its own are looked at: others may have set very many.
        let own = self
            .timer_due
            .range((consumer, String::new())..)
            .take_while(|((owner, _), _)| *owner == consumer);
        let own: Vec<_> = own.map(|((_, name), at)| (*at, name.clone())).collect();
        for (at, name) in own {
            let key = (consumer, name);
            self.timer_due.remove(&key);
            self.timers.remove(&(at, consumer, key.1));
        }
        if let Some(consumer) = self.consumers.get_mut(&consumer) {
            consumer.timers = 0;
        }
    }

    /// Has a consumer's timers looked at again that could not be read.
    pub(super) fn schedule_timers(&mut self, consumer: ConsumerId) {
        let own = self
            .timer_due
            .range((consumer, String::new())..)
            .take_while(|((owner, _), _)| *owner == consumer);
        self.timers.extend(own.map(|((owner, name), at)| (*at, *owner, name.clone())));
    }

    pub(super) fn forget_timer(&mut self, consumer: ConsumerId, name: &str) {
        let key = (consumer, name.to_owned());
        if let Some(at) = self.timer_due.remove(&key) {
            self.timers.remove(&(at, consumer, key.1));
            if let Some(consumer) = self.consumers.get_mut(&consumer) {
                consumer.timers -= 1;
            }
        }
    }
}
