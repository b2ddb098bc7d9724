//! The handler's access to the runtime: state, events, timers, configuration, log lines, time, random
//! numbers.

use std::time::SystemTime;

use crate::{
    attempt::attempt_methods, codec::Encode, error::Result, host::Host, publish::EventBuilder, state::State,
};

/// The running attempt. A handler that needs it takes it as its second argument, `ctx: &mut Context`.
///
/// If the handler returns `Ok`, all effects through this context are applied exactly once. Otherwise none is
/// applied; only log lines remain.
pub struct Context {
    pub(crate) host: Box<dyn Host>,
}

impl Context {
    /// The plugin's durable state.
    #[must_use]
    pub fn state(&self) -> State<'_> {
        State { host: &*self.host }
    }

    /// Publishes an event with `data` as JSON. The event inherits the cause's subject and ordering key. For
    /// other attributes use [`Context::event`].
    ///
    /// # Errors
    /// A reject if the type is not declared with `publishes(…)`, if `data` cannot be encoded or is too large,
    /// or if the attempt exceeds its limits.
    pub fn publish<T: Encode + ?Sized>(&self, event_type: &str, data: &T) -> Result {
        self.event(event_type, data).publish()
    }

    /// Builds an event with explicit attributes, to publish or to schedule.
    ///
    /// ```
    /// # use camshaft_sdk::{prelude::*, testing::TestContext};
    /// # fn main() -> Result {
    /// # let ctx = TestContext::new();
    /// ctx.event("stock.reserved", &3).subject("b-7").key("warehouse-2").publish()?;
    /// # assert_eq!(ctx.published()[0].key(), Some("warehouse-2"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "an event is published by `.publish()` or `.schedule(…)`"]
    pub fn event<'c, T: Encode + ?Sized>(&'c self, event_type: &str, data: &'c T) -> EventBuilder<'c, T> {
        EventBuilder::new(&*self.host, event_type, data)
    }

    /// Sets the timer `name`: at `at`, or soon after, the runtime publishes `data` as an event of
    /// `event_type`. An existing timer of that name is replaced. The event of a timer set less than a second
    /// ahead counts as a hop; a later one starts at hop 0.
    ///
    /// # Errors
    /// As for [`Context::publish`], and if `name` is empty or too long.
    pub fn schedule<T: Encode + ?Sized>(
        &self,
        name: &str,
        at: SystemTime,
        event_type: &str,
        data: &T,
    ) -> Result {
        self.event(event_type, data).schedule(name, at)
    }

    /// Removes the timer `name`. It is not an error if no such timer is set.
    ///
    /// # Errors
    /// A reject if `name` is empty or too long.
    pub fn cancel(&self, name: &str) -> Result {
        self.host.cancel(name)
    }

    attempt_methods!();
}
