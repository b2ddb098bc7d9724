//! Events as they come out of the log, and the answer to publishing one.

use std::sync::Arc;

use camshaft_event::{Event, Offset};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a published event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Its place in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// Whether it was in the log already, so that nothing was added.
    pub duplicate: bool,
    /// How many attached consumers want it, by its type and their filters. With 0 the type may be misspelt, or the plugin
    /// is yet to come.
    #[serde(default)]
    pub handled_by: u64,
}

/// Where the published events stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipts {
    /// One for each event, in the order of the request.
    pub results: Vec<Receipt>,
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place.
    pub offset: Offset,
    /// The event.
    pub event: Arc<Event>,
}
