//! The schedule: whose turn it is, who waits for a time or an instance, and how much is running.
//!
//! Queues and indexes: their cost follows what is ready or due, not how many consumers there are.

use std::collections::{BTreeSet, VecDeque};

use camshaft_event::{ConsumerId, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};

use crate::batch::Batch;
use crate::consumer::Consumer;
use crate::consumers::Consumers;
use crate::executor::Executor;

/// Where a consumer stands in the schedule; the schedule's own business.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// Among those that are ready, if there.
    queued: Option<Executor>,
    /// Among those that wait for a time.
    due: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct Schedule {
    workers: Turns,
    sinks: Turns,
    /// Consumers that wait for a time, by that steady time.
    due: BTreeSet<(Timestamp, ConsumerId)>,
    /// Consumers that wait for an instance, in the order in which they began to.
    short: Vec<ConsumerId>,
    /// Of the batches that workers run those of consumers whose calls are late.
    late_batches: usize,
    lone: Lone,
}

/// What one kind of executor runs.
#[derive(Debug, Default)]
struct Turns {
    /// Consumers with something to take, in the order of their turns. Some are no longer ready.
    ready: VecDeque<ConsumerId>,
    running: usize,
}

/// A batch or call that must run alone.
#[derive(Clone, Copy, Debug, Default)]
enum Lone {
    /// There is none.
    #[default]
    None,
    /// It waits until the others have ended.
    Waits(Executor),
    /// It runs.
    Runs,
}

impl Schedule {
    fn turns(&mut self, executor: Executor) -> &mut Turns {
        match executor {
            Executor::Workers => &mut self.workers,
            Executor::Sinks => &mut self.sinks,
        }
    }

    /// Gives a consumer its turn if it has something to take, and notes when it comes due.
    pub(crate) fn arrange(&mut self, consumer: &mut Consumer) {
        let id = consumer.record.id;
        if consumer.place.queued.is_none() && consumer.is_ready() {
            let executor = consumer.executor();
            consumer.place.queued = Some(executor);
            if is_on(Sabotage::LastComesFirst) {
                self.turns(executor).ready.push_front(id);
            } else {
                self.turns(executor).ready.push_back(id);
            }
        }
        let due = consumer.next_due();
        if consumer.place.due != due {
            let before = std::mem::replace(&mut consumer.place.due, due);
            before.into_iter().for_each(|at| _ = self.due.remove(&(at, id)));
            self.due.extend(due.map(|at| (at, id)));
        }
    }

    /// Takes a consumer out of the queue in which it waits if other executors run it from now on.
    pub(crate) fn move_to(&mut self, executor: Executor, consumer: &mut Consumer) {
        if let Some(before) = consumer.place.queued.take_if(|queued| *queued != executor) {
            self.turns(before).ready.retain(|other| *other != consumer.record.id);
        }
    }

    /// Takes the consumer whose turn it is out of the queue; `workers` is how many of these there are.
    pub(crate) fn next_turn(
        &mut self,
        executor: Executor,
        consumers: &mut Consumers,
        workers: usize,
    ) -> Option<ConsumerId> {
        let is_last_worker = executor == Executor::Workers && self.workers.running + 1 >= workers;
        let holds_late_back = executor == Executor::Workers && self.holds_late_back(workers);
        let ready = &mut self.turns(executor).ready;
        let (mut place, mut first) = (0, None);
        while let Some(id) = ready.get(place) {
            match consumers.quietly(*id) {
                Some(consumer) if consumer.is_ready() => {
                    // At most as many are passed over as there are workers, and late ones.
                    if holds_late_back && consumer.lateness.is_late() {
                        place += 1;
                        continue;
                    }
                    if !is_last_worker || consumer.running.batches == 0 || is_on(Sabotage::GiveLastWorker) {
                        break;
                    }
                    first.get_or_insert(place);
                    place += 1;
                }
                // It was ready when it was put here.
                other => {
                    other.into_iter().for_each(|consumer| consumer.place.queued = None);
                    ready.remove(place);
                }
            }
        }
        // If all who are ready run a batch, it is the first one's turn.
        let place = if place < ready.len() { place } else { first? };
        let id = ready.remove(place)?;
        consumers.quietly(id)?.place.queued = None;
        Some(id)
    }

    /// Whether late consumers hold all the workers that they may together.
    fn holds_late_back(&self, workers: usize) -> bool {
        self.late_batches >= workers.saturating_sub(1).max(1)
    }

    /// Whether a consumer waits for an executor that it may have.
    pub(crate) fn has_turn(&self, executor: Executor, consumers: &Consumers, workers: usize) -> bool {
        let is_late =
            |id: &ConsumerId| consumers.get(*id).is_some_and(|consumer| consumer.lateness.is_late());
        !self.is_reserved(executor)
            && match executor {
                Executor::Workers if self.holds_late_back(workers) => !self.workers.ready.iter().all(is_late),
                Executor::Workers => !self.workers.ready.is_empty(),
                Executor::Sinks => !self.sinks.ready.is_empty(),
            }
    }

    /// Whether nothing may be handed out in `executor`, lest a suspect does not run alone.
    pub(crate) fn is_reserved(&self, executor: Executor) -> bool {
        match self.lone {
            Lone::None => false,
            Lone::Runs => true,
            // Once the others have ended, it is the turn of the one who waits, if that is still there.
            Lone::Waits(other) => {
                let ready = match other {
                    Executor::Workers => &self.workers.ready,
                    Executor::Sinks => &self.sinks.ready,
                };
                self.running() > 0 || (other != executor && !ready.is_empty())
            }
        }
    }

    /// Something may be taken in a executor that is not reserved: what waited to run alone is looked for
    /// anew.
    pub(crate) fn end_reservation(&mut self) {
        self.lone = Lone::None;
    }

    /// Lets a consumer whose batch or call must run alone wait until the others have ended; then it is its
    /// turn.
    pub(crate) fn reserve(&mut self, executor: Executor, consumer: &mut Consumer) {
        self.lone = Lone::Waits(executor);
        consumer.place.queued = Some(executor);
        self.turns(executor).ready.push_front(consumer.record.id);
    }

    /// Notes that a batch or call was handed out.
    pub(crate) fn begin(&mut self, executor: Executor, batch: &Batch) {
        self.turns(executor).running += 1;
        self.late_batches += usize::from(batch.is_late);
        if batch.suspicion.is_some() {
            self.lone = Lone::Runs;
        }
    }

    /// Notes that it came back.
    pub(crate) fn end(&mut self, executor: Executor, batch: &Batch) {
        self.turns(executor).running -= 1;
        self.late_batches -= usize::from(batch.is_late);
        if batch.suspicion.is_some() {
            self.lone = Lone::None;
        }
    }

    /// Batches that workers run.
    pub(crate) fn running_batches(&self) -> usize {
        self.workers.running
    }

    /// Calls of sinks that are under way.
    pub(crate) fn running_calls(&self) -> usize {
        self.sinks.running
    }

    /// Batches and calls that are being run.
    pub(crate) fn running(&self) -> usize {
        self.workers.running + self.sinks.running
    }

    /// Notes that a consumer waits for an instance.
    pub(crate) fn note_shortage(&mut self, id: ConsumerId) {
        if !self.short.contains(&id) {
            self.short.push(id);
        }
    }

    /// Those that wait for an instance, in the order in which they began to; they do no longer.
    pub(crate) fn take_short(&mut self) -> Vec<ConsumerId> {
        std::mem::take(&mut self.short)
    }

    /// The consumers that are due.
    pub(crate) fn due(&self, steady: Timestamp) -> Vec<ConsumerId> {
        self.due.iter().take_while(|(at, _)| *at <= steady).map(|(_, id)| *id).collect()
    }

    /// When the first one is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Whether each consumer stands where it should: those that are ready in their queue, those that wait at
    /// their time. For assertions: it looks at all of them.
    pub(crate) fn is_settled(&self, consumers: &Consumers) -> bool {
        consumers.values().all(|consumer| {
            let is_queued = !consumer.is_ready() || consumer.place.queued == Some(consumer.executor());
            is_queued && consumer.place.due == consumer.next_due()
        })
    }
}
