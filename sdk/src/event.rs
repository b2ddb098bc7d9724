//! The event that a handler is given.

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
    /// Who published it; `/plugins/<name>` if a plugin did.
    pub source: String,
    /// What happened, such as `order.placed`.
    pub event_type: String,
    /// The thing that it is about.
    pub subject: Option<String>,
    /// When it happened, as an RFC 3339 timestamp.
    pub time: Option<String>,
    /// The media type of the data as it was published; absent means JSON.
    pub datacontenttype: Option<String>,
    /// The URI of a schema of the data.
    pub dataschema: Option<String>,
    /// The ordering key; absent, the subject is the key.
    pub partitionkey: Option<String>,
    /// All other attributes by ascending name; see [`Event::extension`].
    pub extensions: Vec<(String, String)>,
    /// What the author's handler works with.
    pub data: T,
}

/// Data of any media type, undecoded: `Event<Bytes>` takes every event, and publishing it sends just these
/// bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl<T> Event<T> {
    /// An event for a test, with `/test` as its source. The other attributes are public fields.
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

    /// An extension attribute, such as `traceparent`.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The id that all events of one story share.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        self.extension("correlationid").unwrap_or(&self.id)
    }

    /// How the data is encoded, by its media type; none if neither as JSON nor as MessagePack.
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
    /// Decodes the data by its media type.
    ///
    /// # Errors
    /// A reject that names the event's type, the expected Rust type and the place in the data.
    pub fn decode<T: Decode>(mut self) -> Result<Event<T>> {
        let bytes = std::mem::take(&mut self.data);
        let data = codec::decode(&self.event_type, self.datacontenttype.as_deref(), bytes)?;
        Ok(self.with_data(data).0)
    }
}
