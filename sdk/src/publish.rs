//! The long form of publishing: an event with attributes of its own.

use std::time::SystemTime;

use crate::{
    codec::Encode,
    error::{Error, Result},
    host::{Host, NewEvent},
};

/// An event in preparation, from [`Context::event`](crate::Context::event). What is not set here is the
/// cause's: its subject, and its ordering key.
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

    /// The thing that it is about.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.event.subject = Some(subject.into());
        self
    }

    /// The ordering key: events of equal key are handled one after another.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.event.partitionkey = Some(key.into());
        self
    }

    /// When it happened, as an RFC 3339 timestamp. Not set, it is the attempt's time.
    pub fn time(mut self, time: impl Into<String>) -> Self {
        self.event.time = Some(time.into());
        self
    }

    /// The media type that the data is written as, JSON unless set. Of data that serde writes it is a JSON
    /// or MessagePack type; of [`Bytes`](crate::Bytes) any.
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.event.datacontenttype = Some(media_type.into());
        self
    }

    /// The URI of a schema of the data.
    pub fn schema(mut self, uri: impl Into<String>) -> Self {
        self.event.dataschema = Some(uri.into());
        self
    }

    /// A further attribute; its name consists of lower-case letters and digits.
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.event.extensions.push((name.into(), value.into()));
        self
    }

    /// Publishes the event.
    ///
    /// # Errors
    /// As [`Context::publish`](crate::Context::publish); also if an attribute is malformed or reserved.
    pub fn publish(self) -> Result {
        let host = self.host;
        host.publish(self.encoded()?)
    }

    /// Sets the timer `name`: the event is published at `at`, or soon after.
    ///
    /// # Errors
    /// As [`EventBuilder::publish`]; also if `name` is empty or too long.
    pub fn schedule(self, name: &str, at: SystemTime) -> Result {
        let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let at_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let host = self.host;
        host.schedule(name, self.encoded()?, at_ms)
    }

    fn encoded(mut self) -> Result<NewEvent> {
        let media_type = self.event.datacontenttype.get_or_insert_with(|| "application/json".to_owned());
        self.event.data = self.data.encode(Some(media_type)).map_err(|reason| {
            Error::reject(format_args!("data of `{}` cannot be written: {reason}", self.event.event_type))
        })?;
        Ok(self.event)
    }
}
