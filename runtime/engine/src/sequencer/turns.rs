//! Turns: which consumer's batch a worker gets next, and what waits for a time.
//!
//! Both are indexes: their cost follows what is ready or due, not how many consumers there are.

use std::collections::VecDeque;

use camshaft_event::{ConsumerId, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::store::Store;
use camshaft_tables::{TablePart, TablesError};

use super::Sequencer;
use crate::batch::Batch;
use crate::clock::Reading as ClockReading;
use crate::consumer::Consumer;
use crate::lane::Lane;

impl<S: Store> Sequencer<S> {
    /// The next batch for a worker, fair between consumers.
    ///
    /// Ready consumers get their turns in the order in which they became ready, one batch a turn. The last free
    /// worker goes to one that runs no batch, if there is one. So a ready consumer that runs none gets its turn after
    /// at most one batch of each other ready consumer; with C of them that is N = C − 1 batches. One that runs some
    /// already may be passed over for longer, but not after the last of them has ended.
    ///
    /// Late consumers, whose single calls take long, hold at most all workers but one, together. So with two workers and
    /// more each other ready consumer gets its turn although all late ones run until their deadlines, and late ones take
    /// turns among themselves. One worker is not kept from them: they would never run; there N batches may be late ones.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn take(&mut self, now: Timestamp) -> Result<Option<Batch>, TablesError> {
        self.take_for(Lane::Workers, now)
    }

    /// The next call of a sink: a batch of one event for [`crate::Call::begin`]. Sinks that may have one more call under
    /// way get their turns in the order in which they came to that, one call a turn.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn take_call(&mut self, now: Timestamp) -> Result<Option<Batch>, TablesError> {
        self.take_for(Lane::Sinks, now)
    }

    fn take_for(&mut self, lane: Lane, now: Timestamp) -> Result<Option<Batch>, TablesError> {
        if self.is_reserved(lane) || !self.has_room(lane) {
            return Ok(None);
        }
        self.wants_alone = None;
        let steady = self.steady.now(now);
        while let Some(id) = self.next_turn(lane) {
            let Some(consumer) = self.consumers.get_mut(&id) else { continue };
            let tables = &self.tables;
            let taken = consumer.take(&self.options, steady, &mut |offset| {
                tables.held(id, offset)?.ok_or_else(|| TablesError::missing(id, TablePart::Held(offset)))
            });
            let mut batch = match taken {
                Ok(batch) => batch,
                Err(error) => {
                    self.isolate(error, now)?;
                    continue;
                }
            };
            if let Some(batch) = &batch
                && batch.suspicion.is_some()
            {
                if self.running() > 0 {
                    self.put_off(id, lane, batch, steady);
                    return Ok(None);
                }
                self.runs_alone = true;
            }
            self.arrange(id);
            if let Some(batch) = &mut batch {
                batch.visible = self.tables.progress().sequence;
                batch.state_bytes = self.tables.state_bytes(batch.space);
                self.late_batches += usize::from(batch.is_late);
                *self.running_in(lane) += 1;
            }
            self.announce_pauses(id, now)?;
            if batch.is_some() {
                return Ok(batch);
            }
        }
        Ok(None)
    }

    /// Takes the consumer whose turn it is out of the queue.
    fn next_turn(&mut self, lane: Lane) -> Option<ConsumerId> {
        let is_last_worker = lane == Lane::Workers && self.running_batches + 1 >= self.options.workers;
        let holds_late_back = lane == Lane::Workers && self.holds_late_back();
        let ready = match lane {
            Lane::Workers => &mut self.ready,
            Lane::Sinks => &mut self.ready_sinks,
        };
        let (mut place, mut first) = (0, None);
        while let Some(id) = ready.get(place) {
            match self.consumers.get_mut(id) {
                Some(consumer) if consumer.is_ready() => {
                    // At most as many are passed over as there are workers, and late ones.
                    if holds_late_back && consumer.lateness.is_late() {
                        place += 1;
                        continue;
                    }
                    if !is_last_worker || consumer.running_batches == 0 || is_on(Sabotage::GiveLastWorker) {
                        break;
                    }
                    first.get_or_insert(place);
                    place += 1;
                }
                // It was ready when it was put here.
                other => {
                    other.into_iter().for_each(|consumer| consumer.queued = None);
                    ready.remove(place);
                }
            }
        }
        // If all who are ready run a batch, it is the first one's turn.
        let place = if place < ready.len() { place } else { first? };
        let id = ready.remove(place)?;
        self.consumers.get_mut(&id)?.queued = None;
        Some(id)
    }

    /// Whether late consumers hold all the workers that they may together.
    fn holds_late_back(&self) -> bool {
        self.late_batches >= self.options.workers.saturating_sub(1).max(1)
    }

    /// Whether a consumer waits for a worker that it may have.
    fn has_turn(&self) -> bool {
        let is_late =
            |id: &ConsumerId| self.consumers.get(id).is_some_and(|consumer| consumer.lateness.is_late());
        if self.holds_late_back() { !self.ready.iter().all(is_late) } else { !self.ready.is_empty() }
    }

    /// Moves what has come due to where workers find it, fires timers, and drives redrive jobs. Returns when to
    /// call again at the latest, if anything waits for a time.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn tick(&mut self, now: Timestamp) -> Result<Option<Timestamp>, TablesError> {
        self.fire_timers(now)?;
        self.drive_redrives(now)?;
        let steady = self.steady.now(now);
        let due: Vec<ConsumerId> =
            self.due.iter().take_while(|(at, _)| *at <= steady).map(|(_, id)| *id).collect();
        for id in due {
            if let Some(consumer) = self.consumers.get_mut(&id) {
                consumer.wake(steady);
            }
            self.judge(id, now)?;
            self.arrange(id);
        }
        for id in std::mem::take(&mut self.unannounced) {
            self.judge(id, now)?;
            self.arrange(id);
            self.announce_pauses(id, now)?;
        }
        self.alarm.set(self.next_due_steady());
        Ok(self.next_due())
    }

    /// Tells the time, on both clocks. Each thread does so as it enters the critical section, with what it reads there.
    pub fn tell_time(&mut self, reading: ClockReading) {
        self.steady.tell(reading);
    }

    /// When [`Sequencer::tick`] has something to do next, as the wall clock will show it.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.next_due_steady().map(|at| self.steady.to_wall(at))
    }

    /// For how many milliseconds from now [`Sequencer::tick`] has nothing to do; none if nothing waits for a time.
    #[must_use]
    pub fn idle_ms(&self, now: Timestamp) -> Option<u64> {
        self.next_due_steady().map(|at| at.ms_since(self.steady.now(now)))
    }

    /// Whether something is due earlier than the timekeeper will wake. It is said once: the caller wakes it.
    pub fn moves_alarm(&mut self) -> bool {
        let next = self.next_due_steady();
        self.alarm.move_forward(next)
    }

    fn next_due_steady(&self) -> Option<Timestamp> {
        let consumer = self.due.first().map(|(at, _)| *at);
        debug_assert_eq!(
            consumer,
            self.consumers.values().filter_map(Consumer::next_due).min(),
            "whoever changes a consumer arranges it"
        );
        let timer = self.timers.first().map(|(at, ..)| self.steady.from_wall(*at));
        consumer.into_iter().chain(timer).chain(self.next_redrive_due()).min()
    }

    /// Whether a worker may find a batch now.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.is_reserved(Lane::Workers) && self.has_turn() && self.has_room(Lane::Workers)
    }

    /// Whether a call of a sink may be found now.
    #[must_use]
    pub fn has_calls(&self) -> bool {
        !self.is_reserved(Lane::Sinks) && !self.ready_sinks.is_empty() && self.has_room(Lane::Sinks)
    }

    /// Whether one more may be taken, as far as room goes.
    fn has_room(&self, lane: Lane) -> bool {
        match lane {
            Lane::Workers => self.check_ready(self.options.max_transaction_bytes).is_ok(),
            Lane::Sinks => {
                self.running_calls < self.options.max_calls
                    && self.check_ready(self.options.max_event_bytes).is_ok()
            }
        }
    }

    /// Batches that workers run.
    #[must_use]
    pub fn running_batches(&self) -> usize {
        self.running_batches
    }

    /// Calls of sinks that are under way.
    #[must_use]
    pub fn running_calls(&self) -> usize {
        self.running_calls
    }

    /// Batches and calls that are being run.
    pub(super) fn running(&self) -> usize {
        self.running_batches + self.running_calls
    }

    pub(super) fn running_in(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Workers => &mut self.running_batches,
            Lane::Sinks => &mut self.running_calls,
        }
    }

    /// The consumers that wait for their turn.
    pub(super) fn ready_in(&mut self, lane: Lane) -> &mut VecDeque<ConsumerId> {
        match lane {
            Lane::Workers => &mut self.ready,
            Lane::Sinks => &mut self.ready_sinks,
        }
    }

    /// Gives a consumer its turn if it has a batch to take, and notes when it comes due. To be called after every
    /// change of it.
    pub(super) fn arrange(&mut self, id: ConsumerId) {
        let Some(consumer) = self.consumers.get_mut(&id) else { return };
        if consumer.queued.is_none() && consumer.is_ready() {
            let lane = consumer.lane();
            consumer.queued = Some(lane);
            if is_on(Sabotage::LastComesFirst) {
                self.ready_in(lane).push_front(id);
            } else {
                self.ready_in(lane).push_back(id);
            }
        }
        let Some(consumer) = self.consumers.get_mut(&id) else { return };
        let due = consumer.next_due();
        if consumer.scheduled != due {
            let before = std::mem::replace(&mut consumer.scheduled, due);
            before.into_iter().for_each(|at| _ = self.due.remove(&(at, id)));
            self.due.extend(due.map(|at| (at, id)));
        }
    }
}
