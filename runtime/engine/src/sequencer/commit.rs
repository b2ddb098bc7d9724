//! Committing a batch: its reads are validated, its sections take their place, its keys their new standing.

use camshaft_event::transaction::{Handled, Outcome, Section};
use camshaft_event::{ConsumerId, Key, Sequence, Timestamp};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::Sequencer;
use crate::consumer::DeadEntry;
use crate::held_keys::HeldEntry;
use crate::run::Finished;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Its transaction took this place; it is durable once the log is synced up to it.
    At(Sequence),
    /// There was nothing to commit.
    Nothing,
    /// Another partition of the consumer changed what the batch had read: it runs again, uncounted.
    Conflict,
    /// The consumer was reset or removed meanwhile: the batch's effects vanish.
    Stale,
}

impl<S: Store> Sequencer<S> {
    /// Commits a batch that a worker ran.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn commit(&mut self, finished: Finished, now: Timestamp) -> Result<Committed, TablesError> {
        self.running_batches -= 1;
        let id = finished.batch.space.consumer;
        let committed = self.commit_batch(id, finished, now)?;
        self.enqueue(id);
        Ok(committed)
    }

    fn commit_batch(
        &mut self,
        id: ConsumerId,
        finished: Finished,
        now: Timestamp,
    ) -> Result<Committed, TablesError> {
        let Finished { batch, mut dealt, sections, keys, reads, scanned, body, unavailable } = finished;
        let tail = self.tables.progress().next_offset;
        let Some(consumer) = self.consumers.get_mut(&id) else { return Ok(Committed::Stale) };
        if consumer.record.generation != batch.generation {
            // It began anew with empty partitions, which know nothing of this batch.
            return Ok(Committed::Stale);
        }
        let stale_reads = consumer.state_version > batch.state_version
            && (scanned || reads_changed(&self.tables, &batch, &reads)?);
        if stale_reads || unavailable.is_some() {
            dealt = 0;
        }
        consumer.give_back(&batch, dealt);
        if stale_reads {
            consumer.lost(batch.partition);
            return Ok(Committed::Conflict);
        }
        consumer.won(batch.partition);
        if sections.is_empty() || dealt == 0 {
            return Ok(Committed::Nothing);
        }
        let mut wrote_state = false;
        for (section, key) in sections.iter().zip(&keys) {
            if let Section::Handled(handled) = section {
                wrote_state |= !handled.state.is_empty();
                consumer.note(handled, key);
            }
        }
        consumer.unstall(&self.options);
        let floor = consumer.floor(tail);
        let timers: Vec<_> = sections.iter().flat_map(timer_changes).cloned().collect();
        for change in timers {
            self.note_timer(id, &change);
        }
        let sequence = self.sequence(vec![(id, floor)], sections, body, now)?;
        if wrote_state && let Some(consumer) = self.consumers.get_mut(&id) {
            consumer.state_version = sequence;
        }
        Ok(Committed::At(sequence))
    }
}

fn reads_changed<S: Store>(
    tables: &camshaft_tables::Tables<S>,
    batch: &crate::Batch,
    reads: &[(Vec<u8>, Sequence)],
) -> Result<bool, TablesError> {
    for (key, version) in reads {
        let current = tables.state(batch.space, key)?.map(|found| found.version).unwrap_or_default();
        if current != *version {
            return Ok(true);
        }
    }
    Ok(false)
}

fn timer_changes(section: &Section) -> impl Iterator<Item = &camshaft_event::transaction::TimerChange> {
    let timers = match section {
        Section::Handled(handled) => handled.timers.as_slice(),
        _ => &[],
    };
    timers.iter()
}

impl crate::consumer::Consumer {
    /// Brings held keys and dead letters up to date with a section that is about to commit.
    fn note(&mut self, handled: &Handled, key: &Key) {
        if let (Some(number), Some(partition)) =
            (handled.advances, handled.advances.and_then(|number| self.partitions.get_mut(number as usize)))
        {
            debug_assert_eq!(number, key.partition(self.record.partitions));
            partition.done_before = handled.cause.next();
        }
        for change in &handled.held {
            match &change.event {
                Some(held) => {
                    let tried = handled.outcome == Outcome::Retrying;
                    let entry = HeldEntry { due: held.due, tried, bytes: held.event.size() };
                    self.held.insert(key, change.offset, entry);
                }
                None => self.held.remove(key, change.offset),
            }
        }
        for change in &handled.dead {
            if let Some(letter) = &change.letter {
                let bytes = letter.event.size();
                self.add_dead(change.offset, DeadEntry { key: key.clone(), parks: letter.parks, bytes });
            }
        }
    }
}
