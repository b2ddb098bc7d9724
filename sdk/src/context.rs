//! What a handler can do besides computing: state, events, timers, configuration, log lines, time, chance.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use crate::{
    codec::Encode,
    error::{Error, Result},
    host::{Host, Level},
    publish::EventBuilder,
    state::State,
};

/// The running attempt as its handler sees it. Take it as a second argument, `ctx: &mut Context`, if the
/// handler needs it.
///
/// Everything done through it takes effect if the handler answers `Ok`, exactly once, and not at all
/// otherwise. Only log lines stay.
pub struct Context {
    pub(crate) host: Box<dyn Host>,
}

impl Context {
    /// The plugin's durable state.
    #[must_use]
    pub fn state(&self) -> State<'_> {
        State { host: &*self.host }
    }

    /// Publishes an event about the cause's subject, ordered by the cause's key, with `data` as JSON. The
    /// long form is [`Context::event`].
    ///
    /// # Errors
    /// A reject if the type is not declared with `publishes(…)`, if `data` cannot be written or is too
    /// large, or if this attempt publishes too much.
    pub fn publish<T: Encode + ?Sized>(&self, event_type: &str, data: &T) -> Result {
        self.event(event_type, data).publish()
    }

    /// Prepares an event, to be published or scheduled with attributes of its own.
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

    /// Sets the timer `name`: `data` is published as an event of `event_type` at `at`, or soon after. It
    /// replaces a timer of that name.
    ///
    /// # Errors
    /// As [`Context::publish`]; also if `name` is empty or too long.
    pub fn schedule<T: Encode + ?Sized>(
        &self,
        name: &str,
        at: SystemTime,
        event_type: &str,
        data: &T,
    ) -> Result {
        self.event(event_type, data).schedule(name, at)
    }

    /// Removes the timer `name`; one that is not set is no error.
    ///
    /// # Errors
    /// A reject if `name` is empty or too long.
    pub fn cancel(&self, name: &str) -> Result {
        self.host.cancel(name)
    }

    /// The configuration's value for `key`: the operator's, else the author's from `plugin.toml`.
    #[must_use]
    pub fn config(&self, key: &str) -> Option<String> {
        self.host.config(key)
    }

    /// As [`Context::config`], read as a `T` such as a number.
    ///
    /// # Errors
    /// A retry if the value is no `T`, since the operator can mend it.
    pub fn config_as<T: FromStr>(&self, key: &str) -> Result<Option<T>>
    where
        T::Err: fmt::Display,
    {
        let Some(value) = self.config(key) else { return Ok(None) };
        let parsed = value.parse().map_err(|error| {
            Error::retry(format_args!("configuration `{key}` = \"{value}\" cannot be used: {error}"))
        })?;
        Ok(Some(parsed))
    }

    /// Writes a line to the plugin's log.
    pub fn log(&self, level: Level, message: impl fmt::Display, fields: &[(&str, &str)]) {
        self.host.log(level, &message.to_string(), fields);
    }

    /// Writes a line that helps to find a mistake. Use `format_args!` for one with values.
    pub fn debug(&self, message: impl fmt::Display) {
        self.log(Level::Debug, message, &[]);
    }

    /// Writes a line about a change worth knowing later.
    pub fn info(&self, message: impl fmt::Display) {
        self.log(Level::Info, message, &[]);
    }

    /// Writes a line about something that was not expected and has been dealt with.
    pub fn warn(&self, message: impl fmt::Display) {
        self.log(Level::Warn, message, &[]);
    }

    /// Writes a line about something that is broken.
    pub fn error(&self, message: impl fmt::Display) {
        self.log(Level::Error, message, &[]);
    }

    /// The attempt's time. It stands still while the handler runs.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.now_ms())
    }

    /// The attempt's time in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.host.now_ms()
    }

    /// Random bytes, the same ones at every attempt at this event. Unfit for secrets.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let length = u32::try_from(N).expect("an array on a 32-bit machine");
        self.host.random(length).try_into().expect("the runtime gives as many bytes as asked for")
    }

    /// A random number, the same one at every attempt at this event.
    #[must_use]
    pub fn random_u64(&self) -> u64 {
        u64::from_le_bytes(self.random())
    }

    /// Which attempt this is at this event, counted from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.host.attempt()
    }

    /// The event's place in the log.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.host.offset()
    }

    /// The consumer's generation; each reset starts the next one.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.host.generation()
    }

    /// The name of the consumer that the plugin runs as.
    #[must_use]
    pub fn consumer(&self) -> String {
        self.host.consumer()
    }
}
