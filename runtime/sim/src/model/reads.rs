//! What handlers did with their state. Each read of an attempt that committed shows the state as of the
//! attempt's place in the log, with what the attempt itself had written by then.

use std::collections::BTreeMap;
use std::fmt;

use camshaft_event::transaction::{Handled, Outcome};
use camshaft_event::{CommandOutcome, ConsumerId, FailureCause, Offset, Scope, StatePage, StoredScope};

use super::commands::{is_expired, is_refusal};
use super::scopes::is_mismatch;
use crate::accounts::is_account;

/// A consumer's state: keys and values.
pub(crate) type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// One use of state by a handler.
pub(crate) enum Operation {
    Get {
        key: Vec<u8>,
        found: Option<Vec<u8>>,
    },
    /// One page.
    Scan {
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        max: usize,
        page: StatePage,
    },
    /// The fold of a scope.
    Load {
        scope: Scope,
        found: Option<Vec<u8>>,
    },
    /// A new value, or none for a key that is deleted.
    Write {
        key: Vec<u8>,
        value: Option<Vec<u8>>,
    },
}

/// What one call of a handler did with its state.
pub(crate) struct AttemptRecord {
    pub(crate) consumer: ConsumerId,
    pub(crate) offset: Offset,
    pub(crate) operations: Vec<Operation>,
    /// What it answered to a command.
    pub(crate) answer: Option<CommandOutcome>,
}

impl AttemptRecord {
    pub(crate) fn new(consumer: ConsumerId, offset: Offset) -> Self {
        Self { consumer, offset, operations: Vec::new(), answer: None }
    }

    /// Compares an attempt that committed as `handled` with the state at its place in the log.
    pub(super) fn check(&self, handled: &Handled, before: &State) {
        let mut written: BTreeMap<&[u8], Option<&[u8]>> = BTreeMap::new();
        for operation in &self.operations {
            match operation {
                Operation::Get { key, found } => {
                    let own = written.get(key.as_slice()).copied();
                    let expected = own.unwrap_or_else(|| before.get(key).map(Vec::as_slice));
                    let is_right = found.as_deref() == expected;
                    assert!(
                        is_right,
                        "{} reads {operation}, but at its place it is {}",
                        self.offset,
                        text(expected)
                    );
                }
                Operation::Load { scope, found } => {
                    let stored = before.get(scope.name().as_bytes());
                    let stored = stored.map(|value| StoredScope::from_bytes(value).expect("it is a scope"));
                    let expected = stored.map(|stored| stored.fold);
                    let is_right = *found == expected;
                    let expected = text(expected.as_deref());
                    assert!(is_right, "{} reads {operation}, but at its place it is {expected}", self.offset);
                }
                Operation::Scan { prefix, after, max, page } => {
                    let expected =
                        visible(before, &written, prefix, (after.as_deref(), page.after.as_deref()));
                    let found = page.entries.iter().map(|(key, value)| (key.as_slice(), value.as_slice()));
                    let is_right = found.eq(expected.iter().map(|(key, value)| (*key, *value)));
                    assert!(
                        is_right,
                        "{} reads {operation}, but at its place it is {}",
                        self.offset,
                        entries(&expected)
                    );
                    assert!(page.entries.len() <= *max, "{} reads too much: {operation}", self.offset);
                    let goes_on = page.after.is_none() || page.after > *after;
                    assert!(goes_on, "{} scans the same again: {operation}", self.offset);
                }
                Operation::Write { key, value } => _ = written.insert(key, value.as_deref()),
            }
        }
        if handled.outcome == Outcome::Done && !is_refusal(handled) {
            let committed = handled
                .state
                .iter()
                .filter(|write| !is_account(&write.key))
                .map(|write| (write.key.as_slice(), write.value.as_ref().map(|value| value.as_slice())));
            assert!(written.into_iter().eq(committed), "what {} has written", self.offset);
        }
    }

    /// The keys that it wrote.
    pub(crate) fn writes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.operations.iter().filter_map(|operation| match operation {
            Operation::Write { key, value } => Some((key.as_slice(), value.as_deref())),
            _ => None,
        })
    }
}

/// The entries under `prefix` behind `after` and up to `until`, in key order.
fn visible<'s>(
    before: &'s State,
    written: &BTreeMap<&'s [u8], Option<&'s [u8]>>,
    prefix: &[u8],
    (after, until): (Option<&[u8]>, Option<&[u8]>),
) -> BTreeMap<&'s [u8], &'s [u8]> {
    let is_within = |key: &[u8]| {
        key.starts_with(prefix)
            && after.is_none_or(|after| key > after)
            && until.is_none_or(|until| key <= until)
    };
    let committed = before.iter().map(|(key, value)| (key.as_slice(), value.as_slice()));
    let mut entries: BTreeMap<_, _> = committed.filter(|(key, _)| is_within(key)).collect();
    for (key, value) in written.iter().filter(|(key, _)| is_within(key)) {
        match value {
            Some(value) => entries.insert(key, value),
            None => entries.remove(key),
        };
    }
    entries
}

/// Whether a section is the outcome of a handler's reads. Waiting, an end of the process, a conflict and a
/// command whose time is over are not.
pub(super) fn is_outcome_of_reads(handled: &Handled, was_released: bool) -> bool {
    match (handled.outcome, failure(handled)) {
        (Outcome::Held | Outcome::Released, _)
        | (_, Some(FailureCause::ProcessEnd | FailureCause::Conflict)) => false,
        // The call could perhaps not read its state, and must not be repeated.
        (_, Some(FailureCause::Refused)) => !was_released,
        _ => !is_uncalled(handled),
    }
}

/// Whether a command was answered, or failed, without a call of its handler.
pub(crate) fn is_uncalled(handled: &Handled) -> bool {
    is_expired(handled) || is_mismatch(handled) || cannot_fold(handled)
}

/// Whether a command failed since the log does not hold the facts of a scope any more.
fn cannot_fold(handled: &Handled) -> bool {
    let errors = latest_errors(handled);
    errors.iter().any(|error| error.contains("could not be made again"))
}

fn latest_errors(handled: &Handled) -> Vec<&str> {
    let held = handled.held.iter().filter_map(|change| change.event.as_ref());
    let held = held.filter_map(|held| held.last_failure());
    let letters = handled.dead.iter().filter_map(|change| change.letter.as_ref());
    let letters = letters.filter_map(|letter| letter.history.latest());
    held.chain(letters).map(|failed| failed.error.as_str()).collect()
}

/// Why an attempt failed that suspended its event or made it a dead letter.
pub(crate) fn failure(handled: &Handled) -> Option<FailureCause> {
    match handled.outcome {
        Outcome::Suspended => {
            let mut held = handled.held.iter().filter_map(|change| change.event.as_ref());
            held.find_map(|held| held.suspended.as_ref()).map(|failed| failed.cause)
        }
        Outcome::DeadLettered => {
            let mut letters = handled.dead.iter().filter_map(|change| change.letter.as_ref());
            letters.find_map(|letter| letter.history.latest()).map(|latest| latest.cause)
        }
        _ => None,
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { key, found } => {
                write!(f, "{} = {}", key.escape_ascii(), text(found.as_deref()))
            }
            Self::Load { scope, found } => write!(f, "fold of {scope} = {}", text(found.as_deref())),
            Self::Scan { prefix, after, max, page } => {
                let after = after
                    .as_deref()
                    .map_or(String::new(), |after| format!(" after {}", after.escape_ascii()));
                let found =
                    page.entries.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect();
                write!(f, "{max} entries of {}…{after} = {}", prefix.escape_ascii(), entries(&found))
            }
            Self::Write { key, value } => {
                write!(f, "{} := {}", key.escape_ascii(), text(value.as_deref()))
            }
        }
    }
}

fn text(value: Option<&[u8]>) -> String {
    value.map_or("nothing".to_owned(), |value| format!("\"{}\"", value.escape_ascii()))
}

fn entries(found: &BTreeMap<&[u8], &[u8]>) -> String {
    let entries = found.iter().map(|(key, value)| format!("{} = {}", key.escape_ascii(), text(Some(value))));
    format!("[{}]", entries.collect::<Vec<_>>().join(", "))
}
