//! Consumers that found no instance to call: their events went back unrun, and wait until an instance may be
//! free.
//!
//! A shortage is no attempt. Every batch or call that ends may have freed an instance, so it lets them all
//! try again; so does a short time, since instances are freed elsewhere, too.

use camshaft_event::{ConsumerId, Timestamp};
use camshaft_tables::store::Store;

use super::Sequencer;

/// How long a consumer waits after a shortage at the most, in milliseconds: short beside any deadline, long
/// enough that trying again and again costs nothing.
const WAIT_MS: u64 = 20;

impl<S: Store> Sequencer<S> {
    /// Lets a consumer wait whose batch or call found no instance. `now` is steady time.
    pub(super) fn run_short(&mut self, id: ConsumerId, now: Timestamp) {
        let Some(consumer) = self.consumers.change(id) else { return };
        consumer.short_until = Some(now.plus_ms(WAIT_MS));
        self.schedule.note_shortage(id);
    }

    /// An instance may be free: those that wait for one get their turns, in the order in which they began to
    /// wait.
    pub(super) fn end_shortages(&mut self) {
        for id in self.schedule.take_short() {
            if let Some(consumer) = self.consumers.change(id) {
                consumer.short_until = None;
            }
        }
    }
}
