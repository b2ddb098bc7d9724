//! Batches of a consumer: which partition gives the next one, what goes into it, what comes back.

use std::collections::HashMap;
use std::sync::Arc;

use camshaft_event::{HeldEvent, Key, Offset, Sequence, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};

use super::{Consumer, Window};
use crate::batch::{Batch, Item, KeyInBatch, Origin, SharedEvent};
use crate::executor::Executor;
use crate::{ConsumerSpec, EngineOptions, Sequenced};

impl Consumer {
    /// The next batch: of the first partition in turn that has one. `load` fetches held events from the
    /// tables.
    pub(crate) fn take<E>(
        &mut self,
        options: &EngineOptions,
        now: Timestamp,
        load: &mut dyn FnMut(Offset) -> Result<HeldEvent, E>,
    ) -> Result<Option<Batch>, E> {
        let Some(spec) = self.spec.clone() else { return Ok(None) };
        let max_events = self.max_events(options, now);
        if max_events == 0 {
            return Ok(None);
        }
        while let Some(number) = self.next_partition() {
            let mut keys = HashMap::new();
            let taken = self.take_held(number, max_events, now, &mut keys, load);
            let mut items = taken.inspect_err(|_| {
                // Nothing was taken: all that was due is due still.
                keys.keys().for_each(|key| self.held.schedule(key));
                self.enqueue(number);
            })?;
            self.take_new(number, max_events, options, &spec, &mut keys, &mut items);
            if !items.is_empty() {
                return Ok(self.hand_out(spec, number, items, keys));
            }
            self.contention.forget(number);
        }
        Ok(None)
    }

    fn hand_out(
        &mut self,
        spec: Arc<ConsumerSpec>,
        number: u32,
        items: Vec<Item>,
        keys: HashMap<Key, KeyInBatch>,
    ) -> Option<Batch> {
        let partition = self.partitions.get_mut(number as usize)?;
        assert!(partition.running.is_none(), "one batch of a partition runs at a time");
        partition.running = Some(items.iter().find_map(Item::new_since));
        // Held events come first.
        let held = items.iter().take_while(|item| item.held().is_some());
        partition.running_held.extend(held.map(|item| item.offset));
        self.running.batches += 1;
        self.running.events += items.len();
        if let Some(tokens) = &mut self.tokens {
            tokens.spend(number, if is_on(Sabotage::CountBatches) { 1 } else { items.len() });
        }
        self.contention.begin();
        let suspicion = items.first().and_then(|first| self.suspects.get(&first.offset)).copied();
        Some(Batch {
            spec,
            activation: self.record.activation,
            generation: self.record.generation,
            space: self.space(),
            partition: number,
            items,
            keys,
            taken_after: Sequence::default(),
            state_bytes: 0,
            fact_bytes: 0,
            timers: 0,
            suspicion,
            is_late: self.lateness.is_late() && self.executor() == Executor::Workers,
            trial: self.circuit.trial(),
            is_released: false,
            is_on_probation: self.probation().is_some(),
        })
    }

    /// How many events the next batch may hold.
    fn max_events(&mut self, options: &EngineOptions, now: Timestamp) -> usize {
        let is_single = self.circuit.trial().is_some() || self.executor() == Executor::Sinks;
        let max_events = if is_single { 1 } else { options.batch_events };
        match &mut self.tokens {
            None => max_events,
            Some(tokens) => {
                tokens.refill(now);
                max_events.min(tokens.available())
            }
        }
    }

    /// The partition whose turn it is: one that lost, else the first that is ready.
    fn next_partition(&mut self) -> Option<u32> {
        let number = match self.contention.first() {
            Some(lost) => {
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
        max_events: usize,
        now: Timestamp,
        keys: &mut HashMap<Key, KeyInBatch>,
        load: &mut dyn FnMut(Offset) -> Result<HeldEvent, E>,
    ) -> Result<Vec<Item>, E> {
        let mut items = Vec::new();
        let Some(partition) = self.partitions.get_mut(number as usize) else { return Ok(items) };
        while items.len() < max_events
            && let Some(key) = partition.due.pop_front()
        {
            if keys.contains_key(&key) {
                continue;
            }
            let room = max_events - items.len();
            let before = items.len();
            let runnable: Vec<Offset> = self.held.runnable(&key, now).take(room).collect();
            for offset in runnable {
                let is_suspect = self.suspects.contains_key(&offset);
                if is_suspect && !items.is_empty() {
                    // It is the first of a later batch: the key is scheduled again with the rest.
                    break;
                }
                let held = match load(offset) {
                    Ok(held) => held,
                    Err(error) => {
                        self.held.schedule(&key);
                        return Err(error);
                    }
                };
                let event = SharedEvent(Origin::Held(Arc::new(held)));
                items.push(Item { offset, key: key.clone(), event });
                if is_suspect {
                    break;
                }
            }
            if is_on(Sabotage::LoseParkedOrder) {
                items.get_mut(before..).unwrap_or_default().reverse();
            }
            if items.len() > before {
                let (remaining, parked) = (self.held.len_of(&key), self.held.is_parked(&key));
                keys.insert(key.clone(), KeyInBatch { remaining, blocked: false, parked });
            } else {
                // It was due by a clock that was ahead of this one, or has to run alone.
                self.held.schedule(&key);
            }
            if items.first().is_some_and(|first| self.suspects.contains_key(&first.offset)) {
                break;
            }
        }
        Ok(items)
    }

    fn take_new(
        &mut self,
        number: u32,
        max_events: usize,
        options: &EngineOptions,
        spec: &ConsumerSpec,
        keys: &mut HashMap<Key, KeyInBatch>,
        items: &mut Vec<Item>,
    ) {
        let mut bytes = 0;
        let held_items = items.len();
        while items.len() < max_events && bytes < options.max_transaction_bytes / 2 {
            if self.is_at_bound(options, items.len() - held_items) {
                self.stalled = true;
                return;
            }
            let is_suspect = |offset: Offset| self.suspects.contains_key(&offset);
            if items.first().is_some_and(|first| is_suspect(first.offset)) {
                return;
            }
            let Some(partition) = self.partitions.get_mut(number as usize) else { return };
            if !items.is_empty() && partition.pending.front().is_some_and(|next| is_suspect(next.offset)) {
                return;
            }
            let Some(pending) = partition.pending.pop_front() else { return };
            self.window.remove(pending.event.size());
            // Routed under an earlier declaration that wanted it: the new one applies from here on.
            if !spec.wants(&pending.event) {
                continue;
            }
            bytes += pending.event.size();
            let key = self.key(&pending.event, pending.offset);
            if !keys.contains_key(&key) && self.held.is_held(&key) {
                let remaining = self.held.len_of(&key);
                keys.insert(key.clone(), KeyInBatch { remaining, blocked: true, parked: false });
            }
            let event = SharedEvent(Origin::Log(pending.event, pending.at));
            items.push(Item { offset: pending.offset, key, event });
        }
    }

    /// Takes back a batch: what was not dealt with goes to where it came from.
    pub(crate) fn give_back(&mut self, batch: &Batch, dealt: usize) {
        self.running.batches -= 1;
        self.running.events -= batch.items.len();
        if let Some(partition) = self.partitions.get_mut(batch.partition as usize) {
            partition.running = None;
            partition.running_held.clear();
            for item in batch.items.iter().skip(dealt).rev() {
                if let Origin::Log(event, at) = &item.event.0 {
                    self.window.add(event.size());
                    let (at, event) = (*at, Arc::clone(event));
                    partition.pending.push_front(Sequenced { offset: item.offset, at, event });
                }
            }
        }
        for item in batch.items.iter().filter(|item| item.held().is_some()) {
            self.held.schedule(&item.key);
        }
        self.enqueue(batch.partition);
    }

    /// Takes back a batch that nobody ran; its partition's turn is the next one.
    pub(crate) fn give_back_unrun(&mut self, batch: &Batch, now: Timestamp) {
        self.give_back(batch, 0);
        if let Some(tokens) = &mut self.tokens {
            tokens.settle(batch.partition, batch.len());
        }
        // Held events of it were due.
        self.wake(now);
        let Some(partition) = self.partitions.get_mut(batch.partition as usize) else { return };
        partition.queued = true;
        self.ready.retain(|number| *number != batch.partition);
        self.ready.push_front(batch.partition);
    }

    /// Drops what was routed to it, so that it can be read again. No batch may be running.
    pub(crate) fn drop_pending(&mut self) {
        assert_eq!(self.running.batches, 0, "events of a running batch would be handled twice");
        self.partitions.iter_mut().for_each(|partition| partition.pending.clear());
        self.window = Window::default();
    }
}
