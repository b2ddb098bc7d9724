//! What every attempt offers: configuration, log lines, time and random numbers.

/// Defines the methods that [`Context`](crate::Context) and [`Decide`](crate::Decide) have in common. Each
/// has a field `host` that is a [`Runtime`](crate::host::Runtime).
macro_rules! attempt_methods {
    () => {
        /// Returns the configuration value of `key`: the operator's, else the author's from `plugin.toml`.
        #[must_use]
        pub fn config(&self, key: &str) -> Option<String> {
            self.host.config(key)
        }

        /// Returns the configuration value of `key`, parsed as a `T` such as a number; see [`Self::config`].
        ///
        /// # Errors
        /// A retry if the value cannot be parsed as `T`, because the operator can correct it.
        pub fn config_as<T: std::str::FromStr>(&self, key: &str) -> $crate::Result<Option<T>>
        where
            T::Err: std::fmt::Display,
        {
            let Some(value) = self.config(key) else { return Ok(None) };
            let parsed = value.parse().map_err(|error| {
                $crate::Error::retry(format_args!(
                    "configuration `{key}` = \"{value}\" cannot be used: {error}"
                ))
            })?;
            Ok(Some(parsed))
        }

        /// Writes a line to the plugin's log.
        pub fn log(&self, level: $crate::Level, message: impl std::fmt::Display, fields: &[(&str, &str)]) {
            self.host.log(level, &message.to_string(), fields);
        }

        /// Writes a line that helps to find a mistake. Use `format_args!` to include values.
        pub fn debug(&self, message: impl std::fmt::Display) {
            self.log($crate::Level::Debug, message, &[]);
        }

        /// Writes a line about a change worth knowing later.
        pub fn info(&self, message: impl std::fmt::Display) {
            self.log($crate::Level::Info, message, &[]);
        }

        /// Writes a line about an unexpected condition that the plugin handled.
        pub fn warn(&self, message: impl std::fmt::Display) {
            self.log($crate::Level::Warn, message, &[]);
        }

        /// Writes a line about something that is broken.
        pub fn error(&self, message: impl std::fmt::Display) {
            self.log($crate::Level::Error, message, &[]);
        }

        /// The attempt's time. It does not change during the attempt.
        #[must_use]
        pub fn now(&self) -> std::time::SystemTime {
            std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(self.now_ms())
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
    };
}
pub(crate) use attempt_methods;
