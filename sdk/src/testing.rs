//! Handlers under `cargo test`, without WebAssembly: a [`Context`] in memory.
//!
//! It behaves like the runtime's in what one attempt can see. It does not retry, order or persist anything.
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
//! `camshaft test` goes on from there: it builds the plugin and runs the cases of `tests/*.toml` against the component,
//! in any language, by the runtime's own rules. One file holds any number of cases:
//!
//! ```toml
//! [[case]]
//! name = "the last pen is reserved"
//!
//! [case.given]                    # all of it optional
//! state = { pen = 1 }             # written as MessagePack, as the SDK does; { base64 = "AQ==" } for other bytes
//! config = { low_stock = "5" }    # over the manifest's [config]
//! now = 2026-01-31T12:00:00Z      # the attempt's time; 1970-01-01T00:00:00Z unless given
//! attempt = 1
//! offset = 17                     # behind the earlier events unless given; those begin at 0
//! events = [                      # handled before, one after the other; each must succeed
//!     { type = "article.added", data = { sku = "ink" } },
//! ]
//!
//! [case.when]                     # a CloudEvent; only `type` is needed
//! type = "order.placed"
//! subject = "order 9"             # also id, source, time, partitionkey, datacontenttype, dataschema,
//! extensions = { tenant = "t" }   # and all other attributes in here
//! data = { sku = "pen" }          # JSON, or MessagePack by `datacontenttype`; a text for text/plain;
//!                                 # data_base64 = "AQ==" for bytes
//!
//! [case.then]                     # what is not mentioned is not looked at; but for the outcome
//! outcome = "ok"                  # unless given; "retry", "reject", "ignored" (no handler wants it), or how it
//!                                 # fails: "trap", "deadline", "memory", "stack", "refused-effect", "too-many-hops"
//! reason = "not enough stock"     # part of the reason or error
//! retry_after = "90s"             # what a retry asks for
//! published = [                   # in order; of an event only what is named here is compared
//!     { type = "stock.reserved", subject = "order 9", data = { sku = "pen" } },
//! ]
//! state = { pen = 0, ".." = true }    # all of the state afterwards
//! timers = [                      # all that are set afterwards, by name
//!     { name = "expire order 9", after = "30m", event = { type = "reservation.expired" } },
//! ]
//! log = ["reserved"]              # parts of lines, in this order
//! ```
//!
//! Tables and lists are compared exactly, unless they are left open: a table with the key `".."`, a list whose last item
//! is `".."`. A null in what the plugin wrote counts as absent, since TOML has none. An attempt that fails leaves nothing:
//! `published` is then empty and `state` is as before. What the plugin publishes goes to nobody, not back to itself, either.

mod memory;

use std::{
    ops::{Deref, DerefMut},
    rc::Rc,
    time::{Duration, SystemTime},
};

use memory::Memory;

use crate::{
    codec::Encode,
    context::Context,
    error::{Error, Result},
    event::{Bytes, Event},
    handler,
    host::Level,
};

/// A [`Context`] in memory. It can be passed wherever a handler takes `&mut Context`; what is given to the
/// handler is set through it, and what the handler did is read from it.
pub struct TestContext {
    context: Context,
    memory: Rc<Memory>,
}

/// What answers requests in a test.
#[cfg(feature = "http")]
type Respond = dyn Fn(&crate::http::Request) -> Result<crate::http::Response>;

/// A line that a handler logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// The message.
    pub message: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

/// A timer that a handler set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Unique within the plugin.
    pub name: String,
    /// When it is due.
    pub at: SystemTime,
    /// What it publishes.
    pub event: Event<Bytes>,
}

impl Default for TestContext {
    fn default() -> Self {
        Self::new()
    }
}

impl TestContext {
    /// The first attempt at offset 0, at 1970-01-01T00:00:00Z, with empty state and configuration.
    #[must_use]
    pub fn new() -> Self {
        let memory = Rc::new(Memory::default());
        Self { context: Context { host: Box::new(Rc::clone(&memory)) }, memory }
    }

    /// Gives a value to the configuration's key.
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

    /// Sets which attempt this is.
    #[must_use]
    pub fn with_attempt(self, attempt: u32) -> Self {
        self.memory.facts.borrow_mut().attempt = attempt;
        self
    }

    /// Answers the handler's requests with `respond`. Placeholders of secrets stand in them as written.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn with_responses(
        self,
        respond: impl Fn(&crate::http::Request) -> Result<crate::http::Response> + 'static,
    ) -> Self {
        self.memory.facts.borrow_mut().respond = Some(Rc::new(respond));
        self
    }

    /// Declares published types beside those of the handlers' attributes, as the operator's file of a template does.
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

    /// Sets the event's place in the log. Random bytes follow from it.
    #[must_use]
    pub fn with_offset(self, offset: u64) -> Self {
        self.memory.facts.borrow_mut().offset = offset;
        self
    }

    /// Runs the crate's handler for `event` as the runtime would: the data is encoded and decoded, published
    /// events inherit from `event`, and a failed attempt leaves nothing but its log lines.
    ///
    /// # Errors
    /// The handler's; a reject if the data cannot be decoded or no handler takes the event.
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

    /// The timers that are set, by name.
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
