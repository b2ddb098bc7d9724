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
use crate::consumer::Consumer;
use crate::lane::Lane;

/// How far behind another thread's time the timekeeper's may be without the clock having been set back.
const CLOCK_SLACK_MS: u64 = 1_000;

impl<S: Store> Sequencer<S> {
    /// The next batch for a worker, fair between consumers.
    ///
    /// Ready consumers get their turns in the order in which they became ready, one batch a turn. The last free
    /// worker goes to one that runs no batch, if there is one. So a ready consumer that runs none gets its turn after
    /// at most one batch of each other ready consumer; with C of them that is N = C − 1 batches. One that runs some
    /// already may be passed over for longer, but not after the last of them has ended.
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
        self.latest = self.latest.max(now);
        while let Some(id) = self.next_turn(lane) {
            let Some(consumer) = self.consumers.get_mut(&id) else { continue };
            let tables = &self.tables;
            let taken = consumer.take(&self.options, now, &mut |offset| {
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
                    self.put_off(id, lane, batch, now);
                    return Ok(None);
                }
                self.runs_alone = true;
            }
            self.arrange(id);
            if let Some(batch) = &mut batch {
                batch.visible = self.tables.progress().sequence;
                batch.state_bytes = self.tables.state_bytes(batch.space);
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
        let ready = match lane {
            Lane::Workers => &mut self.ready,
            Lane::Sinks => &mut self.ready_sinks,
        };
        let mut place = 0;
        while let Some(id) = ready.get(place) {
            match self.consumers.get_mut(id) {
                Some(consumer) if consumer.is_ready() => {
                    if !is_last_worker || consumer.running_batches == 0 || is_on(Sabotage::GiveLastWorker) {
                        break;
                    }
                    // At most as many are passed over as there are workers.
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
        let id = ready.remove(place).or_else(|| ready.pop_front())?;
        self.consumers.get_mut(&id)?.queued = None;
        Some(id)
    }

    /// Moves what has come due to where workers find it, fires timers, and drives redrive jobs. Returns when to
    /// call again at the latest, if anything waits for a time.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn tick(&mut self, now: Timestamp) -> Result<Option<Timestamp>, TablesError> {
        self.look_at_clock(now);
        self.fire_timers(now)?;
        self.drive_redrives(now)?;
        let due: Vec<ConsumerId> =
            self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect();
        for id in due {
            if let Some(consumer) = self.consumers.get_mut(&id) {
                consumer.wake(now);
            }
            self.judge(id, now)?;
            self.arrange(id);
        }
        for id in std::mem::take(&mut self.unannounced) {
            self.judge(id, now)?;
            self.arrange(id);
            self.announce_pauses(id, now)?;
        }
        Ok(self.next_due())
    }

    /// Lets pauses and rate limits, which are told in time passed, outlive a clock that was set back.
    fn look_at_clock(&mut self, now: Timestamp) {
        if now.plus_ms(CLOCK_SLACK_MS) < self.latest {
            self.latest = now;
            self.consumers.values_mut().for_each(|consumer| consumer.set_back(&self.options, now));
            let ids: Vec<ConsumerId> = self.consumers.keys().copied().collect();
            ids.into_iter().for_each(|id| self.arrange(id));
        }
        self.latest = self.latest.max(now);
    }

    /// When [`Sequencer::tick`] has something to do next.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let consumer = self.due.first().map(|(at, _)| *at);
        debug_assert_eq!(
            consumer,
            self.consumers.values().filter_map(Consumer::next_due).min(),
            "whoever changes a consumer arranges it"
        );
        let timer = self.timers.first().map(|(at, ..)| *at);
        consumer.into_iter().chain(timer).chain(self.next_redrive_due()).min()
    }

    /// Whether a worker may find a batch now.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.is_reserved(Lane::Workers) && !self.ready.is_empty() && self.has_room(Lane::Workers)
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
