//! The call's types: the event as it is lowered into the guest, the answer as it is lifted out.
//!
//! They are written by hand, unlike those of the imports, so that an event is lowered straight from the
//! runtime's own without a copy in between. Wasmtime compares them with the component's types at load.

use std::borrow::Cow;

use camshaft_event::{Answer, Event, without_users};
use wasmtime::component::{ComponentType, Lift, Lower};

/// Longest reason kept of an answer, in bytes.
const MAX_REASON_BYTES: usize = 8 * 1024;

/// `types.event`, borrowed from the runtime's event.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
pub struct EventView<'a> {
    id: &'a str,
    source: &'a str,
    #[component(name = "event-type")]
    event_type: &'a str,
    subject: Option<&'a str>,
    time: Option<&'a str>,
    datacontenttype: Option<&'a str>,
    dataschema: Option<&'a str>,
    partitionkey: Option<&'a str>,
    extensions: &'a [(String, String)],
    data: &'a [u8],
}

impl<'a> EventView<'a> {
    /// The view of `event`.
    pub fn of(event: &'a Event) -> Self {
        Self {
            id: &event.id,
            source: &event.source,
            event_type: &event.event_type,
            subject: event.subject.as_deref(),
            time: event.time.as_deref(),
            datacontenttype: event.datacontenttype.as_deref(),
            dataschema: event.dataschema.as_deref(),
            partitionkey: event.partitionkey.as_deref(),
            extensions: &event.extensions,
            data: &event.data,
        }
    }
}

/// `types.retry`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Retry {
    #[component(name = "after-ms")]
    after_ms: Option<u64>,
    reason: String,
}

/// `types.failure`: what shall become of the event.
#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum Disposition {
    #[component(name = "retry")]
    Retry(Retry),
    #[component(name = "reject")]
    Reject(String),
    #[component(name = "other")]
    Other(String),
}

impl Disposition {
    /// The answer it stands for; `other` counts as retry.
    pub fn into_answer(self) -> Answer {
        match self {
            Self::Retry(Retry { after_ms, reason }) => Answer::Retry { after_ms, reason: bounded(reason) },
            Self::Reject(reason) => Answer::Reject { reason: bounded(reason) },
            Self::Other(reason) => Answer::Retry { after_ms: None, reason: bounded(reason) },
        }
    }
}

/// The guest chooses the length of its reasons, the host how much of them it keeps. Passwords in URLs are not
/// kept.
pub fn bounded(mut text: String) -> String {
    if let Cow::Owned(shown) = without_users(&text) {
        text = shown;
    }
    cut(text, MAX_REASON_BYTES)
}

/// The beginning of `text`, at most `max_bytes` of it.
pub fn cut(mut text: String, max_bytes: usize) -> String {
    if text.len() > max_bytes {
        text.truncate(text.floor_char_boundary(max_bytes));
        text.shrink_to_fit();
    }
    text
}
