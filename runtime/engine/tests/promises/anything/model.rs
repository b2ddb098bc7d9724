//! What a log must look like, told without partitions, windows, batches or caches: an event is done once, in the
//! order of its key, or it waits, or it is a dead letter.

use std::collections::BTreeMap;

use camshaft_engine::ConsumerSpec;
use camshaft_event::transaction::{
    ConsumerChanged, ConsumerRecord, Handled, Operated, Outcome, Section, TimerChange,
};
use camshaft_event::{ConsumerId, Event, Key, Offset, Timestamp, Transaction};

use super::redrives::Redrives;

/// Where an event is with one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It waits; later ones of its key may have gone past it while it was a dead letter.
    Held {
        attempts: u32,
        is_passed: bool,
    },
    Dead {
        parks: bool,
    },
    Done,
    Discarded,
}

/// One consumer in its current generation.
pub struct Known {
    pub record: ConsumerRecord,
    /// The first event that it had to look at.
    pub start: Offset,
    pub places: BTreeMap<Offset, Place>,
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Offsets of what was done since the state was empty, in log order.
    pub done: Vec<Offset>,
    pub timers: BTreeMap<String, Timestamp>,
}

#[derive(Default)]
pub struct Model {
    specs: BTreeMap<String, ConsumerSpec>,
    pub events: Vec<Event>,
    keys: Vec<Key>,
    /// What each consumer wants of each key, in log order.
    queues: BTreeMap<(String, Key), Vec<Offset>>,
    pub consumers: BTreeMap<ConsumerId, Known>,
    pub redrives: Redrives,
}

impl Model {
    /// Reads a whole log of consumers that were only ever declared so.
    pub fn of(specs: &[ConsumerSpec], log: &[Transaction]) -> Self {
        let specs = specs.iter().map(|spec| (spec.name.clone(), spec.clone())).collect();
        let mut model = Self { specs, ..Self::default() };
        log.iter().for_each(|transaction| model.apply(transaction));
        model
    }

    fn apply(&mut self, transaction: &Transaction) {
        self.redrives.sequence += 1;
        for section in &transaction.sections {
            match section {
                Section::Handled(handled) => self.handled(handled),
                Section::Operated(operated) => self.operated(operated),
                Section::Consumer(changed) => self.changed(changed),
                Section::Fired(fired) => {
                    let known = self.consumers.get_mut(&fired.consumer).unwrap();
                    assert!(known.timers.remove(&fired.name).is_some(), "only a timer that is set fires");
                }
                Section::Redrive(changed) => self.redrives.changed(changed, &self.consumers),
                Section::Published(_) | Section::Activated(_) => {}
            }
            section.events().for_each(|event| self.add(event));
        }
        self.redrives.check();
    }

    fn add(&mut self, event: &Event) {
        let offset = Offset(self.events.len() as u64);
        let key = Key::of(event, offset);
        for (name, _) in self.specs.iter().filter(|(_, spec)| spec.wants(event)) {
            self.queues.entry((name.clone(), key.clone())).or_default().push(offset);
        }
        self.keys.push(key);
        self.events.push(event.clone());
    }

    fn changed(&mut self, changed: &ConsumerChanged) {
        let record = changed.record.clone();
        let known = self.consumers.entry(record.id).or_insert_with(|| Known {
            record: record.clone(),
            start: Offset(0),
            places: BTreeMap::new(),
            state: BTreeMap::new(),
            done: Vec::new(),
            timers: BTreeMap::new(),
        });
        assert_eq!(
            changed.clears,
            record.generation != known.record.generation && !known.places_begin_empty()
        );
        if record.generation != known.record.generation {
            known.places.clear();
            known.timers.clear();
            self.redrives.clear(record.id);
        }
        if record.state_generation != known.record.state_generation {
            known.state.clear();
            known.done.clear();
        }
        known.start = changed.checkpoint.unwrap_or(known.start);
        known.record = record;
    }

    fn handled(&mut self, handled: &Handled) {
        self.check_order(handled);
        self.redrives.handled(handled);
        let known = self.consumers.get_mut(&handled.consumer).unwrap();
        let before = known.places.get(&handled.cause).copied();
        let attempts = match (before, handled.advances) {
            (None, Some(_)) => 0,
            (Some(Place::Held { attempts, .. }), None) => attempts,
            (before, advances) => {
                panic!("{handled:?} of an event that is {before:?}, advancing {advances:?}")
            }
        };
        let number = if handled.outcome == Outcome::Held { 0 } else { attempts + 1 };
        assert_eq!(handled.attempt, number);
        assert_eq!(handled.state_generation, known.record.state_generation);
        let after = match handled.outcome {
            Outcome::Done => Place::Done,
            Outcome::Held => Place::Held { attempts: 0, is_passed: false },
            Outcome::Retrying => {
                let is_passed = matches!(before, Some(Place::Held { is_passed: true, .. }));
                Place::Held { attempts: number, is_passed }
            }
            Outcome::DeadLettered => Place::Dead { parks: handled.dead[0].letter.as_ref().unwrap().parks },
        };
        known.places.insert(handled.cause, after);
        if handled.outcome == Outcome::Done {
            known.take_effects(handled);
        } else {
            let is_announcement = |event: &Event| event.source == "/camshaft";
            assert!(handled.state.is_empty() && handled.timers.is_empty());
            assert!(handled.events.iter().all(is_announcement), "effects of a failed attempt");
        }
    }

    /// Events of one key are tried one after another, in log order.
    fn check_order(&self, handled: &Handled) {
        let known = &self.consumers[&handled.consumer];
        let cause = handled.cause;
        let queue = &self.queues[&(known.record.name.clone(), self.keys[cause.0 as usize].clone())];
        assert!(queue.contains(&cause), "nobody asked for {cause}");
        for offset in queue.iter().take_while(|offset| **offset < cause) {
            match known.places.get(offset) {
                Some(Place::Done | Place::Discarded | Place::Dead { parks: false }) => {}
                Some(Place::Held { is_passed: true, .. }) => {}
                None if *offset < known.start => {}
                place if handled.outcome == Outcome::Held => {
                    assert!(place.is_some(), "{cause} is passed before {offset} is looked at");
                }
                place => panic!("{cause} is tried while {offset} of its key is {place:?}"),
            }
        }
    }

    fn operated(&mut self, operated: &Operated) {
        self.redrives.operated(operated.consumer, &operated.dead, &operated.held);
        let known = self.consumers.get_mut(&operated.consumer).unwrap();
        for change in &operated.dead {
            let Some(Place::Dead { parks }) = known.places.get(&change.offset).copied() else {
                panic!("{} is no dead letter", change.offset)
            };
            let place = if operated.held.is_empty() {
                Place::Discarded
            } else {
                Place::Held { attempts: 0, is_passed: !parks }
            };
            known.places.insert(change.offset, place);
        }
    }
}

impl Known {
    fn places_begin_empty(&self) -> bool {
        // A consumer that comes back after its removal has been cleared by that.
        self.record.status == camshaft_event::transaction::ConsumerStatus::Removed
    }

    fn take_effects(&mut self, handled: &Handled) {
        self.done.push(handled.cause);
        for write in &handled.state {
            match &write.value {
                Some(value) => self.state.insert(write.key.to_vec(), value.to_vec()),
                None => self.state.remove(&*write.key),
            };
        }
        for change in &handled.timers {
            match change {
                TimerChange::Set { name, at, .. } => self.timers.insert(name.clone(), *at),
                TimerChange::Cancel { name } => self.timers.remove(name),
            };
        }
    }

    pub fn count(&self, wanted: impl Fn(Place) -> bool) -> usize {
        self.places.values().filter(|place| wanted(**place)).count()
    }
}
