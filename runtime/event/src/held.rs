//! A held event: kept by value in the tables because it, or one before it of its key, is being retried or is
//! a dead letter.

use serde::{Deserialize, Serialize};

use crate::{AttemptHistory, Event, RedriveId, Timestamp};

/// An event that waits outside the log for its (next) attempt by one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldEvent {
    /// The event, by value: a held event never pins the log.
    pub event: Event,
    /// Failed attempts since it was first tried or last redriven; 0 if it only waits behind another.
    pub attempts: u32,
    /// When the first of those was made.
    pub first_attempt: Option<Timestamp>,
    /// Not to be tried before.
    pub due: Timestamp,
    /// How often it has been redriven.
    pub redrives: u32,
    /// All its failed attempts.
    pub history: AttemptHistory,
    /// The redrive job that sent it back, if one did since it was last a dead letter.
    #[serde(default)]
    pub redriven_by: Option<RedriveId>,
}

impl HeldEvent {
    /// An event that has not been tried and waits behind another of its key.
    #[must_use]
    pub fn waiting(event: Event) -> Self {
        Self {
            event,
            attempts: 0,
            first_attempt: None,
            due: Timestamp(0),
            redrives: 0,
            history: AttemptHistory::default(),
            redriven_by: None,
        }
    }

    /// Roughly how many bytes it takes, with the story of its attempts; for bounds.
    #[must_use]
    pub fn size(&self) -> usize {
        self.event.size() + self.history.size()
    }
}
