//! A consumer at run time: what it has been routed, what it holds, and which partition's turn it is.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use camshaft_event::transaction::{ConsumerRecord, ConsumerStatus};
use camshaft_event::{Event, HeldEvent, Key, Offset, Sequence, Timestamp};
use camshaft_tables::StateSpace;

use crate::batch::{Batch, Item, KeyInBatch, Origin, SharedEvent};
use crate::held_keys::HeldKeys;
use crate::partition::{Partition, Pending};
use crate::{ConsumerSpec, EngineOptions};

/// Lost batches after which a consumer runs its partitions one after another.
const LOSSES_TO_SERIALIZE: u32 = 3;
/// For how many batches it does.
const SERIAL_BATCHES: u32 = 256;
/// Batches won after which earlier losses are forgotten.
const WINS_TO_FORGIVE: u32 = 256;

/// Where a consumer takes its new events from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Each new event is offered to it as it is sequenced: its read position is the end of the log.
    Following,
    /// It reads the log itself, next from this offset.
    Lagging { next: Offset, requested: bool },
    /// Nobody handles for it; its read position stays here.
    Stopped { next: Offset },
}

#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) record: ConsumerRecord,
    /// What runs; absent while detached.
    pub(crate) spec: Option<Arc<ConsumerSpec>>,
    pub(crate) reading: Reading,
    pub(crate) partitions: Vec<Partition>,
    /// Partitions with work, in the order of their turns.
    pub(crate) ready: VecDeque<u32>,
    pub(crate) held: HeldKeys,
    pub(crate) dead: BTreeMap<Offset, DeadEntry>,
    pub(crate) dead_bytes: usize,
    pub(crate) pending_events: usize,
    pub(crate) pending_bytes: usize,
    pub(crate) running_batches: usize,
    pub(crate) running_events: usize,
    /// The last transaction that wrote its state.
    pub(crate) state_version: Sequence,
    /// Partitions whose batch lost against another one: each runs while no other does.
    exclusive: VecDeque<u32>,
    losses: u32,
    /// Batches won since the last loss.
    wins: u32,
    serial_batches: u32,
    /// Whether a partition was passed over because held events and dead letters are at their bound.
    stalled: bool,
    /// Whether that has been announced.
    pub(crate) paused: bool,
    /// Whether it stands in the sequencer's queue of ready consumers.
    pub(crate) queued: bool,
    pub(crate) timers: usize,
}

/// What is known here of a dead letter.
#[derive(Clone, Debug)]
pub(crate) struct DeadEntry {
    pub(crate) key: Key,
    pub(crate) parks: bool,
    pub(crate) bytes: usize,
}

impl Consumer {
    pub(crate) fn new(record: ConsumerRecord, next: Offset) -> Self {
        let partitions =
            (0..record.partitions).map(|_| Partition { done_before: next, ..Partition::default() }).collect();
        Self {
            record,
            spec: None,
            reading: Reading::Stopped { next },
            partitions,
            ready: VecDeque::new(),
            held: HeldKeys::default(),
            dead: BTreeMap::new(),
            dead_bytes: 0,
            pending_events: 0,
            pending_bytes: 0,
            running_batches: 0,
            running_events: 0,
            state_version: Sequence::default(),
            exclusive: VecDeque::new(),
            losses: 0,
            wins: 0,
            serial_batches: 0,
            stalled: false,
            paused: false,
            queued: false,
            timers: 0,
        }
    }

    pub(crate) fn space(&self) -> StateSpace {
        StateSpace { consumer: self.record.id, generation: self.record.state_generation }
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.spec.is_some() && self.record.status == ConsumerStatus::Attached
    }

    /// Whether more new events may be routed to it.
    pub(crate) fn has_window(&self, options: &EngineOptions) -> bool {
        self.pending_events < options.window_events && self.pending_bytes < options.window_bytes
    }

    /// Whether so little is left that it should read on.
    pub(crate) fn wants_more(&self, options: &EngineOptions) -> bool {
        self.pending_events <= options.window_events / 2 && self.pending_bytes <= options.window_bytes / 2
    }

    /// Whether held events and dead letters are at their bound; then it takes no new events, since lag costs
    /// nothing. Every new event in flight may become one more.
    fn is_at_bound(&self, options: &EngineOptions, taken: usize) -> bool {
        let events = self.held.counts().0 + self.dead.len() + self.running_events + taken;
        events >= options.max_held_events || self.held.bytes() + self.dead_bytes >= options.max_held_bytes
    }

    /// Whether it has stopped reading since the last announcement.
    pub(crate) fn begins_to_pause(&self) -> bool {
        self.stalled && !self.paused
    }

    /// Whether it has stopped reading and there is room again: a good deal of it, so that a consumer at the edge
    /// does not announce itself with every event.
    pub(crate) fn ends_its_pause(&self, options: &EngineOptions) -> bool {
        let is_low = |actual: usize, limit: usize| actual <= limit / 4 * 3;
        self.paused
            && is_low(self.held.counts().0 + self.dead.len(), options.max_held_events)
            && is_low(self.held.bytes() + self.dead_bytes, options.max_held_bytes)
    }

    /// Puts a new event that it wants into its partition, unless it is done already.
    pub(crate) fn push(&mut self, offset: Offset, event: &Arc<Event>) {
        let number = Key::of(event, offset).partition(self.record.partitions);
        let Some(partition) = self.partitions.get_mut(number as usize) else { return };
        if offset < partition.done_before {
            return;
        }
        self.pending_events += 1;
        self.pending_bytes += event.size();
        partition.pending.push_back(Pending { offset, event: Arc::clone(event) });
        self.enqueue(number);
    }

    /// Gives `number` a turn if it has work and no batch running.
    pub(crate) fn enqueue(&mut self, number: u32) {
        let Some(partition) = self.partitions.get_mut(number as usize) else { return };
        if !partition.queued && partition.running.is_none() && partition.has_work() {
            partition.queued = true;
            self.ready.push_back(number);
        }
    }

    /// Moves held keys that have come due into their partitions.
    pub(crate) fn wake_due(&mut self, now: Timestamp) {
        for key in self.held.take_due(now) {
            let number = key.partition(self.record.partitions);
            if let Some(partition) = self.partitions.get_mut(number as usize) {
                partition.due.push_back(key);
            }
            self.enqueue(number);
        }
    }

    /// Whether a batch could be taken now.
    pub(crate) fn is_ready(&self) -> bool {
        if !self.is_attached() {
            return false;
        }
        let alone = self.running_batches == 0;
        if self.exclusive.is_empty() {
            !self.ready.is_empty() && (alone || self.serial_batches == 0)
        } else {
            alone
        }
    }

    /// Every event before this offset is done, held or dead.
    pub(crate) fn floor(&self, tail: Offset) -> Offset {
        let read = match self.reading {
            Reading::Following => tail,
            Reading::Lagging { next, .. } | Reading::Stopped { next } => next,
        };
        self.partitions.iter().filter_map(Partition::first_open).min().unwrap_or(read).min(read)
    }

    /// The next batch of the partition whose turn it is. `load` fetches held events from the tables.
    pub(crate) fn take<E>(
        &mut self,
        options: &EngineOptions,
        now: Timestamp,
        load: &mut dyn FnMut(Offset) -> Result<HeldEvent, E>,
    ) -> Result<Option<Batch>, E> {
        let Some(spec) = self.spec.clone() else { return Ok(None) };
        let Some(number) = self.next_partition() else { return Ok(None) };
        let mut keys = HashMap::new();
        let mut items = self.take_held(number, options, now, &mut keys, load)?;
        self.take_new(number, options, &spec, &mut keys, &mut items);
        let first_new = items.iter().find(|item| item.held().is_none()).map(|item| item.offset);
        if items.is_empty() {
            self.exclusive.retain(|other| *other != number);
            return Ok(None);
        }
        let Some(partition) = self.partitions.get_mut(number as usize) else { return Ok(None) };
        assert!(partition.running.is_none(), "one batch of a partition runs at a time");
        partition.running = Some(first_new);
        self.running_batches += 1;
        self.running_events += items.len();
        self.serial_batches = self.serial_batches.saturating_sub(1);
        Ok(Some(Batch {
            spec,
            activation: self.record.activation,
            generation: self.record.generation,
            space: self.space(),
            partition: number,
            items,
            keys,
            state_version: self.state_version,
            timers: self.timers,
        }))
    }

    /// The partition whose turn it is: one that lost, else the first that is ready.
    fn next_partition(&mut self) -> Option<u32> {
        let number = match self.exclusive.front() {
            Some(lost) => {
                let lost = *lost;
                self.ready.retain(|other| *other != lost);
                lost
            }
            None => self.ready.pop_front()?,
        };
        self.partitions.get_mut(number as usize)?.queued = false;
        Some(number)
    }

    fn take_held<E>(
        &mut self,
        number: u32,
        options: &EngineOptions,
        now: Timestamp,
        keys: &mut HashMap<Key, KeyInBatch>,
        load: &mut dyn FnMut(Offset) -> Result<HeldEvent, E>,
    ) -> Result<Vec<Item>, E> {
        let mut items = Vec::new();
        let Some(partition) = self.partitions.get_mut(number as usize) else { return Ok(items) };
        while items.len() < options.batch_events
            && let Some(key) = partition.due.pop_front()
        {
            if keys.contains_key(&key) {
                continue;
            }
            let room = options.batch_events - items.len();
            let before = items.len();
            for offset in self.held.runnable(&key, now).take(room) {
                let event = SharedEvent(Origin::Held(Arc::new(load(offset)?)));
                items.push(Item { offset, key: key.clone(), event });
            }
            if items.len() > before {
                let (remaining, parked) = (self.held.len_of(&key), self.held.is_parked(&key));
                keys.insert(key.clone(), KeyInBatch { remaining, blocked: false, parked });
            } else {
                // It was due by a clock that was ahead of this one.
                self.held.schedule(&key);
            }
        }
        Ok(items)
    }

    fn take_new(
        &mut self,
        number: u32,
        options: &EngineOptions,
        spec: &ConsumerSpec,
        keys: &mut HashMap<Key, KeyInBatch>,
        items: &mut Vec<Item>,
    ) {
        let mut bytes = 0;
        let held_items = items.len();
        while items.len() < options.batch_events && bytes < options.max_transaction_bytes / 2 {
            if self.is_at_bound(options, items.len() - held_items) {
                self.stalled = true;
                return;
            }
            let Some(partition) = self.partitions.get_mut(number as usize) else { return };
            let Some(pending) = partition.pending.pop_front() else { return };
            self.pending_events -= 1;
            self.pending_bytes -= pending.event.size();
            // Routed under an earlier declaration that wanted it: the new one applies from here on.
            if !spec.wants(&pending.event) {
                continue;
            }
            bytes += pending.event.size();
            let key = Key::of(&pending.event, pending.offset);
            if !keys.contains_key(&key) && self.held.is_held(&key) {
                let remaining = self.held.len_of(&key);
                keys.insert(key.clone(), KeyInBatch { remaining, blocked: true, parked: false });
            }
            let event = SharedEvent(Origin::Log(pending.event));
            items.push(Item { offset: pending.offset, key, event });
        }
    }

    /// Gives every partition its turn again once held events and dead letters are below their bound.
    pub(crate) fn unstall(&mut self, options: &EngineOptions) {
        if self.stalled && !self.is_at_bound(options, 0) {
            self.stalled = false;
            (0..self.record.partitions).for_each(|number| self.enqueue(number));
        }
    }

    /// Takes back a batch: what was not dealt with goes to where it came from.
    pub(crate) fn give_back(&mut self, batch: &Batch, dealt: usize) {
        self.running_batches -= 1;
        self.running_events -= batch.items.len();
        if let Some(partition) = self.partitions.get_mut(batch.partition as usize) {
            partition.running = None;
            for item in batch.items.iter().skip(dealt).rev() {
                if let Origin::Log(event) = &item.event.0 {
                    self.pending_events += 1;
                    self.pending_bytes += event.size();
                    let event = Arc::clone(event);
                    partition.pending.push_front(Pending { offset: item.offset, event });
                }
            }
        }
        for item in batch.items.iter().filter(|item| item.held().is_some()) {
            self.held.schedule(&item.key);
        }
        self.enqueue(batch.partition);
    }

    /// Notes that a batch lost against another partition's: it runs again while no other does.
    pub(crate) fn lost(&mut self, partition: u32) {
        if !self.exclusive.contains(&partition) {
            self.exclusive.push_back(partition);
        }
        self.wins = 0;
        self.losses += 1;
        if self.losses >= LOSSES_TO_SERIALIZE {
            self.losses = 0;
            self.serial_batches = SERIAL_BATCHES;
        }
    }

    /// Notes that the partition's batch was not contested.
    pub(crate) fn won(&mut self, partition: u32) {
        self.exclusive.retain(|other| *other != partition);
        self.wins += 1;
        if self.wins >= WINS_TO_FORGIVE {
            self.wins = 0;
            self.losses = 0;
        }
    }

    /// Drops what was routed to it, so that it can be read again. No batch may be running.
    pub(crate) fn drop_pending(&mut self) {
        assert_eq!(self.running_batches, 0, "what a batch holds would come back and be read again, too");
        self.partitions.iter_mut().for_each(|partition| partition.pending.clear());
        (self.pending_events, self.pending_bytes) = (0, 0);
    }
}
