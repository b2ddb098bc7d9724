//! The history of a consumer's activations: the newest ones, in order, with the outcome of each.
//!
//! The history is part of the consumer's record, so it changes in the transaction of the change itself. The
//! code and settings of an activation are in its [`super::Activation`], which the tables keep by its number.

use serde::{Deserialize, Serialize};
use serde_repr::{Deserialize_repr, Serialize_repr};

use crate::{ActivationId, Timestamp};

/// How many activations of one consumer are remembered.
const KEPT: usize = 20;

/// Longest error text kept of an activation that was rolled back, in bytes.
const MAX_ERROR_BYTES: usize = 256;

/// The newest activations of one consumer, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActivationHistory(Vec<PastActivation>);

/// One activation and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastActivation {
    /// Its number.
    pub id: ActivationId,
    /// When it took effect.
    pub at: Timestamp,
    /// Its outcome.
    pub outcome: ActivationOutcome,
}

/// The outcome of an activation. Persisted as numbers; never renumber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActivationOutcome {
    /// The activation runs.
    #[serde(rename = "0")]
    Running,
    /// Another activation replaced it.
    #[serde(rename = "1")]
    Replaced {
        /// The activation that replaced it.
        by: ActivationId,
        /// When.
        at: Timestamp,
    },
    /// It was rolled back.
    #[serde(rename = "2")]
    RolledBack(Box<RolledBack>),
    /// Its plugin was removed; the activation runs again if the plugin returns.
    #[serde(rename = "3")]
    Detached {
        /// Since when.
        since: Timestamp,
    },
    /// An operator removed its consumer.
    #[serde(rename = "4")]
    Removed {
        /// When.
        at: Timestamp,
    },
}

/// Details of a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// The activation that replaced it, which runs the version of an earlier activation.
    pub to: ActivationId,
    /// When.
    pub at: Timestamp,
    /// The cause of the rollback.
    pub cause: RollbackCause,
    /// The events of the rolled-back activation until then.
    pub measured: Measure,
    /// The last events of the version before it.
    pub before: Measure,
    /// The first line of one of its errors; empty if it had none.
    pub error: String,
}

/// The cause of a rollback. Persisted as a number; never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize_repr, Deserialize_repr)]
#[repr(u8)]
pub enum RollbackCause {
    /// An operator, by hand.
    Operator = 0,
    /// The runtime, because more events failed than with the version before.
    Probation = 1,
}

/// A number of events, and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Events whose first attempt ended.
    pub events: u32,
    /// Events among these whose first attempt failed, for any cause.
    pub failed: u32,
}

impl RollbackCause {
    /// The word shown to people and programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Probation => "probation",
        }
    }
}

impl RolledBack {
    /// Sets the error to the first line of `error`, cut to 256 bytes.
    #[must_use]
    pub fn with_error(mut self, error: &str) -> Self {
        let line = error.lines().next().unwrap_or_default();
        line.get(..line.floor_char_boundary(MAX_ERROR_BYTES)).unwrap_or_default().clone_into(&mut self.error);
        self
    }
}

impl ActivationHistory {
    /// All activations in the history, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[PastActivation] {
        &self.0
    }

    /// Adds an activation that took effect at `at`.
    pub fn begin(&mut self, id: ActivationId, at: Timestamp) {
        let too_many = (self.0.len() + 1).saturating_sub(KEPT);
        self.0.drain(..too_many);
        self.0.push(PastActivation { id, at, outcome: ActivationOutcome::Running });
    }

    /// Sets the outcome of the newest activation. Only an activation that runs or is detached changes its
    /// outcome; any other outcome is final.
    pub fn end(&mut self, outcome: ActivationOutcome) {
        if let Some(newest) = self.0.last_mut()
            && matches!(newest.outcome, ActivationOutcome::Running | ActivationOutcome::Detached { .. })
        {
            newest.outcome = outcome;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_twenty_are_kept() {
        let mut history = ActivationHistory::default();
        for number in 1..=25 {
            let replaced = ActivationOutcome::Replaced { by: ActivationId(number), at: Timestamp(number) };
            history.end(replaced);
            history.begin(ActivationId(number), Timestamp(number));
        }
        let ids: Vec<u64> = history.entries().iter().map(|entry| entry.id.0).collect();
        assert_eq!(ids, (6..=25).collect::<Vec<_>>());
        assert_eq!(history.entries().last().unwrap().outcome, ActivationOutcome::Running);
    }

    #[test]
    fn only_what_runs_or_may_run_again_comes_to_something_else() {
        let mut history = ActivationHistory::default();
        history.end(ActivationOutcome::Running);
        assert!(history.entries().is_empty());
        history.begin(ActivationId(1), Timestamp(1));
        for outcome in [
            ActivationOutcome::Detached { since: Timestamp(2) },
            ActivationOutcome::Running,
            ActivationOutcome::Removed { at: Timestamp(3) },
        ] {
            history.end(outcome.clone());
            assert_eq!(history.entries()[0].outcome, outcome);
        }
        history.end(ActivationOutcome::Running);
        assert_eq!(history.entries()[0].outcome, ActivationOutcome::Removed { at: Timestamp(3) });
    }

    #[test]
    fn an_error_is_cut_to_the_first_line_between_characters() {
        let rolled_back = RolledBack {
            to: ActivationId(1),
            at: Timestamp(1),
            cause: RollbackCause::Operator,
            measured: Measure::default(),
            before: Measure::default(),
            error: String::new(),
        };
        assert_eq!(rolled_back.clone().with_error("one\ntwo").error, "one");
        assert_eq!(rolled_back.clone().with_error(&"é".repeat(200)).error, "é".repeat(128));
        assert_eq!(rolled_back.with_error("").error, "");
    }
}
