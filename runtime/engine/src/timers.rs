//! All timers that are set, by consumer and name and by due time. The timers themselves lie in the tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use camshaft_event::{ConsumerId, Timestamp};

/// A timer's place: when it is due, whose it is and its name.
type Due = (Timestamp, ConsumerId, String);

#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_name: BTreeMap<(ConsumerId, String), Timestamp>,
    /// The same by due time, without those that could not be read.
    by_due: BTreeSet<Due>,
    counts: HashMap<ConsumerId, usize>,
}

impl Timers {
    /// Sets a timer, in the place of one of the same name.
    pub(crate) fn set(&mut self, consumer: ConsumerId, name: &str, at: Timestamp) {
        self.cancel(consumer, name);
        self.by_due.insert((at, consumer, name.to_owned()));
        self.by_name.insert((consumer, name.to_owned()), at);
        *self.counts.entry(consumer).or_default() += 1;
    }

    /// Forgets a timer; of no effect if there is none.
    pub(crate) fn cancel(&mut self, consumer: ConsumerId, name: &str) {
        let key = (consumer, name.to_owned());
        if let Some(at) = self.by_name.remove(&key) {
            self.by_due.remove(&(at, consumer, key.1));
            self.counts.entry(consumer).and_modify(|count| *count -= 1);
        }
    }

    /// Forgets all timers of a consumer. Only its own are looked at: others may have set very many.
    pub(crate) fn cancel_all(&mut self, consumer: ConsumerId) {
        for (at, consumer, name) in self.of(consumer) {
            self.by_name.remove(&(consumer, name.clone()));
            self.by_due.remove(&(at, consumer, name));
        }
        self.counts.remove(&consumer);
    }

    /// Whether a consumer has a timer of this name.
    pub(crate) fn contains(&self, consumer: ConsumerId, name: &str) -> bool {
        self.by_name.contains_key(&(consumer, name.to_owned()))
    }

    /// How many a consumer has set.
    pub(crate) fn count(&self, consumer: ConsumerId) -> usize {
        self.counts.get(&consumer).copied().unwrap_or_default()
    }

    /// The one that is due first.
    pub(crate) fn first(&self) -> Option<&Due> {
        self.by_due.first()
    }

    /// Looks at a timer no more until [`Timers::retry`]: it could not be read.
    pub(crate) fn set_aside(&mut self, timer: &Due) {
        self.by_due.remove(timer);
    }

    /// Has the timers of a consumer looked at again that could not be read.
    pub(crate) fn retry(&mut self, consumer: ConsumerId) {
        let own = self.of(consumer);
        self.by_due.extend(own);
    }

    fn of(&self, consumer: ConsumerId) -> Vec<Due> {
        let own =
            self.by_name.range((consumer, String::new())..).take_while(|((owner, _), _)| *owner == consumer);
        own.map(|((owner, name), at)| (*at, *owner, name.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ConsumerId = ConsumerId(1);
    const TWO: ConsumerId = ConsumerId(2);

    #[test]
    fn a_consumer_has_as_many_as_it_has_names() {
        let mut timers = Timers::default();
        timers.set(ONE, "a", Timestamp(5));
        timers.set(ONE, "a", Timestamp(3));
        timers.set(ONE, "b", Timestamp(4));
        timers.set(TWO, "a", Timestamp(9));
        assert_eq!((timers.count(ONE), timers.count(TWO)), (2, 1));
        timers.cancel(ONE, "none");
        timers.cancel(ONE, "a");
        assert_eq!(
            (timers.count(ONE), timers.first().cloned()),
            (1, Some((Timestamp(4), ONE, "b".to_owned())))
        );
        timers.cancel_all(ONE);
        assert_eq!((timers.count(ONE), timers.count(TWO)), (0, 1));
        assert!(!timers.contains(ONE, "b") && timers.contains(TWO, "a"));
    }

    #[test]
    fn what_is_set_aside_is_still_set_and_comes_back() {
        let mut timers = Timers::default();
        timers.set(ONE, "a", Timestamp(3));
        let first = timers.first().cloned().unwrap();
        timers.set_aside(&first);
        assert!(timers.first().is_none() && timers.contains(ONE, "a"));
        assert_eq!(timers.count(ONE), 1);
        timers.retry(TWO);
        assert!(timers.first().is_none());
        timers.retry(ONE);
        assert_eq!(timers.first(), Some(&first));
    }
}
