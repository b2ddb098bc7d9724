//! What handlers did in the transactions of a run, until the model has compared it; and what it means when
//! two overlap.

use std::collections::{BTreeMap, BTreeSet};

use camshaft_event::Sequence;

use super::Run;
use crate::faults::Fault;
use crate::model::{AttemptRecord, Operation};

/// What came of calling handlers for one batch.
#[derive(Default)]
pub(super) struct CallRecord {
    /// The last transaction when that began.
    pub(super) since: Sequence,
    pub(super) attempts: Vec<AttemptRecord>,
    /// Whether it ended for want of an instance.
    pub(super) is_short: bool,
}

/// The attempts of each transaction.
#[derive(Default)]
pub(super) struct Records {
    committed: BTreeMap<Sequence, Vec<AttemptRecord>>,
    /// Up to here the model has compared them.
    compared: Sequence,
}

impl Records {
    /// The attempts of a transaction; none if they were compared already.
    pub(super) fn of(&self, sequence: Sequence) -> Option<&[AttemptRecord]> {
        let attempts = self.committed.get(&sequence).map(Vec::as_slice).unwrap_or_default();
        (sequence > self.compared).then_some(attempts)
    }

    /// The model has compared everything up to `sequence`.
    pub(super) fn compared(&mut self, sequence: Sequence) {
        self.committed.retain(|at, _| *at > sequence);
        self.compared = sequence;
    }

    /// A crash has taken everything behind `sequence`.
    pub(super) fn lose(&mut self, sequence: Sequence) {
        self.committed.retain(|at, _| *at <= sequence);
        self.compared = self.compared.min(sequence);
    }

    /// What committed while `called` ran or waited to commit, of the same consumer.
    fn beside(&self, called: &CallRecord) -> impl Iterator<Item = &[AttemptRecord]> {
        let consumer = called.attempts.first().map(|attempt| attempt.consumer);
        let later = self.committed.range(called.since.next()..).map(|(_, attempts)| attempts.as_slice());
        later.filter(move |attempts| attempts.first().map(|attempt| attempt.consumer) == consumer)
    }
}

impl Run {
    /// What handlers did has committed.
    pub(super) fn record(&mut self, sequence: Sequence, called: CallRecord) {
        if called.attempts.is_empty() {
            return;
        }
        let has_scanned =
            operations(&called.attempts).any(|operation| matches!(operation, Operation::Scan { .. }));
        let only_reads = written(&called.attempts).is_empty() && has_read(&called.attempts);
        let is_beside = self.records.beside(&called).any(|other| !written(other).is_empty());
        self.note_if(Fault::OnlyRead, only_reads && is_beside);
        self.note_if(Fault::ScanStood, has_scanned && is_beside);
        self.records.committed.insert(sequence, called.attempts);
    }

    /// What handlers did was thrown away, since another transaction changed what they had read.
    pub(super) fn note_conflict(&mut self, called: &CallRecord) {
        let attempts = &called.attempts;
        let is_skew = self.records.beside(called).any(|other| is_skew(attempts, other));
        let is_phantom = self.records.beside(called).any(|other| has_phantom(attempts, other));
        let is_torn = is_torn(attempts);
        self.note_if(Fault::WriteSkew, is_skew);
        self.note_if(Fault::Phantom, is_phantom);
        self.note_if(Fault::TornRead, is_torn);
    }
}

/// Whether each has read what the other writes, and they write nothing in common: no comparison of writes
/// finds it.
fn is_skew(one: &[AttemptRecord], other: &[AttemptRecord]) -> bool {
    let (ours, theirs) = (written(one), written(other));
    let reads = |attempts: &[AttemptRecord], key: &[u8]| {
        operations(attempts).any(|operation| match operation {
            Operation::Get { key: read, .. } => read == key,
            Operation::Scan { .. } => scans(operation, key),
            // Only the engine writes scopes.
            Operation::Load { .. } | Operation::Write { .. } => false,
        })
    };
    ours.is_disjoint(&theirs)
        && ours.iter().any(|key| reads(other, key))
        && theirs.iter().any(|key| reads(one, key))
}

/// Whether `other` has added or deleted an entry in what `attempts` had scanned, which they read in no other
/// way.
fn has_phantom(attempts: &[AttemptRecord], other: &[AttemptRecord]) -> bool {
    let touched: BTreeSet<&[u8]> = operations(attempts)
        .filter_map(|operation| match operation {
            Operation::Get { key, .. } | Operation::Write { key, .. } => Some(key.as_slice()),
            Operation::Load { .. } | Operation::Scan { .. } => None,
        })
        .collect();
    let changes: BTreeMap<_, _> = other.iter().flat_map(AttemptRecord::writes).collect();
    let mut changes = changes.into_iter().filter(|(key, _)| !touched.contains(key));
    changes.any(|(changed, value)| {
        operations(attempts).any(|operation| {
            let Operation::Scan { page, .. } = operation else { return false };
            let was_there = page.entries.iter().any(|(key, _)| key == changed);
            scans(operation, changed) && was_there != value.is_some()
        })
    })
}

/// Whether a key that the attempts did not write was read twice, with different values.
fn is_torn(attempts: &[AttemptRecord]) -> bool {
    let written = written(attempts);
    let mut read = BTreeMap::new();
    operations(attempts).any(|operation| match operation {
        Operation::Get { key, found } if !written.contains(key.as_slice()) => {
            *read.entry(key).or_insert(found) != found
        }
        _ => false,
    })
}

/// Whether the page of a scan would show this key.
fn scans(operation: &Operation, key: &[u8]) -> bool {
    let Operation::Scan { prefix, after, page, .. } = operation else { return false };
    key.starts_with(prefix)
        && after.as_deref().is_none_or(|after| key > after)
        && page.after.as_deref().is_none_or(|until| key <= until)
}

fn written(attempts: &[AttemptRecord]) -> BTreeSet<&[u8]> {
    attempts.iter().flat_map(AttemptRecord::writes).map(|(key, _)| key).collect()
}

fn has_read(attempts: &[AttemptRecord]) -> bool {
    operations(attempts).any(|operation| !matches!(operation, Operation::Write { .. }))
}

fn operations(attempts: &[AttemptRecord]) -> impl Iterator<Item = &Operation> {
    attempts.iter().flat_map(|attempt| &attempt.operations)
}
