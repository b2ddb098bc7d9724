//! A redrive job: it selects dead letters of one consumer once and redrives them one after another.
//!
//! The tables keep the newest jobs with their results. The engine starts and runs them.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_repr::{Deserialize_repr, Serialize_repr};

use crate::{Event, FailureCause, Offset, RedriveId, Sequence, Timestamp, TypePattern};

/// The dead letters of a consumer that a job selects. An absent condition matches every dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveSelection {
    /// The consumer.
    pub consumer: String,
    /// The type of the event.
    pub event_type: Option<TypePattern>,
    /// The failure cause of the last attempt.
    pub reason: Option<FailureCause>,
    /// The event became a dead letter at this time or later.
    pub since: Option<Timestamp>,
    /// The event became a dead letter before this time.
    pub until: Option<Timestamp>,
}

impl RedriveSelection {
    /// Whether the job selects a dead letter of its consumer with this event type, failure cause of the last
    /// attempt, and time at which it became a dead letter.
    #[must_use]
    pub fn matches(&self, event_type: &str, reason: Option<FailureCause>, at: Timestamp) -> bool {
        self.event_type.as_ref().is_none_or(|pattern| pattern.matches(event_type))
            && self.reason.is_none_or(|wanted| reason == Some(wanted))
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
    }
}

/// The state of a job. Persisted as a number; never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize_repr, Deserialize_repr)]
#[repr(u8)]
pub enum RedriveState {
    /// Some selected dead letters are not processed yet.
    Running = 0,
    /// All selected dead letters are processed.
    Done = 1,
    /// An operator cancelled the job; dead letters that it had redriven stay redriven.
    Cancelled = 2,
}

/// A redrive job; the whole record is written with each dead letter that the job redrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveJob {
    /// Its number, never reused; the first is 1.
    pub id: RedriveId,
    /// The conditions for the dead letters that exist at its start.
    pub selection: RedriveSelection,
    /// The last transaction before its start. Later dead letters are not selected.
    pub as_of: Sequence,
    /// Maximum dead letters per second. If absent, the job runs as fast as space allows.
    pub per_second: Option<NonZeroU32>,
    /// Its state.
    pub state: RedriveState,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it was done or cancelled.
    pub ended_at: Option<Timestamp>,
    /// All selected dead letters before this offset are processed.
    pub next: Offset,
    /// The earliest time of the next redrive by the rate, in microseconds since the Unix epoch.
    pub due_us: u64,
    /// Dead letters that the job selected at its start.
    pub selected: u64,
    /// Selected dead letters that the job has redriven.
    pub redriven: u64,
    /// Selected dead letters that no longer existed when their turn came: redriven by hand, discarded, or
    /// dropped by a reset. Known after the job has ended.
    pub gone: u64,
}

/// The results of the dead letters that a job has redriven. The others still wait, were dropped by a reset,
/// or ended when the tables no longer kept the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveResults {
    /// Redriven events whose handler succeeded.
    pub handled: u64,
    /// Redriven events that became dead letters again, even if those were redriven or discarded later.
    pub dead_again: u64,
}

/// Changes of redrive jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveChanged {
    /// Jobs that started, progressed, ended, or are removed.
    pub jobs: Vec<RedriveChange>,
    /// The new results of jobs.
    pub results: Vec<(RedriveId, RedriveResults)>,
    /// The runtime's system events about the changes.
    pub events: Vec<Event>,
}

/// The new value of a redrive job; `None` removes the job and its results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveChange {
    /// The job.
    pub id: RedriveId,
    /// The whole value.
    pub job: Option<Box<RedriveJob>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_takes_what_all_its_parts_match() {
        let all = RedriveSelection {
            consumer: "stock".into(),
            event_type: None,
            reason: None,
            since: None,
            until: None,
        };
        let letter = |selection: &RedriveSelection| {
            selection.matches("order.placed", Some(FailureCause::Trap), Timestamp(10))
        };
        assert!(letter(&all));
        let narrowed = RedriveSelection {
            event_type: Some("order.*".parse().unwrap()),
            reason: Some(FailureCause::Trap),
            since: Some(Timestamp(10)),
            until: Some(Timestamp(11)),
            ..all
        };
        assert!(letter(&narrowed));
        for other in [
            RedriveSelection { event_type: Some("order.paid".parse().unwrap()), ..narrowed.clone() },
            RedriveSelection { reason: Some(FailureCause::Reject), ..narrowed.clone() },
            RedriveSelection { since: Some(Timestamp(11)), ..narrowed.clone() },
            RedriveSelection { until: Some(Timestamp(10)), ..narrowed.clone() },
        ] {
            assert!(!letter(&other), "{other:?}");
        }
    }
}
