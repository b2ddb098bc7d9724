//! What a consumer ran before, and the one version that an operator lets it run.
//!
//! A pin decides nothing here: it is remembered, and whoever attaches asks for it.

use camshaft_event::transaction::{
    Activation, ActivationOutcome, ConsumerChanged, ConsumerRecord, ConsumerStatus, Section,
};
use camshaft_event::{ActivationId, ConsumerId, Event, Sequence, Timestamp};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::attach::runs_same;
use super::lifecycle::CHANGE_BYTES;
use super::{ConsumerError, Sequencer};
use crate::ConsumerSpec;
use crate::system_event::SystemEvent;

/// Something that a consumer ran or runs, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// What it was.
    pub activation: Activation,
    /// What became of it.
    pub outcome: ActivationOutcome,
}

impl<S: Store> Sequencer<S> {
    /// The newest activations of a consumer, also of one that was removed; oldest first, at most 20.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn history(&self, name: &str) -> Result<Vec<HistoryEntry>, TablesError> {
        let consumer = self.consumers.ever_named(name);
        let entries = consumer.map(|consumer| consumer.record.history.entries()).unwrap_or_default();
        let mut history = Vec::with_capacity(entries.len());
        for entry in entries {
            let damaged = TablesError::Damaged { what: "history of activations" };
            let activation = self.tables.activation(entry.id)?.ok_or(damaged)?;
            history.push(HistoryEntry { activation, outcome: entry.outcome.clone() });
        }
        Ok(history)
    }

    /// The newest activation of what `spec` says, if it was rolled back since. Its file may still be in
    /// place although the version before it has to run, so callers check this before they attach.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn rolled_back(&self, spec: &ConsumerSpec) -> Result<Option<HistoryEntry>, TablesError> {
        let mut history = self.history(&spec.name)?;
        let same = history.iter().rposition(|entry| runs_same(&entry.activation, spec));
        let newest = same.map(|at| history.swap_remove(at));
        Ok(newest.filter(|entry| matches!(entry.outcome, ActivationOutcome::RolledBack(_))))
    }

    /// The digest of the one version that an operator lets a consumer run.
    #[must_use]
    pub fn pinned(&self, name: &str) -> Option<&str> {
        self.known(name)?.record.pinned.as_deref()
    }

    /// Pins a consumer to the version with this digest, or lets it run any again. Outlasts everything but its
    /// removal; of no effect if it is so already. What it is pinned to is never on probation. Returns the
    /// transaction to wait for.
    ///
    /// # Errors
    /// An unknown name, a bound that is reached, or tables that cannot be read.
    pub fn pin(
        &mut self,
        name: &str,
        digest: Option<String>,
        now: Timestamp,
    ) -> Result<Sequence, ConsumerError> {
        self.step(now, |sequencer| sequencer.set_pinned(name, digest, now))
    }

    fn set_pinned(
        &mut self,
        name: &str,
        digest: Option<String>,
        now: Timestamp,
    ) -> Result<Sequence, ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let sequence = self.next_sequence();
        let consumer = self.consumer_mut(name)?;
        if consumer.record.pinned == digest {
            return Ok(self.tables.progress().sequence);
        }
        let told = SystemEvent::Pinned { consumer: name, digest: digest.as_deref(), sequence };
        let mut events = vec![told.at(now)];
        consumer.record.pinned = digest;
        let (id, activation) = (consumer.record.id, consumer.record.activation);
        let is_on_probation = consumer.probation().is_some();
        if is_on_probation && self.is_pinned_to(id, activation)? {
            events.extend(self.accept(id, now));
        }
        Ok(self.sequence_record(id, events, now)?)
    }

    /// Whether a consumer is pinned to what an activation runs.
    fn is_pinned_to(&self, id: ConsumerId, activation: ActivationId) -> Result<bool, TablesError> {
        let pinned = self.consumers.get(id).and_then(|consumer| consumer.record.pinned.as_ref());
        let activation = self.tables.activation(activation)?;
        Ok(activation.is_some_and(|activation| pinned == Some(&activation.digest)))
    }

    /// Sequences a consumer's record as it is now, with what the runtime says about it.
    pub(super) fn sequence_record(
        &mut self,
        id: ConsumerId,
        events: Vec<Event>,
        now: Timestamp,
    ) -> Result<Sequence, TablesError> {
        let Some(consumer) = self.consumers.get(id) else { return Ok(self.tables.progress().sequence) };
        let record = consumer.record.clone();
        let change = ConsumerChanged { record, checkpoint: None, clears: false, events, recent: None };
        self.sequence_one(Section::Consumer(Box::new(change)), now)
    }

    /// Begins the history of a consumer that an older version wrote, with what it ran last.
    pub(super) fn begin_history(&self, record: &mut ConsumerRecord) -> Result<(), TablesError> {
        let is_known = !record.history.entries().is_empty() || record.activation == ActivationId::default();
        if is_known || record.status == ConsumerStatus::Removed {
            return Ok(());
        }
        let Some(activation) = self.tables.activation(record.activation)? else { return Ok(()) };
        record.history.begin(activation.id, activation.at);
        if let ConsumerStatus::Detached { since } = record.status {
            record.history.end(ActivationOutcome::Detached { since });
        }
        Ok(())
    }
}
