//! Timers as an attempt sees them: what is set, what its batch set or cancelled before it, what it did
//! itself.

use std::collections::BTreeMap;

/// The timers of a consumer as a batch will leave them.
#[derive(Debug, Default)]
pub(crate) struct TimersInBatch {
    /// How many there will be if the running attempt succeeds.
    count: usize,
    /// How many there will be if it fails.
    count_before: usize,
    /// Names that earlier sections of the batch touched, and whether each is set.
    earlier: BTreeMap<String, bool>,
    /// The same of the running attempt.
    own: BTreeMap<String, bool>,
}

impl TimersInBatch {
    /// At the beginning of a batch of a consumer with `count` timers.
    pub(crate) fn of(count: usize) -> Self {
        Self { count, count_before: count, ..Self::default() }
    }

    /// How many there will be.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Sets or cancels `name`; `is_committed` says whether it was set before the batch. Returns whether it is
    /// one more than before.
    pub(crate) fn touch(&mut self, name: &str, is_set: bool, is_committed: impl FnOnce() -> bool) -> bool {
        let known = self.own.get(name).or_else(|| self.earlier.get(name)).copied();
        let was_set = known.unwrap_or_else(is_committed);
        self.own.insert(name.to_owned(), is_set);
        self.count = (self.count + usize::from(is_set)).saturating_sub(usize::from(was_set));
        is_set && !was_set
    }

    /// The attempt succeeded.
    pub(crate) fn keep(&mut self) {
        self.earlier.append(&mut self.own);
        self.count_before = self.count;
    }

    /// The attempt failed.
    pub(crate) fn forget(&mut self) {
        self.own.clear();
        self.count = self.count_before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_names_count_and_a_failed_attempt_leaves_nothing() {
        let mut timers = TimersInBatch::of(5);
        assert!(!timers.touch("committed", true, || true), "it is replaced");
        assert!(timers.touch("new", true, || false));
        assert!(!timers.touch("new", true, || unreachable!("it is known")));
        timers.keep();
        assert_eq!(timers.count(), 6);
        timers.touch("committed", false, || unreachable!("it is known"));
        timers.touch("new", false, || unreachable!("it is known"));
        timers.touch("never set", false, || false);
        assert_eq!(timers.count(), 4);
        timers.forget();
        assert_eq!(timers.count(), 6);
        assert!(!timers.touch("new", true, || unreachable!("it is known")), "it was kept before");
    }
}
