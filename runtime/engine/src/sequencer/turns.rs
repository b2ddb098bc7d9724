//! Turns: which consumer's batch a worker gets next, and what waits for a time. [`crate::schedule`] keeps
//! both.

use camshaft_event::{ConsumerId, Timestamp};
use camshaft_tables::store::Store;
use camshaft_tables::{TablePart, TablesError};

use super::Sequencer;
use crate::batch::Batch;
use crate::clock::Reading as ClockReading;
use crate::executor::Executor;

impl<S: Store> Sequencer<S> {
    /// The next batch for a worker, fair between consumers.
    ///
    /// Ready consumers get their turns in the order in which they became ready, one batch a turn. The last
    /// free worker goes to one that runs no batch, if there is one. So a ready consumer that runs none gets
    /// its turn after at most one batch of each other ready consumer; with C of them that is N = C − 1
    /// batches. One that runs some already may be passed over for longer, but not after the last of them has
    /// ended.
    ///
    /// Late consumers, whose single calls take long, hold at most all workers but one, together. So with two
    /// workers and more each other ready consumer gets its turn although all late ones run until their
    /// deadlines, and late ones take turns among themselves. One worker is not kept from them: they would
    /// never run; there N batches may be late ones.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn take(&mut self, now: Timestamp) -> Result<Option<Batch>, TablesError> {
        self.take_for(Executor::Workers, now)
    }

    /// The next call of a sink: a batch of one event for [`crate::Call::begin`]. Sinks that may have one more
    /// call under way get their turns in the order in which they came to that, one call a turn.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn take_call(&mut self, now: Timestamp) -> Result<Option<Batch>, TablesError> {
        self.take_for(Executor::Sinks, now)
    }

    fn take_for(&mut self, executor: Executor, now: Timestamp) -> Result<Option<Batch>, TablesError> {
        if self.schedule.is_reserved(executor) || !self.has_room(executor) {
            return Ok(None);
        }
        self.schedule.end_reservation();
        while let Some(id) = self.schedule.next_turn(executor, &mut self.consumers, self.options.workers) {
            let turn = self.step(now, |sequencer| sequencer.take_of(id, executor, now))?;
            match turn {
                Turn::Taken(batch) => return Ok(Some(*batch)),
                Turn::Reserved => return Ok(None),
                Turn::Passed => {}
            }
        }
        Ok(None)
    }

    /// Takes what the consumer whose turn it is has, if it has something.
    fn take_of(&mut self, id: ConsumerId, executor: Executor, now: Timestamp) -> Result<Turn, TablesError> {
        let steady = self.steady.now(now);
        let Some(consumer) = self.consumers.change(id) else { return Ok(Turn::Passed) };
        let tables = &self.tables;
        let load = &mut |offset| {
            tables.held(id, offset)?.ok_or_else(|| TablesError::missing(id, TablePart::Held(offset)))
        };
        let mut taken = consumer.take(&self.options, steady, load);
        if matches!(taken, Ok(None)) {
            // An event may have come due since the last tick. Its consumer keeps its turn.
            consumer.wake(steady);
            if consumer.is_ready() {
                taken = consumer.take(&self.options, steady, load);
            }
        }
        let mut batch = match taken {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(Turn::Passed),
            Err(error) => return self.isolate(error).map(|()| Turn::Passed),
        };
        if batch.suspicion.is_some() && self.schedule.running() > 0 {
            // It is the next one, once the others have ended.
            consumer.give_back_unrun(&batch, steady);
            self.schedule.reserve(executor, consumer);
            return Ok(Turn::Reserved);
        }
        batch.taken_after = self.tables.progress().sequence;
        batch.state_bytes = self.tables.state_bytes(batch.space);
        batch.fact_bytes = self.tables.fact_bytes();
        batch.timers = self.timers.count(id);
        self.schedule.begin(executor, &batch);
        Ok(Turn::Taken(Box::new(batch)))
    }

    /// Moves what has come due to where workers find it, fires timers, and drives redrive jobs. Returns when
    /// to call again at the latest, if anything waits for a time.
    ///
    /// # Errors
    /// Tables that cannot be read; the runtime must stop.
    pub fn tick(&mut self, now: Timestamp) -> Result<Option<Timestamp>, TablesError> {
        self.step(now, |sequencer| {
            sequencer.fire_timers(now)?;
            sequencer.drive_redrives(now)?;
            for id in sequencer.schedule.due(sequencer.steady.now(now)) {
                sequencer.consumers.change(id);
            }
            sequencer.consumers.recall_unsettled();
            Ok::<(), TablesError>(())
        })?;
        self.alarm.set(self.next_due_steady());
        Ok(self.next_due())
    }

    /// Tells the time, on both clocks. Each thread does so as it enters the critical section, with what it
    /// reads there.
    pub fn tell_time(&mut self, reading: ClockReading) {
        self.steady.tell(reading);
    }

    /// When [`Sequencer::tick`] has something to do next, as the wall clock will show it.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.next_due_steady().map(|at| self.steady.to_wall(at))
    }

    /// For how many milliseconds from now [`Sequencer::tick`] has nothing to do; none if nothing waits for a
    /// time.
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
        debug_assert!(self.schedule.is_settled(&self.consumers), "every change of a consumer is a step");
        let timer = self.timers.first().map(|(at, ..)| self.steady.from_wall(*at));
        self.schedule.next_due().into_iter().chain(timer).chain(self.next_redrive_due()).min()
    }

    /// Whether a worker may find a batch now.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.has_turn(Executor::Workers) && self.has_room(Executor::Workers)
    }

    /// Whether a call of a sink may be found now.
    #[must_use]
    pub fn has_calls(&self) -> bool {
        self.has_turn(Executor::Sinks) && self.has_room(Executor::Sinks)
    }

    /// Whether a consumer waits for an executor that it may have.
    fn has_turn(&self, executor: Executor) -> bool {
        self.schedule.has_turn(executor, &self.consumers, self.options.workers)
    }

    /// Whether one more may be taken, as far as room goes.
    fn has_room(&self, executor: Executor) -> bool {
        match executor {
            Executor::Workers => self.check_ready(self.options.max_transaction_bytes).is_ok(),
            Executor::Sinks => {
                self.schedule.running_calls() < self.options.max_calls
                    && self.check_ready(self.options.max_event_bytes).is_ok()
            }
        }
    }

    /// Batches that workers run.
    #[must_use]
    pub fn running_batches(&self) -> usize {
        self.schedule.running_batches()
    }

    /// Calls of sinks that are under way.
    #[must_use]
    pub fn running_calls(&self) -> usize {
        self.schedule.running_calls()
    }
}

/// What a turn came to.
enum Turn {
    /// This.
    Taken(Box<Batch>),
    /// The consumer had nothing to take.
    Passed,
    /// What it has must run alone, and others run: nothing is handed out now.
    Reserved,
}
