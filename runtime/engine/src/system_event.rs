//! The runtime's own events: `camshaft.*`, source `/camshaft`.
//!
//! Each goes into the transaction that it tells about. Its id is unique by construction, so it is not entered
//! in the dedupe index. Data is JSON. No wildcard matches these types unless it starts with `camshaft.`.

use camshaft_event::{Event, Timestamp, reserved};

use crate::clock::rfc3339;

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
        source: reserved::SOURCE.to_owned(),
        event_type: format!("{}.{event_type}", reserved::TYPE),
        subject: Some(subject.to_owned()),
        time: Some(rfc3339(at)),
        datacontenttype: Some("application/json".to_owned()),
        data: data.to_string().into_bytes(),
        ..Event::default()
    }
}
