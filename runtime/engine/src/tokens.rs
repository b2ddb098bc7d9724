//! What a rate limit leaves: a bucket of tokens, one for each attempt, that fills evenly.
//!
//! Exact in whole numbers: an attempt costs as many parts as the period has milliseconds, and each
//! millisecond brings as many parts as events are allowed in it. In memory only: a restart begins with a full
//! bucket.

use std::collections::BTreeMap;

use camshaft_event::{Rate, Timestamp};

#[derive(Debug)]
pub(crate) struct Tokens {
    rate: Rate,
    parts: u128,
    /// Up to when `parts` have been counted.
    at: Timestamp,
    /// By the partitions whose batches run: the most parts that there were since the batch was taken,
    /// together with what others have given back since.
    in_hand: BTreeMap<u32, u128>,
}

impl Tokens {
    pub(crate) fn full(rate: Rate, now: Timestamp) -> Self {
        let rate = Rate { events: rate.events.max(1), per_ms: rate.per_ms.max(1) };
        Self { rate, parts: Self::capacity(rate), at: now, in_hand: BTreeMap::new() }
    }

    fn capacity(rate: Rate) -> u128 {
        u128::from(rate.events) * u128::from(rate.per_ms)
    }

    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// Adds what came since. A time that lies back, of a worker that was slow to get here, adds nothing.
    pub(crate) fn refill(&mut self, now: Timestamp) {
        let came = u128::from(now.ms_since(self.at)) * u128::from(self.rate.events);
        self.parts = (self.parts + came).min(Self::capacity(self.rate));
        self.at = self.at.max(now);
        self.in_hand.values_mut().for_each(|most| *most = self.parts.max(*most));
    }

    /// How many there were when it was last filled.
    pub(crate) fn available(&self) -> usize {
        usize::try_from(self.parts / u128::from(self.rate.per_ms)).unwrap_or(usize::MAX)
    }

    /// Spends one for each event of a batch of `partition`.
    pub(crate) fn spend(&mut self, partition: u32, count: usize) {
        self.parts = self.parts.saturating_sub(self.parts_of(count));
        self.in_hand.insert(partition, self.parts);
    }

    /// The batch of `partition` has ended: takes back what it did not need, as far as there would have been
    /// room for it all the time. Else what filled the bucket meanwhile would count twice.
    pub(crate) fn settle(&mut self, partition: u32, unneeded: usize) {
        let Some(most) = self.in_hand.remove(&partition) else { return };
        let capacity = Self::capacity(self.rate);
        let back = self.parts_of(unneeded).min(capacity - most);
        self.parts += back;
        self.in_hand.values_mut().for_each(|most| *most = (*most + back).min(capacity));
    }

    fn parts_of(&self, count: usize) -> u128 {
        count as u128 * u128::from(self.rate.per_ms)
    }

    /// When the next one comes; none if there is one.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let missing = u128::from(self.rate.per_ms).saturating_sub(self.parts);
        let wait_ms = missing.div_ceil(u128::from(self.rate.events));
        (wait_ms > 0).then(|| self.at.plus_ms(u64::try_from(wait_ms).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_more_than_full_and_tells_when_the_next_token_comes() {
        let mut tokens = Tokens::full(Rate { events: 3, per_ms: 1_000 }, Timestamp(0));
        tokens.refill(Timestamp(9_000));
        tokens.settle(0, 1);
        assert_eq!((tokens.available(), tokens.next()), (3, None));
        tokens.spend(0, 3);
        assert_eq!((tokens.available(), tokens.next()), (0, Some(Timestamp(9_334))));
        tokens.refill(Timestamp(9_333));
        assert_eq!((tokens.available(), tokens.next()), (0, Some(Timestamp(9_334))));
        tokens.refill(Timestamp(9_334));
        assert_eq!((tokens.available(), tokens.next()), (1, None));
        tokens.spend(0, 1);
        // The remainder counts: three come in a second, not one every 334 ms.
        tokens.refill(Timestamp(10_000));
        assert_eq!(tokens.available(), 2);
    }

    #[test]
    fn times_that_lie_back_bring_nothing_twice() {
        let mut tokens = Tokens::full(Rate { events: 1, per_ms: 100 }, Timestamp(1_000));
        tokens.spend(0, 1);
        for now in [1_050, 1_000, 1_050, 1_020, 1_099] {
            tokens.refill(Timestamp(now));
        }
        assert_eq!(tokens.available(), 0);
    }

    #[test]
    fn what_a_batch_did_not_need_comes_back_unless_the_bucket_was_full_without_it() {
        let full_after = |ms| {
            let mut tokens = Tokens::full(Rate { events: 4, per_ms: 400 }, Timestamp(0));
            tokens.spend(0, 4);
            tokens.refill(Timestamp(ms));
            let meanwhile = tokens.available();
            tokens.spend(1, meanwhile);
            tokens.settle(0, 3);
            tokens.available()
        };
        assert_eq!([0, 100, 200, 300, 400, 900].map(full_after), [3, 3, 2, 1, 0, 0]);
    }

    #[test]
    fn several_batches_give_back_no_more_than_there_was_room_for() {
        let mut tokens = Tokens::full(Rate { events: 4, per_ms: 400 }, Timestamp(0));
        tokens.spend(0, 2);
        tokens.spend(1, 2);
        tokens.refill(Timestamp(200));
        tokens.spend(2, 2);
        // Had neither spent anything, it would have been full then.
        tokens.settle(0, 2);
        tokens.spend(3, 2);
        tokens.settle(1, 2);
        assert_eq!(tokens.available(), 0);
    }

    #[test]
    fn the_largest_numbers_fit() {
        let mut tokens = Tokens::full(Rate { events: u32::MAX, per_ms: u64::MAX }, Timestamp(0));
        tokens.spend(0, usize::MAX);
        assert!(tokens.next().is_some());
        tokens.refill(Timestamp(u64::MAX));
        assert_eq!(tokens.available(), u32::MAX as usize);
    }
}
