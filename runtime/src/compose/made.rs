//! Calls of sinks that are being made: what is said of each that the end of the process cuts off.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use camshaft_event::{Delivery, Offset};

/// The calls, numbered as they began.
#[derive(Debug, Default)]
pub(super) struct Made(Mutex<Calls>);

#[derive(Debug, Default)]
struct Calls {
    last: u64,
    under_way: BTreeMap<u64, Call>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    consumer: String,
    offset: Offset,
    delivery: Delivery,
}

/// A call as long as it is being made, its commit included.
pub(super) struct BeingMade<'m> {
    made: &'m Made,
    number: u64,
}

impl Drop for BeingMade<'_> {
    fn drop(&mut self) {
        self.made.lock().under_way.remove(&self.number);
    }
}

impl Made {
    /// Notes a call that was released and is made now.
    pub(super) fn begin(&self, consumer: &str, offset: Offset, delivery: Delivery) -> BeingMade<'_> {
        let mut calls = self.lock();
        calls.last += 1;
        let number = calls.last;
        calls.under_way.insert(number, Call { consumer: consumer.to_owned(), offset, delivery });
        BeingMade { made: self, number }
    }

    /// Says what becomes of the calls that are cut off now.
    pub(super) fn tell_cut_off(&self) {
        for call in self.lock().under_way.values() {
            let Call { consumer, offset, .. } = call;
            tracing::warn!(consumer, %offset, "{}", call.fate());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    const fn fate(&self) -> &'static str {
        match self.delivery {
            Delivery::AtLeastOnce => {
                "a call did not end in time: it is repeated after the next start, and may be made twice"
            }
            Delivery::AtMostOnce => {
                "a call did not end in time: it is not made again, and its result is unknown"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_cut_off_only_what_may_be_repeated_is_said_to_run_again() {
        let made = Made::default();
        let ended = made.begin("mailer", Offset(3), Delivery::AtMostOnce);
        let _again = made.begin("hook", Offset(4), Delivery::AtLeastOnce);
        let _once = made.begin("mailer", Offset(5), Delivery::AtMostOnce);
        drop(ended);
        let fates: Vec<_> = made
            .lock()
            .under_way
            .values()
            .map(|call| (call.offset, call.fate().contains("not made again")))
            .collect();
        assert_eq!(fates, [(Offset(4), false), (Offset(5), true)]);
    }
}
