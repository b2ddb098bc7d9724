//! A held event. The tables keep it by value because it is being retried, or because an earlier event of its
//! key is being retried or is a dead letter.

use serde::{Deserialize, Serialize};

use crate::{AttemptHistory, Event, FailedAttempt, RedriveId, Timestamp};

/// An event that waits outside the log for its (next) attempt by one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldEvent {
    /// The event, by value: a held event never pins the log.
    pub event: Event,
    /// Failed attempts since the first attempt or the last redrive; 0 if the event waits behind another one.
    pub attempts: u32,
    /// The time of the first of these attempts.
    pub first_attempt: Option<Timestamp>,
    /// The earliest time of the next attempt.
    pub due: Timestamp,
    /// Number of redrives.
    pub redrives: u32,
    /// All its failed attempts.
    pub history: AttemptHistory,
    /// The redrive job that sent the event back, if one did since it was last a dead letter.
    #[serde(default)]
    pub redriven_by: Option<RedriveId>,
    /// When the event was sequenced. Older versions did not store it.
    #[serde(default)]
    pub sequenced_at: Option<Timestamp>,
    /// The attempt that failed while its activation was on probation. It is not counted, and the event waits
    /// until the probation ends.
    #[serde(default)]
    pub suspended: Option<Box<FailedAttempt>>,
    /// Attempts that answered `retry` while their activation was on probation. They do not count towards
    /// `max_attempts`.
    #[serde(default)]
    pub uncounted: u32,
    /// When the event became held. Older versions did not store it.
    #[serde(default)]
    pub held_since: Option<Timestamp>,
}

impl HeldEvent {
    /// An event that has not been tried and waits behind another of its key.
    #[must_use]
    pub fn waiting(event: Event, sequenced_at: Option<Timestamp>) -> Self {
        Self {
            event,
            attempts: 0,
            first_attempt: None,
            due: Timestamp(0),
            redrives: 0,
            history: AttemptHistory::default(),
            redriven_by: None,
            sequenced_at,
            suspended: None,
            uncounted: 0,
            held_since: None,
        }
    }

    /// The number of the next attempt, from 1.
    #[must_use]
    pub const fn next_attempt(&self) -> u32 {
        self.attempts.saturating_add(1)
    }

    /// The last failed attempt, counted or not; none before the first failure.
    #[must_use]
    pub fn last_failure(&self) -> Option<&FailedAttempt> {
        self.suspended.as_deref().or_else(|| self.history.latest())
    }

    /// Whether any attempt has failed, counted or not.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.history.total > 0 || self.suspended.is_some()
    }

    /// Cuts every error to `max_bytes`, for an event so large that little space is left for its history.
    pub fn shorten(&mut self, max_bytes: usize) {
        self.history.shorten(max_bytes);
        if let Some(attempt) = &mut self.suspended {
            attempt.shorten(max_bytes);
        }
    }

    /// Approximate size in bytes, including the history of attempts. Bounds are checked with it.
    #[must_use]
    pub fn size(&self) -> usize {
        let suspended = self.suspended.as_ref().map_or(0, |attempt| attempt.error.len() + 32);
        self.event.size() + self.history.size() + suspended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_older_versions_wrote_is_read() {
        let held = HeldEvent { attempts: 2, due: Timestamp(7), ..HeldEvent::waiting(Event::default(), None) };
        let (none, history) = (None::<Timestamp>, AttemptHistory::default());
        let without_redriven_by = (&held.event, 2_u32, none, Timestamp(7), 0_u32, &history);
        let without_sequenced_at = (&held.event, 2_u32, none, Timestamp(7), 0_u32, &history, none);
        let without_suspended = (&held.event, 2_u32, none, Timestamp(7), 0_u32, &history, none, none);
        let without_uncounted = (&held.event, 2_u32, none, Timestamp(7), 0_u32, &history, none, none, none);
        let without_held_since =
            (&held.event, 2_u32, none, Timestamp(7), 0_u32, &history, none, none, none, 0_u32);
        for bytes in [
            rmp_serde::to_vec(&without_held_since),
            rmp_serde::to_vec(&without_redriven_by),
            rmp_serde::to_vec(&without_sequenced_at),
            rmp_serde::to_vec(&without_suspended),
            rmp_serde::to_vec(&without_uncounted),
        ] {
            assert_eq!(rmp_serde::from_slice::<HeldEvent>(&bytes.unwrap()).unwrap(), held);
        }
    }
}
