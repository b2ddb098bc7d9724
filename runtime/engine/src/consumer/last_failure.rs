//! The failure that a consumer met last, whatever became of its event.
//!
//! In memory only, and no work for what succeeds. A start finds it again with the events that are held or
//! dead, so one whose event was handled since, dropped or is forgotten is not found again.

use camshaft_event::{ActivationId, FailedAttempt, FailureCause, Offset, Timestamp};

use super::Consumer;
use crate::notice::first_line;

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// The event.
    pub offset: Offset,
    /// When.
    pub at: Timestamp,
    /// What ran.
    pub activation: ActivationId,
    /// What kind of failure.
    pub cause: FailureCause,
    /// The first line of its error, at most 512 bytes.
    pub error: String,
}

impl LastFailure {
    fn of(offset: Offset, failed: &FailedAttempt) -> Self {
        let FailedAttempt { at, activation, cause, ref error, .. } = *failed;
        Self { offset, at, activation, cause, error: first_line(error) }
    }
}

impl Consumer {
    /// The failure that it met last.
    pub(crate) fn last_failure(&self) -> Option<&LastFailure> {
        self.last_failure.as_ref()
    }

    /// An attempt has failed now.
    pub(crate) fn keep_failure(&mut self, offset: Offset, failed: &FailedAttempt) {
        self.last_failure = Some(LastFailure::of(offset, failed));
    }

    /// An attempt had failed when the process began; the latest one counts.
    pub(crate) fn recall_failure(&mut self, offset: Offset, failed: Option<&FailedAttempt>) {
        let is_later =
            |failed: &&FailedAttempt| self.last_failure.as_ref().is_none_or(|known| known.at <= failed.at);
        if let Some(failed) = failed.filter(is_later) {
            self.keep_failure(offset, failed);
        }
    }
}
