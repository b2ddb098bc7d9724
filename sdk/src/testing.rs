//! Runs handlers under `cargo test`, without WebAssembly: an in-memory [`Context`]. [`TestAggregate`] does
//! the same for the commands of an aggregate.
//!
//! Within one attempt it behaves like the runtime's context. It does not retry, order or persist anything,
//! and it counts no hops.
//!
//! ```
//! use camshaft_sdk::{prelude::*, testing::TestContext};
//!
//! fn count(event: Event<Bytes>, ctx: &mut Context) -> Result {
//!     let seen: u64 = ctx.state().get("seen")?.unwrap_or(0);
//!     ctx.state().set("seen", &(seen + 1))?;
//!     ctx.publish("event.counted", &(seen + 1))
//! }
//!
//! # fn main() -> Result {
//! let mut ctx = TestContext::new();
//! ctx.state().set("seen", &41)?;
//! count(Event::new("order.placed", Bytes::default()), &mut ctx)?;
//!
//! assert_eq!(ctx.state().get("seen")?, Some(42));
//! assert_eq!(ctx.published()[0].clone().decode::<u64>()?.data, 42);
//! # Ok(())
//! # }
//! ```
//!
//! # Fixtures
//!
//! `camshaft test` tests the finished component: it builds the plugin and runs the cases in `tests/*.toml`
//! against it, by the runtime's own rules. This works for every language. One file may contain any number of
//! cases:
//!
//! ```toml
//! [[case]]
//! name = "the last pen is reserved"
//!
//! [case.given]                    # every key is optional
//! state = { pen = 1 }             # as MessagePack; { base64 = "AQ==" } for other bytes
//! config = { low_stock = "5" }    # overrides the manifest's [config]
//! now = 2026-01-31T12:00:00Z      # the attempt's time; default 1970-01-01T00:00:00Z
//! attempt = 1
//! offset = 17                     # default: after the earlier events, which begin at 0
//! events = [                      # handled first, one after another; each must succeed
//!     { type = "article.added", data = { sku = "ink" } },
//! ]
//!
//! [case.when]                     # a CloudEvent; only `type` is required
//! type = "order.placed"
//! subject = "order 9"             # also id, source, time, partitionkey, datacontenttype, dataschema,
//! extensions = { tenant = "t" }   # all other attributes
//! data = { sku = "pen" }          # JSON, or MessagePack by `datacontenttype`; a string for text/plain;
//!                                 # data_base64 = "AQ==" for bytes
//!
//! [case.then]                     # keys that are absent are not compared, except the outcome
//! outcome = "ok"                  # the default; "retry", "reject", "ignored" (no handler matches), or a
//!                                 # failure: "trap", "deadline", "memory", "stack",
//!                                 # "refused-effect", "too-many-hops"
//! reason = "not enough stock"     # part of the reason or error
//! retry_after = "90s"             # the delay that a retry requests
//! published = [                   # in order; only the attributes named here are compared
//!     { type = "stock.reserved", subject = "order 9", data = { sku = "pen" } },
//! ]
//! state = { pen = 0, ".." = true }    # the complete state afterwards
//! timers = [                      # all timers that are set afterwards, by name
//!     { name = "expire order 9", after = "30m", event = { type = "reservation.expired" } },
//! ]
//! log = ["reserved"]              # parts of log lines, in this order
//! ```
//!
//! Tables and lists are compared exactly. To allow more entries, add the key `".."` to a table, or `".."` as
//! the last item to a list. A null that the plugin wrote counts as absent, because TOML has no null. A failed
//! attempt has no effects: `published` is then empty and `state` is unchanged. Published events are not
//! delivered to any plugin, not even to the plugin itself.

mod aggregate;
mod memory;
mod time;

use std::{
    ops::{Deref, DerefMut},
    rc::Rc,
    time::{Duration, SystemTime},
};

use crate::{
    codec::Encode,
    context::Context,
    error::{Error, Result},
    event::{Bytes, Event},
    handler,
    host::Level,
};
pub use aggregate::{Accepted, TestAggregate};
use memory::Memory;

/// Defines the methods that set the inputs of an attempt. The type has a field `memory`.
macro_rules! attempt_inputs {
    () => {
        /// Sets a configuration value.
        #[must_use]
        pub fn with_config(self, key: &str, value: &str) -> Self {
            self.memory.facts.borrow_mut().config.insert(key.to_owned(), value.to_owned());
            self
        }

        /// Sets the attempt's time, in milliseconds since 1970-01-01T00:00:00Z.
        #[must_use]
        pub fn with_now_ms(self, now_ms: u64) -> Self {
            self.memory.facts.borrow_mut().now_ms = now_ms;
            self
        }

        /// Sets the number of the attempt.
        #[must_use]
        pub fn with_attempt(self, attempt: u32) -> Self {
            self.memory.facts.borrow_mut().attempt = attempt;
            self
        }

        /// Sets the event's offset in the log. Random bytes are derived from it.
        #[must_use]
        pub fn with_offset(self, offset: u64) -> Self {
            self.memory.facts.borrow_mut().offset = offset;
            self
        }
    };
}
use attempt_inputs;

/// An in-memory [`Context`]. Pass it wherever a handler takes `&mut Context`. A test sets the handler's
/// inputs on it and reads the handler's effects from it.
pub struct TestContext {
    context: Context,
    memory: Rc<Memory>,
}

/// The function that provides the responses in a test.
#[cfg(feature = "http")]
type Respond = dyn Fn(&crate::http::Request) -> Result<crate::http::Response>;

/// A line that a handler logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The severity.
    pub level: Level,
    /// The message.
    pub message: String,
    /// Names and values of the fields.
    pub fields: Vec<(String, String)>,
}

/// A timer that a handler set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The name, unique within the plugin.
    pub name: String,
    /// The time at which it fires.
    pub at: SystemTime,
    /// The event that it publishes.
    pub event: Event<Bytes>,
}

impl Default for TestContext {
    fn default() -> Self {
        Self::new()
    }
}

impl TestContext {
    /// Creates the context of a first attempt at offset 0, at 1970-01-01T00:00:00Z, with empty state and
    /// configuration.
    #[must_use]
    pub fn new() -> Self {
        let memory = Rc::new(Memory::default());
        Self { context: Context { host: Box::new(Rc::clone(&memory)) }, memory }
    }

    attempt_inputs!();

    /// Calls `respond` for each request of the handler. Placeholders for secrets are not replaced.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn with_responses(
        self,
        respond: impl Fn(&crate::http::Request) -> Result<crate::http::Response> + 'static,
    ) -> Self {
        self.memory.facts.borrow_mut().respond = Some(Rc::new(respond));
        self
    }

    /// Declares published types in addition to those in the handlers' attributes, like the operator's file of
    /// a template.
    ///
    /// ```standalone_crate
    /// use camshaft_sdk::{prelude::*, testing::TestContext};
    ///
    /// #[handler("**")]
    /// fn forward(event: Event<Bytes>, ctx: &mut Context) -> Result {
    ///     ctx.publish(&ctx.config("type").retry("no type is configured")?, &event.data)
    /// }
    ///
    /// # fn main() -> Result {
    /// let mut ctx = TestContext::new().with_config("type", "order.seen").with_publishes(["order.seen"]);
    /// ctx.handle(Event::new("order.placed", Bytes::default()))?;
    /// assert_eq!(ctx.published()[0].event_type, "order.seen");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_publishes<'t>(self, event_types: impl IntoIterator<Item = &'t str>) -> Self {
        self.memory.facts.borrow_mut().publishes.extend(event_types.into_iter().map(str::to_owned));
        self
    }

    /// Runs the crate's handler for `event` as the runtime would: the data is encoded and decoded, published
    /// events inherit from `event`, and a failed attempt leaves only its log lines.
    ///
    /// # Errors
    /// The handler's error. A reject if the data cannot be encoded or decoded, or if no handler matches the
    /// event.
    pub fn handle<T: Encode>(&mut self, event: Event<T>) -> Result {
        let (event, data) = event.with_data(());
        let bytes = data.encode(event.datacontenttype.as_deref()).map_err(Error::reject)?;
        let (event, ()) = event.with_data(Bytes(bytes));
        let before = self.memory.effects.borrow().clone();
        self.memory.facts.borrow_mut().cause = Some(event.clone());
        let outcome = handler::dispatch(event, &mut self.context);
        self.memory.facts.borrow_mut().cause = None;
        if outcome.is_err() {
            *self.memory.effects.borrow_mut() = before;
        }
        outcome
    }

    /// The events published so far, oldest first.
    #[must_use]
    pub fn published(&self) -> Vec<Event<Bytes>> {
        self.memory.effects.borrow().published.clone()
    }

    /// The timers that are set, in order of their names.
    #[must_use]
    pub fn timers(&self) -> Vec<Timer> {
        let effects = self.memory.effects.borrow();
        let timers = effects.timers.iter().map(|(name, (at_ms, event))| Timer {
            name: name.clone(),
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(*at_ms),
            event: event.clone(),
        });
        timers.collect()
    }

    /// The lines logged so far, oldest first.
    #[must_use]
    pub fn logged(&self) -> Vec<LogLine> {
        self.memory.logged.borrow().clone()
    }
}

impl Deref for TestContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl DerefMut for TestContext {
    fn deref_mut(&mut self) -> &mut Context {
        &mut self.context
    }
}
