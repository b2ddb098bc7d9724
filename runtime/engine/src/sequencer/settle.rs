//! Steps: each ends with all consumers settled that it changed.
//!
//! A change of a consumer may make it ready or due, end its probation, or begin or end a pause that is to be
//! announced. None of that is for the code that changes it to remember:
//! [`Consumers::change`](crate::consumers::Consumers::change) notes whom a step changed, and
//! [`Sequencer::step`] settles those, and whom that changes in turn.

use camshaft_event::{ConsumerId, Timestamp};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::Sequencer;

impl<S: Store> Sequencer<S> {
    /// Does `change`, then settles. Each public method that changes a consumer or sequences a transaction is
    /// one such step.
    pub(super) fn step<T, E: From<TablesError>>(
        &mut self,
        now: Timestamp,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let changed = change(self);
        // Also after an error: what it found changed before.
        while let Some(id) = self.consumers.next_changed() {
            self.settle(id, now)?;
        }
        changed
    }

    /// Brings a consumer up to date with the time and with what it holds, judges its probation, gives it its
    /// turn, and announces pauses that began or ended.
    fn settle(&mut self, id: ConsumerId, now: Timestamp) -> Result<(), TablesError> {
        let steady = self.steady.now(now);
        let Some(consumer) = self.consumers.quietly(id) else { return Ok(()) };
        consumer.unstall(&self.options);
        consumer.wake(steady);
        consumer.measure(&self.options, steady);
        if let Some(judgement) = consumer.judgement(&self.options, steady) {
            self.judge(id, judgement, now)?;
        }
        let Some(consumer) = self.consumers.quietly(id) else { return Ok(()) };
        self.schedule.arrange(consumer);
        if consumer.has_news(&self.options) { self.announce_pauses(id, now) } else { Ok(()) }
    }
}
