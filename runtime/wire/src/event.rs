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
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place.
    pub offset: Offset,
    /// The event.
    pub event: Arc<Event>,
}
