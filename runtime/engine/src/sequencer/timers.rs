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
    /// Fires timers that are due: one transaction each removes it and publishes its event. Some may be left,
    /// for want of room or because there are many; they are due still.
    pub(super) fn fire_timers(&mut self, now: Timestamp) -> Result<(), TablesError> {
        for _ in 0..FIRED_AT_ONCE {
            let Some(due) = self.timers.first().filter(|(at, ..)| *at <= now).cloned() else { return Ok(()) };
            let (consumer, name) = (due.1, due.2.clone());
            let part = || TablePart::Timer(name.clone());
            let found = self.tables.timer(consumer, &name);
            let timer =
                match found.and_then(|found| found.ok_or_else(|| TablesError::missing(consumer, part()))) {
                    Ok(timer) => timer,
                    Err(error) => {
                        // It stays set, and is not looked at again until its consumer goes on.
                        self.timers.set_aside(&due);
                        self.isolate(error)?;
                        continue;
                    }
                };
            let event = published::fire(timer.event, now);
            let sections = vec![Section::Fired(Box::new(Fired { consumer, name: name.clone(), event }))];
            let body = Transaction::encode_body(&sections);
            if self.check_ready(body.len()).is_err() {
                return Ok(());
            }
            self.timers.cancel(consumer, &name);
            self.sequence(Vec::new(), sections, body, now)?;
        }
        Ok(())
    }

    /// Keeps what is known of timers in step with a change that commits.
    pub(super) fn note_timer(&mut self, consumer: ConsumerId, change: &TimerChange) {
        match change {
            TimerChange::Set { name, at, .. } => self.timers.set(consumer, name, *at),
            TimerChange::Cancel { name } => self.timers.cancel(consumer, name),
        }
    }

    /// Whether a consumer has a timer of this name.
    #[must_use]
    pub fn has_timer(&self, consumer: ConsumerId, name: &str) -> bool {
        self.timers.contains(consumer, name)
    }
}
