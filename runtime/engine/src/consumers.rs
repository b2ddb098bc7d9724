//! All consumers, by id and by name.
//!
//! A consumer that is changed here is noted, and the sequencer settles it before its step ends. The code that
//! changes it has nothing to remember.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use camshaft_event::ConsumerId;
use camshaft_event::transaction::ConsumerStatus;

use crate::consumer::Consumer;

#[derive(Debug, Default)]
pub(crate) struct Consumers {
    by_id: BTreeMap<ConsumerId, Consumer>,
    /// Also of those that were removed: their ids are used again.
    names: HashMap<String, ConsumerId>,
    /// What was changed and is not settled yet, in the order in which that began; each once.
    changed: VecDeque<ConsumerId>,
    /// What could not be settled for want of room in the log.
    unsettled: BTreeSet<ConsumerId>,
}

impl Consumers {
    /// Puts a consumer in, in the place of one with its id.
    pub(crate) fn put(&mut self, mut consumer: Consumer) {
        let id = consumer.record.id;
        self.names.insert(consumer.record.name.clone(), id);
        // Noted as changed below, unless the one before is noted already.
        consumer.is_changed = self.by_id.remove(&id).is_some_and(|before| before.is_changed);
        self.by_id.insert(id, consumer);
        self.change(id);
    }

    /// A consumer that is about to change.
    pub(crate) fn change(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        self.change_if(id, |_| true)
    }

    /// The same, if it is one that changes.
    pub(crate) fn change_if(
        &mut self,
        id: ConsumerId,
        changes: impl FnOnce(&Consumer) -> bool,
    ) -> Option<&mut Consumer> {
        let consumer = self.by_id.get_mut(&id).filter(|consumer| changes(consumer))?;
        if !std::mem::replace(&mut consumer.is_changed, true) {
            self.changed.push_back(id);
        }
        Some(consumer)
    }

    /// The consumer of this name, unless it was removed, that is about to change.
    pub(crate) fn change_named(&mut self, name: &str) -> Option<&mut Consumer> {
        let id = self.named(name)?.record.id;
        self.change(id)
    }

    /// The next one to settle of those that were changed.
    pub(crate) fn next_changed(&mut self) -> Option<ConsumerId> {
        let id = self.changed.pop_front()?;
        if let Some(consumer) = self.quietly(id) {
            consumer.is_changed = false;
        }
        Some(id)
    }

    /// Lets all others that were changed be settled before this one, so that they get their turns first.
    pub(crate) fn settle_last(&mut self, id: ConsumerId) {
        if let Some(place) = self.changed.iter().position(|other| *other == id) {
            self.changed.remove(place);
            self.changed.push_back(id);
        }
    }

    /// Has a consumer settled again by the next tick, since there is no room for what that says.
    pub(crate) fn settle_later(&mut self, id: ConsumerId) {
        self.unsettled.insert(id);
    }

    /// Has those settled that could not be before.
    pub(crate) fn recall_unsettled(&mut self) {
        for id in std::mem::take(&mut self.unsettled) {
            self.change(id);
        }
    }

    /// A consumer for what is no change to settle: settling itself, and its place in the schedule.
    pub(crate) fn quietly(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn get(&self, id: ConsumerId) -> Option<&Consumer> {
        self.by_id.get(&id)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Consumer> {
        self.by_id.values()
    }

    /// The consumer of this name, also if it was removed.
    pub(crate) fn ever_named(&self, name: &str) -> Option<&Consumer> {
        self.by_id.get(self.names.get(name)?)
    }

    /// The consumer of this name, unless it was removed.
    pub(crate) fn named(&self, name: &str) -> Option<&Consumer> {
        self.ever_named(name).filter(|consumer| consumer.record.status != ConsumerStatus::Removed)
    }

    /// The names of all consumers that were not removed, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.names.keys().filter(|name| self.named(name).is_some()).cloned().collect();
        names.sort_unstable();
        names
    }

    /// The id of the next consumer that has a new name.
    pub(crate) fn next_id(&self) -> ConsumerId {
        self.by_id.keys().next_back().map_or(ConsumerId(1), |last| last.next())
    }
}
