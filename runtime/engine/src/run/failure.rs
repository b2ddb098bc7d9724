//! Why an attempt failed.

use camshaft_event::{Answer, EffectError, FailureCause, Limit, Scope};
use camshaft_tables::TablesError;

use crate::suspects::MAX_LONE_ENDS;

pub(super) struct Failure {
    pub(super) cause: FailureCause,
    pub(super) error: String,
    /// When the handler asked for another attempt, if it did.
    pub(super) after_ms: Option<u64>,
}

impl Failure {
    /// The process ended while the event was handled, and as often as it takes while nothing else ran.
    pub(super) fn process_end() -> Self {
        let error = format!(
            "the process ended while it handled this event, and {MAX_LONE_ENDS} more times while nothing \
             else ran: the handler, or a runtime function it calls, takes the process down"
        );
        Self { cause: FailureCause::ProcessEnd, error, after_ms: None }
    }

    /// What a call had read was changed meanwhile, and it must not be repeated.
    pub(super) fn conflict() -> Self {
        let error = "the call was made, but its effects could not commit: another call of this sink \
                     changed state that this call had read, or used up the timers. \
                     Set `max_in_flight = 1` to avoid this";
        Self { cause: FailureCause::Conflict, error: error.to_owned(), after_ms: None }
    }

    /// What a call wanted to read is damaged, and it must not be repeated.
    pub(super) fn unread(error: &TablesError) -> Self {
        let error = format!("the call was made, but its effects could not commit: {error}");
        Self { cause: FailureCause::Refused, error, after_ms: None }
    }

    /// A closure recorded facts and did not fold them.
    pub(super) fn without_fold(scope: &Scope) -> Self {
        let error = format!("facts about scope \"{scope}\" were recorded, but not folded: call `fold_facts`");
        Self { cause: FailureCause::Refused, error, after_ms: None }
    }

    /// The effects of one attempt make a transaction of `bytes`.
    pub(super) fn too_large(bytes: usize, limit: usize) -> Self {
        let (actual, limit) = (bytes as u64, limit as u64);
        let refusal = EffectError::Limit { kind: Limit::Transaction, actual, limit };
        Self { cause: FailureCause::Refused, error: refusal.to_string(), after_ms: None }
    }
}

/// Why the attempt failed, if it did. A refused effect decides, whatever the handler made of it.
pub(super) fn failure(answer: Answer, refusal: Option<&EffectError>) -> Option<Failure> {
    if let Some(refusal) = refusal {
        let cause = match refusal {
            EffectError::Hops { .. } => FailureCause::Hops,
            // An operator can make room, and then the same command can be decided.
            EffectError::Limit { kind: Limit::Kept, .. } => FailureCause::Retry,
            _ => FailureCause::Refused,
        };
        return Some(Failure { cause, error: refusal.to_string(), after_ms: None });
    }
    match answer {
        Answer::Done => None,
        Answer::Retry { after_ms, reason } => {
            Some(Failure { cause: FailureCause::Retry, error: reason, after_ms })
        }
        Answer::Reject { reason } => {
            Some(Failure { cause: FailureCause::Reject, error: reason, after_ms: None })
        }
        Answer::Failed { cause, error } => Some(Failure { cause, error, after_ms: None }),
    }
}
