//! The runtime's own events: `camshaft.*`, source `/camshaft`.
//!
//! Each goes into the transaction that it tells about. Its id is unique by construction, so it is not entered
//! in the dedupe index. Data is JSON. No wildcard matches these types unless it starts with `camshaft.`.

use camshaft_event::{Event, Timestamp};

use crate::clock::rfc3339;

/// Source of all system events; producers may not use it.
pub(crate) const SOURCE: &str = "/camshaft";

/// First segment of their types; producers and plugins may not use it.
pub(crate) const TYPE_PREFIX: &str = "camshaft.";

/// Builds a system event about `subject`. `id` must be unique among system events.
pub(crate) fn system_event(
    event_type: &str,
    id: String,
    subject: &str,
    at: Timestamp,
    data: &serde_json::Value,
) -> Event {
    Event {
        id,
        source: SOURCE.to_owned(),
        event_type: format!("{TYPE_PREFIX}{event_type}"),
        subject: Some(subject.to_owned()),
        time: Some(rfc3339(at)),
        datacontenttype: Some("application/json".to_owned()),
        data: data.to_string().into_bytes(),
        ..Event::default()
    }
}
