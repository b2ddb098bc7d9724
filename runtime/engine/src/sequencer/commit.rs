//! Committing a batch: its reads are validated, its sections take their place, its keys their new standing.

use std::collections::BTreeMap;
use std::sync::Arc;

use camshaft_event::transaction::{Floor, Handled, Outcome, Section, TimerChange};
use camshaft_event::{ConsumerId, FailedAttempt, HeldEvent, Key, Offset, Sequence, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::store::Store;
use camshaft_tables::{Tables, TablesError, Versioned};

use super::Sequencer;
use crate::attempt::{Reads, signed, size_in_state};
use crate::batch::Batch;
use crate::clock::SteadyTime;
use crate::consumer::{Consumer, DeadEntry};
use crate::executor::Executor;
use crate::held_keys::HeldEntry;
use crate::notice::Noticed;
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
        let id = finished.batch.space.consumer;
        self.step(now, |sequencer| {
            let committed = sequencer.end_batch(id, finished, now);
            // What it gave to others comes first.
            sequencer.consumers.settle_last(id);
            committed
        })
    }

    fn end_batch(
        &mut self,
        id: ConsumerId,
        finished: Finished,
        now: Timestamp,
    ) -> Result<Committed, TablesError> {
        self.schedule.end(Executor::of(&finished.batch.spec.policy), &finished.batch);
        if finished.batch.suspicion.is_some() {
            self.acquit(id, &finished);
        }
        let (generation, partition) = (finished.batch.generation, finished.batch.partition);
        let uncalled = finished.batch.len() - finished.calls;
        let is_short = finished.is_short;
        let handler_us = finished.handler_us;
        let (committed, unread) = self.commit_batch(id, finished, now)?;
        if let Some(error) = unread {
            self.isolate(error)?;
        }
        if let Some(consumer) = self.consumers.change(id) {
            let is_current = consumer.record.generation == generation;
            if let Some(tokens) = consumer.tokens.as_mut().filter(|_| is_current) {
                tokens.settle(partition, uncalled);
            }
            if consumer.executor() == Executor::Workers && handler_us > 0 {
                consumer.lateness.count(handler_us);
            }
        }
        if is_short {
            self.run_short(id, self.steady.now(now));
        } else {
            self.end_shortages();
        }
        Ok(committed)
    }

    fn commit_batch(
        &mut self,
        id: ConsumerId,
        finished: Finished,
        now: Timestamp,
    ) -> Result<(Committed, Option<TablesError>), TablesError> {
        let Some(consumer) = self.consumers.get(id) else { return Ok((Committed::Stale, finished.unread)) };
        if consumer.record.generation != finished.batch.generation {
            // It began anew with empty partitions, which know nothing of this batch, nor of what that could
            // not read.
            return Ok((Committed::Stale, None));
        }
        let mut finished = finished;
        let has_read = finished.unread.is_none();
        let validated = if has_read { self.validate(consumer, &finished) } else { Ok((true, 0)) };
        let (is_lost, state_growth) = validated.unwrap_or_else(|error| {
            finished.unread = Some(error);
            (true, 0)
        });
        let runs_again = is_lost && !finished.batch.is_released;
        if runs_again {
            let Some(consumer) = self.consumers.change(id) else { return Ok((Committed::Stale, None)) };
            consumer.give_back(&finished.batch, 0);
            if finished.unread.is_some() {
                return Ok((Committed::Nothing, finished.unread));
            }
            consumer.contention.lost(finished.batch.partition);
            return Ok((Committed::Conflict, None));
        }
        if is_lost {
            // Its event is done already, so it commits as the dead letter that it then is.
            finished = finished.into_dead_letter(self.options.max_transaction_bytes);
        }
        let unread = finished.unread.take();
        Ok((self.commit_valid(id, finished, (is_lost, state_growth), now)?, unread))
    }

    /// Whether a batch has lost against others, and by how many bytes it lets the state grow if not.
    fn validate(&self, consumer: &Consumer, finished: &Finished) -> Result<(bool, i64), TablesError> {
        let has_changed = consumer.state_version > finished.batch.taken_after
            && self.has_changed(&finished.batch, &finished.reads)?;
        let state_growth = self.state_growth(finished)?;
        let is_lost = has_changed
            || self.exceeds_timers(consumer, &finished.sections)
            || self.exceeds_state(&finished.batch, state_growth);
        Ok((is_lost, state_growth))
    }

    fn commit_valid(
        &mut self,
        id: ConsumerId,
        finished: Finished,
        (is_lost, state_growth): (bool, i64),
        now: Timestamp,
    ) -> Result<Committed, TablesError> {
        let tail = self.tables.progress().next_offset;
        let Finished { batch, dealt, mut sections, keys, mut body, retries, .. } = finished;
        let Some(consumer) = self.consumers.change(id) else { return Ok(Committed::Stale) };
        consumer.give_back(&batch, dealt);
        if is_lost {
            consumer.contention.count_loss();
        } else {
            consumer.contention.won(batch.partition);
        }
        if sections.is_empty() {
            return Ok(Committed::Nothing);
        }
        let (mut wrote_state, since) = (false, self.tables.progress().sequence.next());
        // What other code did says nothing of this one.
        let breaker = consumer.spec.as_ref().filter(|spec| Arc::ptr_eq(spec, &batch.spec));
        let breaker = breaker.and_then(|spec| spec.policy.breaker);
        let dues = Dues { steady: self.steady, now: self.steady.now(now), retries: &retries };
        for (section, key) in sections.iter().zip(&keys) {
            wrote_state |= matches!(section, Section::Refolded(_));
            if let Section::Handled(handled) = section {
                wrote_state |= !handled.state.is_empty();
                consumer.note(handled, key, since, &dues);
                if handled.is_awaited() {
                    self.decided.push(handled.cause);
                }
                if let Some((what, failed)) = failed_attempt(handled) {
                    consumer.keep_failure(handled.cause, failed);
                    self.notices.add(what, &consumer.record.name, Some((handled.cause, key)), &failed.error);
                }
                consumer.count(handled, &self.options);
                // What fails on probation is measured; it opens no circuit.
                let has_failed =
                    has_failed(handled).filter(|has_failed| !has_failed || !batch.is_uncounted());
                if let (Some(breaker), Some(has_failed)) = (breaker, has_failed) {
                    consumer.circuit.note(breaker, batch.trial, has_failed, dues.now);
                }
            }
        }
        let floor = consumer.floor(tail);
        if is_on(Sabotage::DoneBeforeEffects) {
            let sections = sections.iter().map(without_effects).collect();
            self.sequence_all(sections, now)?;
        }
        let timers: Vec<_> = sections.iter().flat_map(timer_changes).cloned().collect();
        for change in timers {
            self.note_timer(id, &change);
        }
        if let Some(section) = self.redrive_results(&batch, &sections) {
            body.push(&section);
            sections.push(section);
        }
        let state_growth = if is_lost { 0 } else { state_growth };
        let floor = Floor { consumer: id, offset: floor, state_growth };
        let sequence = self.sequence(vec![floor], sections, body.into_bytes(), now)?;
        if wrote_state && let Some(consumer) = self.consumers.change(id) {
            consumer.state_version = sequence;
        }
        Ok(Committed::At(sequence))
    }

    /// Whether something that a batch read has changed since the batch was taken.
    fn has_changed(&self, batch: &Batch, reads: &Reads) -> Result<bool, TablesError> {
        if is_on(Sabotage::SkipReadValidation) {
            return Ok(false);
        }
        let Some(versions) = reads.versions() else { return Ok(true) };
        if self.tables.may_have_changed(batch.space, reads.ranges(), batch.taken_after) {
            return Ok(true);
        }
        for (key, version) in versions {
            let Some(current) = self.newer_state(batch, key)? else { continue };
            if current.map(|found| found.version).unwrap_or_default() != version {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// By how many bytes a batch lets the state grow. Of what it wrote to unread, others may have changed the
    /// size.
    fn state_growth(&self, finished: &Finished) -> Result<i64, TablesError> {
        let (batch, mut growth) = (&finished.batch, finished.state_growth);
        for (key, seen) in finished.reads.unread() {
            if let Some(current) = self.newer_state(batch, key)? {
                let bytes = size_in_state(key, current.as_ref().map(|found| found.value.len()));
                growth += signed(seen) - signed(bytes);
            }
        }
        Ok(growth)
    }

    /// What a key holds now, if that may be newer than the batch.
    fn newer_state(&self, batch: &Batch, key: &[u8]) -> Result<Option<Option<Versioned>>, TablesError> {
        match self.tables.recent_state(batch.space, key) {
            Some(current) => Ok(Some(current)),
            // Memory holds every write since the snapshot, so this one is older than the batch.
            None if self.tables.snapshot().sequence <= batch.taken_after => Ok(None),
            None => Tables::stored_state(self.tables.store().as_ref(), batch.space, key).map(Some),
        }
    }

    /// Whether other partitions have used the room that this batch's writes need. The handler then runs again
    /// alone, and receives the limit as an error.
    fn exceeds_state(&self, batch: &Batch, growth: i64) -> bool {
        let bytes = self.tables.state_bytes(batch.space);
        let total = bytes.saturating_add_signed(growth);
        growth > 0 && bytes != batch.state_bytes && total > self.options.max_state_bytes
    }

    /// Whether other partitions have used the room that this batch's timers need. The handler then runs again
    /// alone, and receives the limit as an error.
    fn exceeds_timers(&self, consumer: &Consumer, sections: &[Section]) -> bool {
        let mut touched: BTreeMap<&str, bool> = BTreeMap::new();
        for change in sections.iter().flat_map(timer_changes) {
            let (TimerChange::Set { name, .. } | TimerChange::Cancel { name }) = change;
            touched.insert(name, matches!(change, TimerChange::Set { .. }));
        }
        let id = consumer.record.id;
        let (mut added, mut removed) = (0, 0);
        for (name, is_set) in touched {
            let was_set = self.has_timer(id, name);
            added += usize::from(is_set && !was_set);
            removed += usize::from(was_set && !is_set);
        }
        added > removed && self.timers.count(id) + added - removed > self.options.max_timers
    }
}

/// For [`Sabotage::DoneBeforeEffects`]: that an event was handled, but not what came of it.
fn without_effects(section: &Section) -> Section {
    match section {
        Section::Handled(handled) => Section::Handled(Box::new(Handled {
            events: Vec::new(),
            state: Vec::new(),
            timers: Vec::new(),
            ..(**handled).clone()
        })),
        other => other.clone(),
    }
}

/// Whether an attempt failed in a way that another one may not; `None` if that says nothing of the next
/// event.
fn has_failed(handled: &Handled) -> Option<bool> {
    match handled.outcome {
        Outcome::Done => Some(false),
        Outcome::Held | Outcome::Released | Outcome::Suspended => None,
        Outcome::Retrying => Some(true),
        Outcome::DeadLettered => {
            let letter = handled.dead.iter().find_map(|change| change.letter.as_ref())?;
            (!letter.history.latest()?.cause.is_final()).then_some(true)
        }
    }
}

/// The attempt that failed, and what the log that people watch says of it.
fn failed_attempt(handled: &Handled) -> Option<(Noticed, &FailedAttempt)> {
    match handled.outcome {
        Outcome::Done | Outcome::Held | Outcome::Released => None,
        Outcome::Retrying | Outcome::Suspended => {
            let held = handled.held.iter().find_map(|change| change.event.as_ref())?;
            let failed = held.last_failure()?;
            Some((Noticed::Failed(failed.cause), failed))
        }
        Outcome::DeadLettered => {
            let letter = handled.dead.iter().find_map(|change| change.letter.as_ref())?;
            let failed = letter.history.latest()?;
            Some((Noticed::DeadLetter(failed.cause), failed))
        }
    }
}

fn timer_changes(section: &Section) -> impl Iterator<Item = &TimerChange> {
    let timers = match section {
        Section::Handled(handled) => handled.timers.as_slice(),
        _ => &[],
    };
    timers.iter()
}

/// When held events of a batch are due, in steady time.
pub(super) struct Dues<'b> {
    pub(super) steady: SteadyTime,
    pub(super) now: Timestamp,
    /// Those that are retried, with what the monotonic clock shows then.
    pub(super) retries: &'b [(Offset, u64)],
}

impl Dues<'_> {
    fn of(&self, offset: Offset, held: &HeldEvent) -> Timestamp {
        let retry = self.retries.iter().find(|(retried, _)| *retried == offset);
        let at = retry.and_then(|(_, elapsed_us)| self.steady.at(*elapsed_us));
        match retry {
            Some(_) => at.unwrap_or(held.due),
            // It waits for other events of its key, or for the end of a probation, and was due already.
            None => held.due.min(self.now),
        }
    }
}

impl Consumer {
    /// Brings held keys and dead letters up to date with a section that is about to commit as transaction
    /// `since`.
    pub(super) fn note(&mut self, handled: &Handled, key: &Key, since: Sequence, dues: &Dues<'_>) {
        if let (Some(number), Some(partition)) =
            (handled.advances, handled.advances.and_then(|number| self.partitions.get_mut(number as usize)))
        {
            debug_assert_eq!(number, key.partition(self.record.partitions));
            partition.done_before = handled.cause.next();
        }
        if let Some(change) = handled.command.as_ref().filter(|change| change.outcome.is_some()) {
            self.undecided.remove(&handled.cause);
            self.note_scopes(&change.scopes);
        }
        for change in &handled.held {
            match &change.event {
                Some(held) => {
                    self.note_undecided(change.offset, &held.event);
                    let due = dues.of(change.offset, held);
                    self.held.insert(key, change.offset, HeldEntry { due, ..HeldEntry::of(held) });
                }
                None => self.held.remove(key, change.offset),
            }
        }
        for change in &handled.dead {
            if let Some(letter) = &change.letter {
                self.note_undecided(change.offset, &letter.event);
                self.add_dead(change.offset, DeadEntry::of(letter, key.clone(), since));
            }
        }
    }
}
