//! Events as read from the log, and receipts of published events.

use std::sync::Arc;

use camshaft_event::{Event, Offset};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Receipt of one published event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Offset of the event in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// Whether the event was in the log already, so that nothing was appended.
    pub duplicate: bool,
    /// Number of attached consumers whose subscriptions match the event. If it is 0, the type may be
    /// misspelt, or the plugin may not be deployed yet.
    #[serde(default)]
    pub handled_by: u64,
}

/// Receipts of published events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipts {
    /// One receipt for each event, in the order of the request.
    pub results: Vec<Receipt>,
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its offset.
    pub offset: Offset,
    /// The event.
    pub event: Arc<Event>,
}
