//! One running instance of a plugin: takes an event and an attempt's context, gives back the answer.
//!
//! The composition keeps instances, each on one worker, and drops an instance that says it is spent. Nothing
//! here decides what becomes of the event.

mod aggregate;
mod async_call;
mod call;
mod decision;
mod exports;
mod failure;
mod guest_log;
mod memory;
mod no_attempt;
mod session;

use std::sync::Arc;

use camshaft_event::{Answer, AttemptContext, Event, InstanceReuse};
use wasmtime::Store;

use crate::ticks::Ticks;
pub use async_call::within;
use call::EventView;
pub use call::bounded;
pub use exports::ExportIndices;
use exports::Exports;
pub use no_attempt::NoAttempt;
pub use session::{Bounds, Session};

/// An instance of one plugin. It may serve several events, one after another, until it is spent.
pub struct Instance<C: 'static> {
    store: Store<Session<C>>,
    exports: Exports,
    deadline_ticks: u64,
    deadline_ms: u64,
    reuse: InstanceReuse,
    /// What deadlines of calls that wait are counted by.
    ticks: Arc<Ticks>,
    spent: bool,
}

impl<C: AttemptContext + Send + 'static> Instance<C> {
    pub(crate) fn new(
        store: Store<Session<C>>,
        exports: Exports,
        deadline_ms: u64,
        reuse: InstanceReuse,
        ticks: Arc<Ticks>,
    ) -> Self {
        let deadline_ticks = deadline_ticks(deadline_ms);
        Self { store, exports, deadline_ticks, deadline_ms, reuse, ticks, spent: false }
    }

    /// Lets the handler handle `event`, or the aggregate decide the command `event`. `context` is what it
    /// sees and changes meanwhile; it comes back with the answer, its effects neither committed nor dropped.
    ///
    /// # Panics
    /// If the instance is spent: that is the caller's mistake, not the guest's.
    pub fn call(&mut self, event: &Event, context: C) -> (Answer, C) {
        assert!(!self.spent, "a spent instance must be dropped, not called");
        // Whatever unwinds from here on must not leave an instance behind that looks usable.
        self.spent = true;
        self.store.data_mut().begin(context, self.deadline_ticks);
        self.store.set_epoch_deadline(self.deadline_ticks);
        let answer = match self.exports {
            Exports::Handler(handle) => match handle.call(&mut self.store, (EventView::of(event),)) {
                Ok((Ok(()),)) => Answer::Done,
                Ok((Err(disposition),)) => disposition.into_answer(),
                Err(error) => failure::explain("the handler", &error, self.store.data(), self.deadline_ms),
            },
            Exports::Aggregate(decide, evolve) => self.decide((decide, evolve), event),
        };
        self.finish(answer)
    }

    /// The call is over. What the guest has left open would have its effects during another event: such an
    /// instance serves no other.
    fn finish(&mut self, answer: Answer) -> (Answer, C) {
        let session = self.store.data_mut();
        let context = session.end();
        self.spent = answer != Answer::Done || self.reuse == InstanceReuse::Fresh || session.has_open_work();
        (answer, context)
    }

    /// Whether the instance must be dropped: it answered anything but done, left work open, or serves one
    /// event only.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.spent
    }
}

/// How many ticks from now the deadline lies. The running tick is not a whole one, hence one more.
pub fn deadline_ticks(deadline_ms: u64) -> u64 {
    deadline_ms.div_ceil(crate::TICK_MS) + 1
}
