//! The world outside, as far as sinks reach it: every call that was made, which no crash takes back.

use std::collections::BTreeMap;

use camshaft_engine::ConsumerSpec;
use camshaft_event::{ConsumerId, Delivery, Generation, Offset};

use crate::model::Model;

/// A call that got out: what it may be known by there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Left {
    pub(super) consumer: ConsumerId,
    pub(super) generation: Generation,
    pub(super) offset: Offset,
}

#[derive(Default)]
pub(super) struct CallsMade {
    calls: BTreeMap<Left, u64>,
}

impl CallsMade {
    pub(super) fn note(&mut self, left: Left) {
        *self.calls.entry(left).or_default() += 1;
    }

    /// Compares the calls that were made with what the log tells of sinks in their present generation: each
    /// was released before if it must not be repeated, and nothing is done without one.
    pub(super) fn check(&self, model: &Model, specs: &[ConsumerSpec]) {
        for known in model.consumers.values().filter(|known| !known.is_removed()) {
            let spec = specs.iter().find(|spec| spec.name == known.record.name);
            let Some(sink) = spec.and_then(|spec| spec.policy.sink) else { continue };
            let (consumer, generation) = (known.record.id, known.record.generation);
            let made = |offset: Offset| {
                self.calls.get(&Left { consumer, generation, offset }).copied().unwrap_or_default()
            };
            let name = &known.record.name;
            for offset in known.done_now() {
                assert!(made(offset) > 0, "{offset} of {name} is done without a call");
            }
            let of_sink = self.calls.range(Left { consumer, generation, offset: Offset(0) }..);
            let of_sink =
                of_sink.take_while(|(left, _)| (left.consumer, left.generation) == (consumer, generation));
            for (Left { offset, .. }, made) in of_sink.filter(|_| sink.delivery == Delivery::AtMostOnce) {
                let released = known.released.get(offset).copied().unwrap_or_default();
                assert!(
                    *made <= released,
                    "{name} is called {made} times with {offset}, but released {released} times"
                );
            }
        }
    }
}
