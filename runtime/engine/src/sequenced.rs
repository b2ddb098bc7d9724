//! An event in its place, as it goes from the sequencer or the log to the partitions of its consumers.

use std::sync::Arc;

use camshaft_event::{Event, Offset, Timestamp};

/// An event that has its place in the log.
#[derive(Clone, Debug)]
pub struct Sequenced {
    /// Its place.
    pub offset: Offset,
    /// When it got it, by its transaction.
    pub at: Timestamp,
    /// The event.
    pub event: Arc<Event>,
}
