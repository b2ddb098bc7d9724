//! Facts in the tables: the offset of each fact of a scope.
//!
//! The events stay in the log. An entry names the offset of one fact by its scope and its version, so that a
//! reader finds the facts of a scope without reading the log. The tables also count the bytes of all facts,
//! which no trim takes away.

use camshaft_event::transaction::{Handled, Refolded};
use camshaft_event::{ConsumerId, Offset, Scope, ScopeFacts, StoredScope};
use camshaft_sabotage::{Sabotage, is_on};

use crate::store::Store;
use crate::tables::Position;
use crate::{Tables, TablesError, keys};

/// The bytes of all facts.
#[derive(Debug, Default)]
pub(crate) struct FactBytes {
    total: u64,
    /// Whether the snapshot says otherwise.
    has_changed: bool,
}

impl FactBytes {
    /// The bytes in the snapshot.
    pub(crate) fn of(store: &impl Store) -> Result<Self, TablesError> {
        let value = store.get(keys::FACT_BYTES)?;
        let total = value.as_deref().map(|value| number(value, "size of facts")).transpose()?;
        Ok(Self { total: total.unwrap_or_default(), has_changed: false })
    }

    fn add(&mut self, bytes: usize) {
        self.total = self.total.saturating_add(bytes as u64);
        self.has_changed = true;
    }

    /// What the next snapshot has to say, if the last one does not.
    pub(crate) fn take_change(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.has_changed).then(|| self.total.to_le_bytes().to_vec())
    }
}

impl<S: Store> Tables<S> {
    /// Applies what a decision says of its scopes, in a section whose first event has the offset `first`.
    /// Fills in the offsets of the last facts in the section's state.
    pub(crate) fn apply_facts(&mut self, first: Offset, handled: &mut Handled) {
        let Some(change) = &handled.command else { return };
        for ScopeFacts { scope, version, facts } in &change.scopes {
            let Some(last) = facts.last() else { continue };
            let written = handled.state.iter_mut().find(|write| *write.key == scope.name().as_bytes());
            if let Some(value) = written.and_then(|write| write.value.as_mut()) {
                StoredScope::set_last_fact(value, first.plus(u64::from(*last)));
            }
            let before = version.saturating_sub(facts.len() as u64);
            for (version, fact) in (before + 1..).zip(facts) {
                if is_on(Sabotage::ForgetFact) && version.is_multiple_of(4) {
                    continue;
                }
                let offset = first.plus(u64::from(*fact)).0.to_le_bytes().to_vec();
                self.active.put(keys::fact(handled.consumer, scope, version), offset);
            }
        }
        for event in &handled.events {
            if event.extension(camshaft_event::reserved::SCOPES).is_some() {
                self.apply_sent(&event.event_type, first);
                self.fact_bytes.add(event.size());
            }
        }
    }

    /// The bytes of all facts, those that the log has dropped included.
    #[must_use]
    pub fn fact_bytes(&self) -> u64 {
        self.fact_bytes.total
    }

    /// Applies folds that were made again.
    pub(crate) fn apply_refolded(&mut self, at: Position, refolded: &Refolded) {
        let (id, generation) = (refolded.consumer, refolded.state_generation);
        refolded.state.iter().for_each(|write| self.apply_state(at, (id, generation), write));
    }

    /// The offset of the fact that gave `scope` this version. `None` if memory does not know it: the caller
    /// reads the store with [`Tables::stored_fact`], outside the critical section.
    ///
    /// # Errors
    /// A damaged value.
    pub fn recent_fact(
        &self,
        consumer: ConsumerId,
        scope: &Scope,
        version: u64,
    ) -> Result<Option<Offset>, TablesError> {
        let value = self.in_memory(&keys::fact(consumer, scope, version)).flatten();
        value.map(offset).transpose()
    }

    /// The same in the store.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn stored_fact(
        store: &S,
        consumer: ConsumerId,
        scope: &Scope,
        version: u64,
    ) -> Result<Option<Offset>, TablesError> {
        store.get(&keys::fact(consumer, scope, version))?.as_deref().map(offset).transpose()
    }
}

fn offset(value: &[u8]) -> Result<Offset, TablesError> {
    number(value, "fact").map(Offset)
}

fn number(value: &[u8], what: &'static str) -> Result<u64, TablesError> {
    let bytes = value.try_into().map_err(|_| TablesError::Damaged { what })?;
    Ok(u64::from_le_bytes(bytes))
}
