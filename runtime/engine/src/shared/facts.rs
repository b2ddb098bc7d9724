//! The facts of a scope: their places from the tables, under the lock, and the events from the log and the
//! kept facts, without.

use std::sync::Arc;

use camshaft_event::{ConsumerId, Offset, Scope};
use camshaft_tables::store::Store;
use camshaft_tables::{Tables, TablesError};

use super::SharedSequencer;
use crate::facts::{Fact, FactsError, read_fact};

impl<S: Store> SharedSequencer<S> {
    /// The facts of a scope behind version `after`, in order, at most `max`. Fewer if the log does not have
    /// the others yet.
    ///
    /// # Errors
    /// Tables, a log or kept facts that cannot be read; a fact that the tables do not know.
    pub fn facts(
        &self,
        consumer: ConsumerId,
        scope: &Scope,
        after: u64,
        max: usize,
    ) -> Result<Vec<Fact>, FactsError> {
        let mut facts = Vec::new();
        for version in (after + 1..).take(max) {
            let Some(offset) = self.fact_offset(consumer, scope, version)? else {
                return Err(FactsError::Missing { scope: scope.clone(), version });
            };
            let Some((at, event)) = read_fact(self.log.as_ref(), &self.kept, offset)? else { break };
            facts.push(Fact { version, offset, at, event });
        }
        Ok(facts)
    }

    /// The offset of the fact that gave `scope` this version; `None` if it has fewer facts.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn fact_offset(
        &self,
        consumer: ConsumerId,
        scope: &Scope,
        version: u64,
    ) -> Result<Option<Offset>, TablesError> {
        let store = {
            let sequencer = self.lock();
            if let Some(offset) = sequencer.tables().recent_fact(consumer, scope, version)? {
                return Ok(Some(offset));
            }
            Arc::clone(sequencer.tables().store())
        };
        let stored = Tables::stored_fact(store.as_ref(), consumer, scope, version)?;
        // A flush since then may have moved it from memory into the store.
        match stored {
            Some(offset) => Ok(Some(offset)),
            None => Tables::stored_fact(self.lock().tables().store().as_ref(), consumer, scope, version),
        }
    }
}
