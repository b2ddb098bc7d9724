//! Handlers that are closures, and what was called.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use camshaft_engine::{Attempt, ConsumerSpec, Handler};
use camshaft_event::{Answer, AttemptContext, Event, Offset, Scope};

use super::ManualClock;

/// What a consumer runs.
pub type Script = Box<dyn FnMut(&Event, &mut Attempt) -> Answer>;

/// A consumer and what it runs.
pub(super) struct Plugin {
    pub(super) spec: ConsumerSpec,
    pub(super) script: Script,
    pub(super) is_attached: bool,
    /// Makes folds again, if it is an aggregate that can.
    pub(super) evolve: Option<Fold>,
}

/// The fold of a scope after facts.
pub type Fold = fn(Option<&[u8]>, &[Event]) -> Result<Vec<u8>, Answer>;

/// One call of a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub consumer: String,
    pub offset: Offset,
    pub id: String,
    pub attempt: u32,
}

/// All calls of handlers, in order; also what crashed or lost.
pub type Calls = Rc<RefCell<Vec<Call>>>;

/// Calls closures as the runtime calls plugins.
pub(super) struct Scripted<'w> {
    pub(super) plugins: &'w mut BTreeMap<String, Plugin>,
    pub(super) calls: &'w Calls,
    pub(super) clock: &'w ManualClock,
    pub(super) shortages: &'w Cell<usize>,
    /// The consumer whose batch runs.
    pub(super) consumer: String,
}

impl Handler for Scripted<'_> {
    fn get_ready(&mut self, _: &Attempt) -> bool {
        let left = self.shortages.get();
        self.shortages.set(left.saturating_sub(1));
        left == 0
    }

    fn call(&mut self, mut attempt: Attempt) -> (Answer, Attempt) {
        let event = attempt.share_event();
        let consumer = attempt.consumer().to_owned();
        let (offset, number) = (attempt.offset(), attempt.attempt());
        self.calls.borrow_mut().push(Call {
            consumer: consumer.clone(),
            offset,
            id: event.id.clone(),
            attempt: number,
        });
        let plugin = self.plugins.get_mut(&consumer).unwrap();
        let answer = (plugin.script)(&event, &mut attempt);
        self.clock.spend();
        (answer, attempt)
    }

    fn evolve(&mut self, _: &Scope, fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Answer> {
        self.plugins[&self.consumer].evolve.unwrap()(fold, facts)
    }
}
