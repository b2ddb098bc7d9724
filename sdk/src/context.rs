//! The handler's access to the runtime: state, events, timers, configuration, log lines, time, random
//! numbers.

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

    /// Returns the configuration value of `key`: the operator's, else the author's from `plugin.toml`.
    #[must_use]
    pub fn config(&self, key: &str) -> Option<String> {
        self.host.config(key)
    }

    /// Returns the configuration value of `key`, parsed as a `T` such as a number; see [`Context::config`].
    ///
    /// # Errors
    /// A retry if the value cannot be parsed as `T`, because the operator can correct it.
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

    /// Writes a line that helps to find a mistake. Use `format_args!` to include values.
    pub fn debug(&self, message: impl fmt::Display) {
        self.log(Level::Debug, message, &[]);
    }

    /// Writes a line about a change worth knowing later.
    pub fn info(&self, message: impl fmt::Display) {
        self.log(Level::Info, message, &[]);
    }

    /// Writes a line about an unexpected condition that the plugin handled.
    pub fn warn(&self, message: impl fmt::Display) {
        self.log(Level::Warn, message, &[]);
    }

    /// Writes a line about something that is broken.
    pub fn error(&self, message: impl fmt::Display) {
        self.log(Level::Error, message, &[]);
    }

    /// The attempt's time. It does not change while the handler runs.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.now_ms())
    }

    /// The attempt's time in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.host.now_ms()
    }

    /// Returns random bytes, the same in every attempt at this event. Do not use them for secrets.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let length = u32::try_from(N).expect("an array on a 32-bit machine");
        self.host.random(length).try_into().expect("the runtime returns the requested number of bytes")
    }

    /// Returns a random number, the same in every attempt at this event. Do not use it for secrets.
    #[must_use]
    pub fn random_u64(&self) -> u64 {
        u64::from_le_bytes(self.random())
    }

    /// The number of this attempt at the event, counted from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.host.attempt()
    }

    /// The event's offset in the log.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.host.offset()
    }

    /// The consumer's generation. Each reset starts the next one.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.host.generation()
    }

    /// The name of the plugin's consumer.
    #[must_use]
    pub fn consumer(&self) -> String {
        self.host.consumer()
    }
}
