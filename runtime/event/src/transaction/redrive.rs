//! A redrive job: dead letters of one consumer, selected once, sent back one after another.
//!
//! The tables keep the newest jobs, each with what came of it. The engine starts and drives them.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_repr::{Deserialize_repr, Serialize_repr};

use crate::{Event, FailureCause, Offset, RedriveId, Sequence, Timestamp, TypePattern};

/// Which dead letters of a consumer a job takes; what is absent does not select.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveSelection {
    /// Whose dead letters.
    pub consumer: String,
    /// The type of the event.
    pub event_type: Option<TypePattern>,
    /// How its last attempt failed.
    pub reason: Option<FailureCause>,
    /// It became a dead letter at this time or later.
    pub since: Option<Timestamp>,
    /// It became a dead letter before this time.
    pub until: Option<Timestamp>,
}

impl RedriveSelection {
    /// Whether it takes a dead letter of its consumer: one of an event of `event_type`, whose last attempt failed
    /// for `reason`, and that became one at `at`.
    #[must_use]
    pub fn matches(&self, event_type: &str, reason: Option<FailureCause>, at: Timestamp) -> bool {
        self.event_type.as_ref().is_none_or(|pattern| pattern.matches(event_type))
            && self.reason.is_none_or(|wanted| reason == Some(wanted))
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
    }
}

/// How far a job is. Persisted as a number, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize_repr, Deserialize_repr)]
#[repr(u8)]
pub enum RedriveState {
    /// Dead letters are left to be looked at.
    Running = 0,
    /// It has dealt with all that it had selected.
    Done = 1,
    /// An operator stopped it; what it had redriven stays redriven.
    Cancelled = 2,
}

/// A redrive job; written whole with each dead letter that it sends back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveJob {
    /// Its number, never reused; the first is 1.
    pub id: RedriveId,
    /// What it takes of what was dead when it was started.
    pub selection: RedriveSelection,
    /// The last transaction before its start: what became a dead letter later is not selected.
    pub as_of: Sequence,
    /// Dead letters per second; as many as there is room for if absent.
    pub per_second: Option<NonZeroU32>,
    /// How far it is.
    pub state: RedriveState,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it was done or cancelled.
    pub ended_at: Option<Timestamp>,
    /// Its dead letters before this offset have been dealt with.
    pub next: Offset,
    /// By its rate, the next one is not redriven before; in microseconds since the Unix epoch.
    pub due_us: u64,
    /// Dead letters that it took at its start.
    pub selected: u64,
    /// Those of them that it has sent back to their consumer.
    pub redriven: u64,
    /// Those of them that were gone when their turn came: redriven by hand, discarded, or dropped with a reset. Known
    /// once the job has ended.
    pub gone: u64,
}

/// What became of the dead letters that a job has redriven. The others still wait, were dropped with a reset, or ended
/// when the tables no longer kept the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveResults {
    /// Their handler succeeded since.
    pub handled: u64,
    /// They became dead letters again, whatever happened to those then.
    pub dead_again: u64,
}

/// Changes of redrive jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveChanged {
    /// Jobs that were started, got on, ended, or are forgotten.
    pub jobs: Vec<RedriveChange>,
    /// The new results of jobs.
    pub results: Vec<(RedriveId, RedriveResults)>,
    /// What the runtime says about it.
    pub events: Vec<Event>,
}

/// The new value of a redrive job; forgotten with its results if absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveChange {
    /// Which job.
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
