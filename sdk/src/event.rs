//! The event that a handler receives.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use crate::{
    codec::{self, Decode, Encoding},
    error::Result,
};

/// A CloudEvents 1.0 event whose data has been decoded to `T`.
///
/// ```
/// use camshaft_sdk::prelude::*;
///
/// let event = Event::new("order.placed", 7);
/// assert_eq!(event.event_type, "order.placed");
/// assert_eq!(event.data, 7);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<T> {
    /// Unique within `source`.
    pub id: String,
    /// The event's producer; `/plugins/<name>` if a plugin published it.
    pub source: String,
    /// What happened, such as `order.placed`.
    pub event_type: String,
    /// The thing that the event is about.
    pub subject: Option<String>,
    /// When it happened, as an RFC 3339 timestamp.
    pub time: Option<String>,
    /// The media type of the published data. If absent, JSON.
    pub datacontenttype: Option<String>,
    /// The URI of a schema for the data.
    pub dataschema: Option<String>,
    /// The ordering key. If absent, the subject is the key.
    pub partitionkey: Option<String>,
    /// All other attributes in ascending order of their names; see [`Event::extension`].
    pub extensions: Vec<(String, String)>,
    /// The decoded data.
    pub data: T,
}

/// Undecoded data of any media type. `Event<Bytes>` accepts every event. Published `Bytes` are sent
/// unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl<T> Event<T> {
    /// Creates an event for a test, with `/test` as its source. The other attributes are public fields.
    pub fn new(event_type: impl Into<String>, data: T) -> Self {
        Self {
            id: "1".to_owned(),
            source: "/test".to_owned(),
            event_type: event_type.into(),
            subject: None,
            time: None,
            datacontenttype: None,
            dataschema: None,
            partitionkey: None,
            extensions: Vec::new(),
            data,
        }
    }

    /// The ordering key: `partitionkey`, else `subject`, else none.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.partitionkey.as_deref().or(self.subject.as_deref())
    }

    /// Returns an extension attribute, such as `traceparent`.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The correlation id, shared by all events that follow from one first event: its own `correlationid`,
    /// else `<source hash>-<id>`.
    #[must_use]
    pub fn correlation_id(&self) -> Cow<'_, str> {
        match self.extension("correlationid") {
            Some(given) => Cow::Borrowed(given),
            None => Cow::Owned(format!("{:016x}-{}", xxh3_64(self.source.as_bytes()), self.id)),
        }
    }

    /// The encoding of the data according to its media type. None if it is neither JSON nor MessagePack.
    #[must_use]
    pub fn encoding(&self) -> Option<Encoding> {
        Encoding::of(self.datacontenttype.as_deref())
    }

    /// The same event with other data.
    pub(crate) fn with_data<U>(self, data: U) -> (Event<U>, T) {
        let event = Event {
            id: self.id,
            source: self.source,
            event_type: self.event_type,
            subject: self.subject,
            time: self.time,
            datacontenttype: self.datacontenttype,
            dataschema: self.dataschema,
            partitionkey: self.partitionkey,
            extensions: self.extensions,
            data,
        };
        (event, self.data)
    }
}

impl Event<Bytes> {
    /// Decodes the data according to its media type.
    ///
    /// # Errors
    /// A reject that names the event's type, the expected Rust type and the location in the data.
    pub fn decode<T: Decode>(mut self) -> Result<Event<T>> {
        let bytes = std::mem::take(&mut self.data);
        let data = codec::decode(&self.event_type, self.datacontenttype.as_deref(), bytes)?;
        Ok(self.with_data(data).0)
    }
}
