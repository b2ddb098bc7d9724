//! Consumers as operators see and remove them.

use camshaft_engine::{ConsumerState, Unhandled};
use camshaft_event::transaction::ConsumerStatus;
use camshaft_event::{Offset, Timestamp};

use super::Runtime;
use crate::view::{ConsumerStatusView, ConsumerView, Oldest};
use crate::{ConsumerError, NotNow};

impl Runtime {
    /// All consumers, by name.
    pub async fn consumers(&self) -> Vec<ConsumerView> {
        let states = self.0.core.sequencer.lock().consumer_states();
        states.into_iter().map(|state| self.consumer_view(state)).collect()
    }

    /// One consumer.
    pub async fn consumer(&self, name: &str) -> Option<ConsumerView> {
        let state = self.0.core.sequencer.lock().consumer_state(name)?;
        Some(self.consumer_view(state))
    }

    /// Forgets a detached consumer: its state, held events, dead letters and timers.
    ///
    /// # Errors
    /// See [`ConsumerError`].
    pub async fn remove_consumer(&self, name: &str) -> Result<(), ConsumerError> {
        let core = &self.0.core;
        core.check_open()?;
        let now = core.now();
        let sequence = core
            .step(|sequencer| sequencer.remove(name, now).map(|()| sequencer.sequenced().sequence))
            .map_err(|error| match error {
                camshaft_engine::ConsumerError::NotFound { name } => ConsumerError::NotFound { name },
                camshaft_engine::ConsumerError::Attached { name } => ConsumerError::Attached { name },
                camshaft_engine::ConsumerError::Unready(unready) => NotNow::from(unready).into(),
                other => ConsumerError::Unavailable { name: name.to_owned(), reason: other.to_string() },
            })?;
        Ok(core.durable.wait_for(sequence).await?)
    }

    fn consumer_view(&self, state: ConsumerState) -> ConsumerView {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let limit = self.0.core.config.limits.max_held_events;
        let (status, detached_at) = match state.record.status {
            ConsumerStatus::Detached { since } => (ConsumerStatusView::Detached, Some(since)),
            _ if count(state.retrying + state.held + state.dead) >= limit => (ConsumerStatusView::Full, None),
            _ => (ConsumerStatusView::Attached, None),
        };
        ConsumerView {
            name: state.record.name,
            status,
            detached_at,
            generation: state.record.generation.0,
            partitions: state.record.partitions,
            checkpoint: state.checkpoint,
            lag: state.lag,
            in_flight: count(state.in_flight),
            retrying: count(state.retrying),
            held: count(state.held),
            dead: count(state.dead),
            oldest: state.oldest.and_then(|oldest| self.age(oldest)),
        }
    }

    /// How long ago it was sequenced; unknown if neither the engine nor the log can tell.
    fn age(&self, Unhandled { offset, sequenced_at }: Unhandled) -> Option<Oldest> {
        let at = sequenced_at.or_else(|| self.sequenced_at(offset))?;
        Some(Oldest { offset, age_ms: self.0.core.now().ms_since(at) })
    }

    fn sequenced_at(&self, offset: Offset) -> Option<Timestamp> {
        let core = &self.0.core;
        let sequence = core.log.find_offset(offset.0).ok()??;
        let batch = core.log.read_from(sequence, 1).ok()?;
        batch.iter().next().map(|record| Timestamp(record.timestamp_ms))
    }
}
