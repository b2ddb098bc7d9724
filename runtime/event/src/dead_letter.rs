//! A dead letter: an event set aside for one consumer, with the history of its attempts.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_repr::{Deserialize_repr, Serialize_repr};

use crate::{ActivationId, Event, Sequence, Timestamp};

/// How many of the first, and how many of the last, attempts are kept.
const KEPT_EACH: usize = 10;

/// Longest error text kept of one attempt, in bytes.
const MAX_ERROR_BYTES: usize = 8 * 1024;

/// Why an attempt failed. Persisted as a number, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize_repr, Deserialize_repr)]
#[repr(u8)]
pub enum FailureCause {
    /// The handler asked for another attempt.
    Retry = 0,
    /// The handler rejected the event.
    Reject = 1,
    /// The guest trapped: a panic, an access out of bounds, an unreachable instruction.
    Trap = 2,
    /// The attempt exceeded its deadline.
    Deadline = 3,
    /// The guest requested more memory than its limit.
    Memory = 4,
    /// The guest overflowed its stack.
    Stack = 5,
    /// An effect was refused: an undeclared type, a limit on what one attempt may write or publish.
    Refused = 6,
    /// The chain of events is longer than `max_hops`.
    Hops = 7,
    /// A closure panicked.
    Panic = 8,
    /// The process ended during an attempt, and then three more times while the event ran alone.
    ProcessEnd = 9,
    /// Another call changed state that this call had read, and this call must not be repeated.
    Conflict = 10,
}

impl FailureCause {
    /// All causes, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Retry,
        Self::Reject,
        Self::Trap,
        Self::Deadline,
        Self::Memory,
        Self::Stack,
        Self::Refused,
        Self::Hops,
        Self::Panic,
        Self::ProcessEnd,
        Self::Conflict,
    ];

    /// The cause whose [`FailureCause::code`] is `code`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }

    /// Whether the event becomes a dead letter at once, even if attempts are left.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Reject | Self::Refused | Self::Hops | Self::ProcessEnd | Self::Conflict)
    }

    /// The kebab-case code shown to people and programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Reject => "reject",
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Refused => "refused-effect",
            Self::Hops => "too-many-hops",
            Self::Panic => "panic",
            Self::ProcessEnd => "process-end",
            Self::Conflict => "conflict",
        }
    }
}

/// One failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Its number, from 1, counted since the first attempt or the last redrive.
    pub attempt: u32,
    /// The attempt's time.
    pub at: Timestamp,
    /// The activation that ran.
    pub activation: ActivationId,
    /// The kind of failure.
    pub cause: FailureCause,
    /// Message, panic text and backtrace; at most 8 KiB.
    pub error: String,
}

impl FailedAttempt {
    /// Creates a failed attempt and cuts `error` to 8 KiB at a character boundary.
    #[must_use]
    pub fn new(
        attempt: u32,
        at: Timestamp,
        activation: ActivationId,
        cause: FailureCause,
        mut error: String,
    ) -> Self {
        cut(&mut error, MAX_ERROR_BYTES);
        Self { attempt, at, activation, cause, error }
    }

    /// Cuts its error to `max_bytes`.
    pub(crate) fn shorten(&mut self, max_bytes: usize) {
        cut(&mut self.error, max_bytes);
    }
}

/// The first and the last ten failed attempts of one event for one consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptHistory {
    /// Number of failed attempts, including those that are no longer kept.
    pub total: u64,
    /// The first ten attempts, in order.
    pub first: Vec<FailedAttempt>,
    /// The last ten attempts after these, in order.
    pub last: VecDeque<FailedAttempt>,
}

impl AttemptHistory {
    /// Adds the newest failed attempt.
    pub fn push(&mut self, attempt: FailedAttempt) {
        self.total += 1;
        if self.first.len() < KEPT_EACH {
            self.first.push(attempt);
            return;
        }
        if self.last.len() == KEPT_EACH {
            self.last.pop_front();
        }
        self.last.push_back(attempt);
    }

    /// The newest failed attempt.
    #[must_use]
    pub fn latest(&self) -> Option<&FailedAttempt> {
        self.last.back().or(self.first.last())
    }

    /// Approximate size of the kept attempts in bytes. Bounds are checked with it.
    #[must_use]
    pub fn size(&self) -> usize {
        self.kept().map(|attempt| attempt.error.len() + 32).sum()
    }

    /// Cuts every error to `max_bytes`, for an event so large that little space is left for its history.
    pub fn shorten(&mut self, max_bytes: usize) {
        self.first.iter_mut().chain(&mut self.last).for_each(|attempt| attempt.shorten(max_bytes));
    }

    /// The kept attempts, oldest first.
    pub fn kept(&self) -> impl Iterator<Item = &FailedAttempt> {
        self.first.iter().chain(&self.last)
    }
}

/// Cuts `text` to `max_bytes` at a character boundary.
fn cut(text: &mut String, max_bytes: usize) {
    text.truncate(text.floor_char_boundary(max_bytes));
}

/// The inputs of the last attempt, from which it can be run again elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptInputs {
    /// State values in the order in which they were read; `None` for an absent key.
    pub state: Vec<(ByteBuf, Option<ByteBuf>)>,
    /// Whether values are missing because all values together exceed 64 KiB.
    pub truncated: bool,
}

/// An event that one consumer could not handle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The event, by value: a dead letter never pins the log.
    pub event: Event,
    /// When it became a dead letter.
    pub at: Timestamp,
    /// Whether later events of its key are parked behind it.
    pub parks: bool,
    /// Number of redrives.
    pub redrives: u32,
    /// Its failed attempts; the last one states why the event became a dead letter.
    pub history: AttemptHistory,
    /// The inputs of the last attempt.
    pub inputs: AttemptInputs,
    /// The transaction in which the event became a dead letter. The tables set it when they apply that
    /// transaction. It is 0 before that and in dead letters of older versions.
    #[serde(default)]
    pub since: Sequence,
    /// When the event was sequenced. Older versions did not store it.
    #[serde(default)]
    pub sequenced_at: Option<Timestamp>,
}

impl DeadLetter {
    /// Approximate size in bytes, including the history and the inputs. Bounds are checked with it.
    #[must_use]
    pub fn size(&self) -> usize {
        let value_bytes = |value: &Option<ByteBuf>| value.as_ref().map_or(0, |value| value.len());
        let inputs: usize =
            self.inputs.state.iter().map(|(key, value)| key.len() + value_bytes(value) + 16).sum();
        self.event.size() + self.history.size() + inputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: u32) -> FailedAttempt {
        FailedAttempt::new(number, Timestamp(0), ActivationId(1), FailureCause::Retry, "é".repeat(5000))
    }

    #[test]
    fn history_keeps_the_first_and_the_last_ten() {
        let mut history = AttemptHistory::default();
        (1..=25).for_each(|number| history.push(attempt(number)));
        let kept: Vec<u32> = history.kept().map(|attempt| attempt.attempt).collect();
        assert_eq!(kept, (1..=10).chain(16..=25).collect::<Vec<_>>());
        assert_eq!((history.total, history.latest().map(|latest| latest.attempt)), (25, Some(25)));
    }

    #[test]
    fn what_older_versions_wrote_is_read() {
        let (event, at) = (Event::default(), Timestamp(5));
        let (history, inputs) = (AttemptHistory::default(), AttemptInputs::default());
        let without_since = rmp_serde::to_vec(&(&event, at, true, 1_u32, &history, &inputs)).unwrap();
        let without_sequenced_at =
            rmp_serde::to_vec(&(&event, at, true, 1_u32, &history, &inputs, Sequence(3))).unwrap();
        for (bytes, since) in [(without_since, Sequence(0)), (without_sequenced_at, Sequence(3))] {
            let letter: DeadLetter = rmp_serde::from_slice(&bytes).unwrap();
            assert_eq!((letter.at, letter.since, letter.sequenced_at), (at, since, None));
        }
    }

    #[test]
    fn every_cause_there_is_has_a_code_that_names_it() {
        let known: Vec<FailureCause> = (0..=u8::MAX)
            .filter_map(|number| rmp_serde::from_slice(&rmp_serde::to_vec(&number).ok()?).ok())
            .collect();
        assert_eq!(known, FailureCause::ALL);
        for cause in known {
            assert_eq!(FailureCause::from_code(cause.code()), Some(cause));
        }
        assert_eq!(FailureCause::from_code("Retry"), None);
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        assert_eq!(attempt(1).error.len(), 8192);
        assert!(attempt(1).error.ends_with('é'));
    }
}
