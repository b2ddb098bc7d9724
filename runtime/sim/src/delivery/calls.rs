//! The rate limit's rule: over any time, no more calls than the policy allows at once and for the time that
//! passed.

use camshaft_event::Rate;

/// The calls of one consumer, by the moments at which their batches were taken.
#[derive(Default)]
pub(super) struct Calls {
    /// Milliseconds that had passed, and calls; as many as there are events while a batch is in hand.
    batches: Vec<(u64, u128)>,
    /// How often all was forgotten.
    forgotten: u64,
}

/// Where a batch stands among those of its consumer.
#[derive(Clone, Copy)]
pub(super) struct Place {
    forgotten: u64,
    at: usize,
}

impl Calls {
    pub(super) fn begin(&mut self, rate: Option<Rate>, events: usize, passed_ms: u64) -> Place {
        let place = Place { forgotten: self.forgotten, at: self.batches.len() };
        self.batches.push((passed_ms, events as u128));
        if let Some(rate) = rate {
            self.check(rate, passed_ms);
        }
        place
    }

    /// Whether there were too many since any batch up to now.
    fn check(&self, rate: Rate, passed_ms: u64) {
        let (per_ms, events) = (u128::from(rate.per_ms), u128::from(rate.events));
        let mut calls = 0;
        for (since_ms, more) in self.batches.iter().rev() {
            calls += more;
            let window_ms = passed_ms - since_ms;
            let allowed = events * per_ms + events * u128::from(window_ms);
            assert!(calls * per_ms <= allowed, "{calls} calls in {window_ms} ms, allowed are {rate:?}");
        }
    }

    pub(super) fn end(&mut self, place: Place, calls: usize) {
        if place.forgotten == self.forgotten
            && let Some((_, counted)) = self.batches.get_mut(place.at)
        {
            *counted = calls as u128;
        }
    }

    pub(super) fn forget(&mut self) {
        self.batches.clear();
        self.forgotten += 1;
    }
}
