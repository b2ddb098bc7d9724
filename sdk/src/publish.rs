//! The long form of publishing: an event with explicit attributes.

use std::time::SystemTime;

use crate::{
    codec::Encode,
    error::{Error, Result},
    host::{Host, NewEvent},
};

/// Defines the methods that [`EventBuilder`] and [`Record`](crate::Record) have in common. Each has a field
/// `event`.
macro_rules! event_attributes {
    () => {
        /// Sets the time of the event, as an RFC 3339 timestamp. The default is the attempt's time.
        pub fn time(mut self, time: impl Into<String>) -> Self {
            self.event.time = Some(time.into());
            self
        }

        /// Sets the media type of the data. The default is JSON. Data that serde serializes needs a JSON or
        /// MessagePack type; [`Bytes`](crate::Bytes) may have any type.
        pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
            self.event.datacontenttype = Some(media_type.into());
            self
        }

        /// Sets the URI of a schema for the data.
        pub fn schema(mut self, uri: impl Into<String>) -> Self {
            self.event.dataschema = Some(uri.into());
            self
        }

        /// Adds another attribute. Its name consists of lower-case letters and digits.
        pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.event.extensions.push((name.into(), value.into()));
            self
        }
    };
}
pub(crate) use event_attributes;

/// A builder for an event, from [`Context::event`](crate::Context::event). If subject or ordering key are not
/// set, the event inherits them from its cause.
#[must_use = "an event is published by `.publish()` or `.schedule(…)`"]
pub struct EventBuilder<'c, T: ?Sized> {
    host: &'c dyn Host,
    event: NewEvent,
    data: &'c T,
}

impl<'c, T: Encode + ?Sized> EventBuilder<'c, T> {
    pub(crate) fn new(host: &'c dyn Host, event_type: &str, data: &'c T) -> Self {
        let event = NewEvent { event_type: event_type.to_owned(), ..NewEvent::default() };
        Self { host, event, data }
    }

    /// Sets the subject: the thing that the event is about.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.event.subject = Some(subject.into());
        self
    }

    /// Sets the ordering key. Events with equal keys are handled one after another.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.event.partitionkey = Some(key.into());
        self
    }

    event_attributes!();

    /// Publishes the event.
    ///
    /// # Errors
    /// As for [`Context::publish`](crate::Context::publish), and if an attribute is malformed or reserved.
    pub fn publish(self) -> Result {
        let host = self.host;
        host.publish(encoded(self.event, self.data)?)
    }

    /// Sets the timer `name`: the event is published at `at`, or soon after.
    ///
    /// # Errors
    /// As for [`EventBuilder::publish`], and if `name` is empty or too long.
    pub fn schedule(self, name: &str, at: SystemTime) -> Result {
        let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let at_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let host = self.host;
        host.schedule(name, encoded(self.event, self.data)?, at_ms)
    }
}

/// Encodes the data of the event, as JSON unless the event has another media type.
pub(crate) fn encoded<T: Encode + ?Sized>(mut event: NewEvent, data: &T) -> Result<NewEvent> {
    let media_type = event.datacontenttype.get_or_insert_with(|| "application/json".to_owned());
    event.data = data.encode(Some(media_type)).map_err(|reason| {
        Error::reject(format_args!("data of `{}` cannot be encoded: {reason}", event.event_type))
    })?;
    Ok(event)
}
