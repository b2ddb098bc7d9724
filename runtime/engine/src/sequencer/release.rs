//! Calls of sinks: released before they are made, committed when they end.
//!
//! At least once, the release only says what must be durable before the call; the completion commits with
//! what the call asks for, so a crash in between repeats it. At most once, the release commits the
//! completion, what the call asks for follows in a second transaction, and nothing repeats it.

use camshaft_event::Timestamp;
use camshaft_event::transaction::{Floor, Section};
use camshaft_event::{Sequence, Transaction};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::commit::Dues;
use super::{Committed, Sequencer, Unready};
use crate::attempt::Attempt;
use crate::run::{Call, Finished};

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Once this transaction is durable. IMPORTANT: not before; all that the handler can see is in the log by
    /// then.
    After(Sequence),
    /// Not now; it may be asked for again.
    NotNow(Unready),
    /// Never: the consumer was reset or removed meanwhile. The call is to be abandoned.
    Stale,
}

impl<S: Store> Sequencer<S> {
    /// Releases a call, whose handler will get `attempt`.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn release(
        &mut self,
        call: &mut Call,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<Release, TablesError> {
        let release = self.step(now, |sequencer| sequencer.release_after(call, attempt, now))?;
        let at_once = Release::After(self.durability.durable().sequence);
        let is_early = is_on(Sabotage::CallBeforeDurable) && matches!(release, Release::After(_));
        Ok(if is_early { at_once } else { release })
    }

    fn release_after(
        &mut self,
        call: &mut Call,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<Release, TablesError> {
        let batch = call.batch();
        let (id, number) = (batch.space.consumer, batch.partition);
        let Some(consumer) = self.consumers.get(id) else { return Ok(Release::Stale) };
        if consumer.record.generation != batch.generation {
            return Ok(Release::Stale);
        }
        if !call.is_at_most_once() {
            return Ok(Release::After(call.visible()));
        }
        if let Err(unready) = self.check_ready(self.options.max_event_bytes) {
            return Ok(Release::NotNow(unready));
        }
        let key = call.batch().items.first().map(|item| item.key.clone());
        let (Some(key), Some(section)) = (key, call.released(attempt)) else {
            return Ok(Release::After(self.tables.progress().sequence));
        };
        let (tail, since) = (self.tables.progress().next_offset, self.tables.progress().sequence.next());
        let Some(consumer) = self.consumers.change(id) else { return Ok(Release::Stale) };
        // What is released is held no longer.
        let dues = Dues { steady: self.steady, now: self.steady.now(now), retries: &[] };
        consumer.note(&section, &key, since, &dues);
        if let Some(partition) = consumer.partitions.get_mut(number as usize) {
            // It is still under way, but nothing is open any more.
            partition.running = Some(None);
        }
        let floor = consumer.floor(tail);
        let sections = vec![Section::Handled(Box::new(section))];
        let body = Transaction::encode_body(&sections);
        let floor = Floor { consumer: id, offset: floor, state_growth: 0 };
        let sequence = self.sequence(vec![floor], sections, body, now)?;
        Ok(Release::After(sequence))
    }

    /// Commits what a call came to. Without room for it the call comes back, to be committed later: room is
    /// not set aside for calls, since they may last.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn commit_call(
        &mut self,
        finished: Box<Finished>,
        now: Timestamp,
    ) -> Result<Result<Committed, Box<Finished>>, TablesError> {
        if !finished.sections.is_empty() && self.check_ready(finished.most_bytes()).is_err() {
            return Ok(Err(finished));
        }
        self.commit(*finished, now).map(Ok)
    }
}
