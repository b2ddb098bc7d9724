//! Folds that are made again outside of a batch: by a sweep after a new revision, or by hand.
//!
//! The caller reads the scope and its facts, calls `evolve`, and commits the fold here. A scope that a
//! decision changed meanwhile stays as it is.

use camshaft_event::transaction::{Floor, Refolded, Section, StateWrite};
use camshaft_event::{Scope, Sequence, StoredScope, Timestamp, Transaction};
use camshaft_tables::store::Store;
use camshaft_tables::{StateSpace, Tables, TablesError, Versioned};

use super::{Sequencer, Unready};
use crate::attempt::{signed, size_in_state};

/// What became of a fold that was made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefoldCommit {
    /// It took this place.
    At(Sequence),
    /// The scope has changed since it was read, or the aggregate is gone.
    Changed,
    /// Not now; it heals by itself.
    Unready(Unready),
}

impl<S: Store> Sequencer<S> {
    /// Commits the fold of a scope that was `read` before, with the revision of the code that made it.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn refold(
        &mut self,
        space: StateSpace,
        scope: &Scope,
        read: &Versioned,
        fold: &StoredScope,
        now: Timestamp,
    ) -> Result<RefoldCommit, TablesError> {
        let key = scope.name().as_bytes();
        let current = match self.tables.recent_state(space, key) {
            Some(current) => current,
            None => Tables::stored_state(self.tables.store().as_ref(), space, key)?,
        };
        let is_known = self.consumers.get(space.consumer).is_some_and(|consumer| consumer.space() == space);
        let current = current.filter(|current| is_known && current.version == read.version);
        let Some(current) = current else { return Ok(RefoldCommit::Changed) };
        let value = fold.to_bytes();
        let growth = signed(size_in_state(key, Some(value.len())))
            - signed(size_in_state(key, Some(current.value.len())));
        let refolded = Refolded {
            consumer: space.consumer,
            state_generation: space.generation,
            state: vec![StateWrite { key: key.to_vec().into(), value: Some(value.into()) }],
        };
        let sections = vec![Section::Refolded(Box::new(refolded))];
        let body = Transaction::encode_body(&sections);
        if let Err(unready) = self.check_ready(body.len()) {
            return Ok(RefoldCommit::Unready(unready));
        }
        self.step(now, |sequencer| {
            let tail = sequencer.tables.progress().next_offset;
            let Some(consumer) = sequencer.consumers.change(space.consumer) else {
                return Ok(RefoldCommit::Changed);
            };
            let floor =
                Floor { consumer: space.consumer, offset: consumer.floor(tail), state_growth: growth };
            let at = sequencer.sequence(vec![floor], sections, body, now)?;
            if let Some(consumer) = sequencer.consumers.change(space.consumer) {
                consumer.state_version = at;
            }
            Ok(RefoldCommit::At(at))
        })
    }

    /// The scopes of an aggregate that decisions recorded facts about, the last ones first, at most 32. None
    /// right after a start.
    #[must_use]
    pub fn recent_scopes(&self, name: &str) -> Vec<Scope> {
        let consumer = self.known(name);
        consumer.map(|consumer| consumer.recent_scopes.iter().rev().cloned().collect()).unwrap_or_default()
    }
}
