//! Applying a transaction: the only way in which the tables change.
//!
//! Pure puts and deletes of what stands in the transaction, so that replaying the log rebuilds the same
//! tables. The sequencer calls it for each new transaction, recovery for each one after the snapshot.

use camshaft_event::transaction::{
    ConsumerChanged, ConsumerStatus, DeadChange, Fired, Handled, HeldChange, Intervention, RecentEvents,
    RedriveChanged, Section, StateWrite, TimerChange,
};
use camshaft_event::{ConsumerId, Event, Generation, Offset, Sequence, Transaction, reserved};
use camshaft_sabotage::{Sabotage, is_on};
use serde::Serialize;

use crate::store::Store;
use crate::tables::{Position, Progress};
use crate::{KnownIdentity, StateSpace, Tables, TablesError, keys};

impl<S: Store> Tables<S> {
    /// Applies `transaction` and returns the events it adds to the log, in offset order.
    ///
    /// # Errors
    /// A transaction out of order, or (only where a consumer is reset) a store that cannot be read.
    pub fn apply(&mut self, at: Position, transaction: Transaction) -> Result<Vec<Event>, TablesError> {
        if at.sequence != self.progress.sequence.next() || at.first_offset != self.progress.next_offset {
            let expected_after = self.progress.sequence;
            return Err(TablesError::OutOfOrder { found: at.sequence, expected_after });
        }
        for floor in transaction.floors {
            self.put_floor(floor.consumer, floor.offset);
            if let Some(generation) = state_generation(&transaction.sections, floor.consumer) {
                self.sizes.grow(StateSpace { consumer: floor.consumer, generation }, floor.state_growth);
            }
        }
        let mut events = Vec::new();
        let mut advanced: Option<(ConsumerId, u32, Offset)> = None;
        for mut section in transaction.sections {
            if let Section::Handled(handled) = &section
                && let Some(partition) = handled.advances
            {
                // A batch moves one checkpoint from event to event: only where it comes to rest is kept.
                let moved = (handled.consumer, partition, handled.cause.next());
                let before =
                    advanced.replace(moved).filter(|before| (before.0, before.1) != (moved.0, moved.1));
                before.into_iter().for_each(|before| self.put_checkpoint(before));
            }
            let first = at.first_offset.plus(events.len() as u64);
            match &mut section {
                Section::Published(published) => self.apply_published(first, &published.events),
                Section::Handled(handled) => {
                    if let Some(change) = &handled.command {
                        let facts = u32::try_from(handled.events.len()).unwrap_or(u32::MAX);
                        let has_waited = handled.advances.is_none();
                        let change = (handled.cause, &**change);
                        self.apply_command(at.sequence, change, (first, facts), has_waited);
                        self.apply_facts(first, handled);
                    }
                    self.apply_handled(at, handled);
                }
                Section::Fired(fired) => self.apply_fired(at, fired),
                Section::Intervention(intervention) => {
                    for (command, change) in &intervention.commands {
                        self.apply_command(at.sequence, (*command, change), (first, 0), true);
                    }
                    self.apply_intervention(at, intervention);
                }
                Section::Consumer(changed) => self.apply_consumer(at, changed)?,
                Section::Activated(activated) => {
                    let activation = &activated.activation;
                    self.active.put(keys::activation(activation.id), encode(activation));
                }
                Section::Redrive(changed) => self.apply_redrive(at, changed),
                Section::Refolded(refolded) => self.apply_refolded(at, refolded),
            }
            events.append(&mut section.into_events());
        }
        advanced.into_iter().for_each(|advanced| self.put_checkpoint(advanced));
        let next_offset = at.first_offset.plus(events.len() as u64);
        self.progress = Progress { sequence: at.sequence, next_offset };
        Ok(events)
    }

    fn put_checkpoint(&mut self, (consumer, partition, done_before): (ConsumerId, u32, Offset)) {
        self.active.put(keys::checkpoint(consumer, partition), done_before.0.to_le_bytes().to_vec());
    }

    pub(crate) fn put_floor(&mut self, consumer: ConsumerId, floor: Offset) {
        self.active.put(keys::floor(consumer), floor.0.to_le_bytes().to_vec());
    }

    pub(crate) fn put_recent(&mut self, consumer: ConsumerId, recent: &RecentEvents) {
        self.active.put(keys::recent(consumer), encode(recent));
    }

    fn apply_published(&mut self, first: Offset, events: &[Event]) {
        for (event, index) in events.iter().zip(0..) {
            // The runtime's own events are unique by construction and never published by anybody else.
            if event.source != reserved::SOURCE {
                if event.is_command() {
                    self.apply_sent(&event.event_type, first.plus(index));
                }
                let hash = event.hash();
                if is_on(Sabotage::ForgetIdentity) && hash.identity.is_multiple_of(8) {
                    continue;
                }
                let known = KnownIdentity { offset: first.plus(index), content: hash.content };
                self.active.put_identity(hash.identity, known);
            }
        }
    }

    fn apply_handled(&mut self, at: Position, handled: &mut Handled) {
        let id = handled.consumer;
        let generation = handled.state_generation;
        handled.state.iter().for_each(|write| self.apply_state(at, (id, generation), write));
        for timer in &handled.timers {
            match timer {
                TimerChange::Set { name, at: due, event } => {
                    self.active.put(keys::timer(id, name), encode(&(due, event)));
                }
                TimerChange::Cancel { name } => self.active.delete(keys::timer(id, name), at.sequence),
            }
        }
        self.apply_held(at.sequence, id, &handled.held);
        self.apply_dead(at.sequence, id, &mut handled.dead);
    }

    pub(crate) fn apply_state(
        &mut self,
        at: Position,
        (id, generation): (ConsumerId, Generation),
        write: &StateWrite,
    ) {
        let value = write.value.as_ref().map(|value| {
            let mut stored = at.sequence.0.to_le_bytes().to_vec();
            stored.extend_from_slice(value);
            stored
        });
        self.active.change(keys::state(id, generation, &write.key), value, at.sequence);
    }

    fn apply_fired(&mut self, at: Position, fired: &Fired) {
        self.active.delete(keys::timer(fired.consumer, &fired.name), at.sequence);
    }

    fn apply_intervention(&mut self, at: Position, intervention: &mut Intervention) {
        for name in &intervention.timers {
            self.active.delete(keys::timer(intervention.consumer, name), at.sequence);
        }
        self.apply_held(at.sequence, intervention.consumer, &intervention.held);
        self.apply_dead(at.sequence, intervention.consumer, &mut intervention.dead);
    }

    fn apply_held(&mut self, sequence: Sequence, id: ConsumerId, changes: &[HeldChange]) {
        for change in changes {
            let event = change.event.as_ref().map(encode);
            self.active.change(keys::held(id, change.offset), event, sequence);
        }
    }

    fn apply_dead(&mut self, sequence: Sequence, id: ConsumerId, changes: &mut [DeadChange]) {
        for change in changes {
            if let Some(letter) = &mut change.letter {
                letter.since = sequence;
            }
            let letter = change.letter.as_ref().map(encode);
            self.active.change(keys::dead(id, change.offset), letter, sequence);
        }
    }

    fn apply_redrive(&mut self, at: Position, changed: &RedriveChanged) {
        for (id, results) in &changed.results {
            self.active.put(keys::redrive_results(*id), encode(results));
        }
        for change in &changed.jobs {
            let job = change.job.as_ref().map(encode);
            self.active.change(keys::redrive(change.id), job, at.sequence);
            if change.job.is_none() {
                self.active.delete(keys::redrive_results(change.id), at.sequence);
            }
        }
    }

    fn apply_consumer(&mut self, at: Position, changed: &ConsumerChanged) -> Result<(), TablesError> {
        let record = &changed.record;
        if changed.clears {
            for table in keys::of_generation(record.id) {
                for key in self.readable_keys_under(&table)? {
                    self.active.delete(key, at.sequence);
                }
            }
        }
        // Checkpoints of partitions that lie further on stay: what they are past must not be handled again.
        if let Some(checkpoint) = changed.checkpoint {
            self.put_floor(record.id, checkpoint);
        }
        if record.status == ConsumerStatus::Removed {
            self.active.delete(keys::recent(record.id), at.sequence);
        } else if let Some(recent) = &changed.recent {
            self.put_recent(record.id, recent);
        }
        self.active.put(keys::consumer(record.id), encode(record));
        Ok(())
    }
}

/// The generation of the state that a consumer's sections write.
fn state_generation(sections: &[Section], consumer: ConsumerId) -> Option<Generation> {
    sections.iter().find_map(|section| match section {
        Section::Handled(handled) if handled.consumer == consumer => Some(handled.state_generation),
        Section::Refolded(refolded) if refolded.consumer == consumer => Some(refolded.state_generation),
        _ => None,
    })
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec(value).expect("a value in memory always has an encoding")
}
