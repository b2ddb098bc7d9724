//! Lateness: whether a consumer's calls hold a worker for long, and how it earns its good standing back.
//!
//! A late batch puts the consumer into debt; prompt batches pay it back. While it owes, it may not hold the
//! last worker that other late consumers leave free; see [`crate::Sequencer::take`].

/// Handler time from which a batch is late. A batch takes no further event after 2 ms, so one call alone took
/// this long.
const LATE_US: u64 = 250_000;

/// Prompt handler time that pays for late handler time, per unit of it: late calls hold at most a ninth of
/// the time that a consumer with good standing takes from others.
const PRICE: u64 = 8;

/// Most debt, so that an hour of late calls is not paid back for a day.
const MAX_DEBT_US: u64 = 60_000_000;

/// What a prompt batch pays at least: most take less time than the clock shows.
const MIN_PAYMENT_US: u64 = 100;

/// The standing of one consumer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lateness {
    debt_us: u64,
}

impl Lateness {
    /// Counts a batch whose handler took `handler_us`.
    pub(crate) fn count(&mut self, handler_us: u64) {
        self.debt_us = if handler_us >= LATE_US {
            self.debt_us.saturating_add(handler_us.saturating_mul(PRICE)).min(MAX_DEBT_US)
        } else {
            self.debt_us.saturating_sub(handler_us.max(MIN_PAYMENT_US))
        };
    }

    /// Whether it has not paid for its late calls.
    pub(crate) fn is_late(self) -> bool {
        self.debt_us > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_time_is_paid_back_with_eight_times_as_much_prompt_time() {
        let mut lateness = Lateness::default();
        lateness.count(LATE_US - 1);
        assert!(!lateness.is_late());
        lateness.count(LATE_US);
        for _ in 0..2_000 {
            assert!(lateness.is_late());
            lateness.count(1_000);
        }
        assert!(!lateness.is_late());
    }

    #[test]
    fn the_debt_has_a_bound_and_each_prompt_batch_pays_something() {
        let mut lateness = Lateness::default();
        (0..100).for_each(|_| lateness.count(5_000_000));
        (0..MAX_DEBT_US / MIN_PAYMENT_US).for_each(|_| lateness.count(0));
        assert!(!lateness.is_late());
    }
}
