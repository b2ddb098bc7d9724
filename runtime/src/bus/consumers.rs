//! Consumers: operators list, pause, reset and remove them.

use std::sync::Arc;

use camshaft_engine::{ConsumerState, ResetTo, Sequencer, SharedSequencer, Unhandled, first_offset_since};
use camshaft_event::transaction::ConsumerStatus;
use camshaft_event::{HeldEvent, Offset, Timestamp};

use super::held_events::first_line;
use super::{Runtime, shown};
use crate::compose::EmbeddedStore;
use crate::view::{
    ConsumerStatusView, ConsumerView, Oldest, OldestHeldView, PauseView, ResetPlace, ResetRequest,
    SkipRequest, SkipView,
};
use crate::{ConsumerError, Unavailable};

impl Runtime {
    /// Lists all consumers by name, once the shown data is durable.
    ///
    /// # Errors
    /// A runtime that ended before the shown data was durable.
    pub async fn consumers(&self) -> Result<Vec<ConsumerView>, Unavailable> {
        let read = self.0.core.read_durably(|sequencer| -> Vec<_> {
            let names = sequencer.lock().consumer_names();
            // One at a time, so that a long listing keeps no other thread out.
            names.iter().filter_map(|name| read(sequencer, name)).collect()
        });
        Ok(read.await?.into_iter().map(|(state, held)| self.consumer_view(state, held)).collect())
    }

    /// Returns one consumer, once the shown data is durable. Returns `None` if no consumer has the name.
    ///
    /// # Errors
    /// A runtime that ended before the shown data was durable.
    pub async fn consumer(&self, name: &str) -> Result<Option<ConsumerView>, Unavailable> {
        let found = self.0.core.read_durably(|sequencer| read(sequencer, name)).await?;
        Ok(found.map(|(state, held)| self.consumer_view(state, held)))
    }

    /// Removes a detached consumer with its state, held events, dead letters and timers.
    ///
    /// # Errors
    /// See [`ConsumerError`].
    pub async fn remove_consumer(&self, name: &str) -> Result<(), ConsumerError> {
        self.change(name, |sequencer, now| sequencer.remove(name, now)).await?;
        self.0.plugins.forget(name);
        Ok(())
    }

    /// Pauses a consumer until it is resumed. The pause survives a restart, a new version and a reset. Paused
    /// events use no attempts, and the log keeps them.
    ///
    /// # Errors
    /// See [`ConsumerError`].
    pub async fn pause_consumer(&self, name: &str) -> Result<(), ConsumerError> {
        self.change(name, |sequencer, now| sequencer.pause(name, now).map(|_| ())).await
    }

    /// Resumes a paused consumer at its checkpoint, and closes its circuit breaker.
    ///
    /// # Errors
    /// See [`ConsumerError`].
    pub async fn resume_consumer(&self, name: &str) -> Result<(), ConsumerError> {
        self.change(name, |sequencer, now| sequencer.resume(name, now).map(|_| ())).await
    }

    /// Resets a consumer to another offset or time, as a new generation. Its held events, dead letters and
    /// timers are dropped. Its state is dropped unless the request keeps it. Returns the offset of the first
    /// event that it handles.
    ///
    /// # Errors
    /// See [`ConsumerError`].
    pub async fn reset_consumer(&self, name: &str, request: ResetRequest) -> Result<Offset, ConsumerError> {
        let place = match request.to {
            ResetPlace::Earliest => camshaft_engine::ResetPlace::Earliest,
            ResetPlace::Latest => camshaft_engine::ResetPlace::Latest,
            ResetPlace::Offset(offset) => camshaft_engine::ResetPlace::Offset(offset),
            ResetPlace::Time(time) => {
                camshaft_engine::ResetPlace::Offset(self.first_since(name, time).await?)
            }
        };
        let to = ResetTo { place, keep_state: request.keep_state };
        self.change(name, |sequencer, now| sequencer.reset(name, to, now)).await
    }

    /// Resumes a damaged consumer without the data that it cannot read. With `request.to` it resumes at that
    /// offset.
    ///
    /// # Errors
    /// See [`ConsumerError`].
    pub async fn skip_damage(&self, name: &str, request: SkipRequest) -> Result<SkipView, ConsumerError> {
        let skipped = self.change(name, |sequencer, now| sequencer.skip(name, request.to, now)).await?;
        Ok(shown::skipped(skipped))
    }

    /// The offset of the first event that was sequenced at `time` or later.
    async fn first_since(&self, name: &str, time: Timestamp) -> Result<Offset, ConsumerError> {
        let core = &self.0.core;
        // What is sequenced is not found before it is written.
        core.read_durably(|_| ()).await?;
        let log = Arc::clone(&core.log);
        let found = tokio::task::spawn_blocking(move || first_offset_since(&*log, time)).await;
        let found = found.map_err(|error| error.to_string());
        found
            .and_then(|found| found.map_err(|error| error.to_string()))
            .map_err(|reason| ConsumerError::Failed { name: name.to_owned(), reason })
    }

    /// Changes a consumer, and returns once that is durable.
    async fn change<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Sequencer<EmbeddedStore>, Timestamp) -> Result<T, camshaft_engine::ConsumerError>,
    ) -> Result<T, ConsumerError> {
        let change = self.0.core.change(|sequencer, now| {
            let done = act(sequencer, now).map_err(|error| ConsumerError::of(name, error))?;
            Ok((done, sequencer.sequenced().sequence))
        });
        change.await
    }

    fn consumer_view(&self, state: ConsumerState, first_held: Option<HeldEvent>) -> ConsumerView {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut pauses: Vec<PauseView> = state.pauses.iter().copied().map(shown::pause).collect();
        if state.record.status == ConsumerStatus::Attached && !state.is_attended {
            pauses.push(PauseView::Unattended);
        }
        let is_paused = pauses.iter().any(|pause| !matches!(pause, PauseView::Bound));
        let (status, detached_at) = match state.record.status {
            ConsumerStatus::Detached { since } => (ConsumerStatusView::Detached, Some(since)),
            _ if !state.damage.is_empty() => (ConsumerStatusView::Damaged, None),
            _ if is_paused => (ConsumerStatusView::Paused, None),
            _ if !pauses.is_empty() => (ConsumerStatusView::Full, None),
            _ => (ConsumerStatusView::Attached, None),
        };
        let oldest_held = state.oldest_held.map(|held| OldestHeldView {
            key: shown::key(&held.key),
            offset: held.first.offset,
            age_ms: self.age(held.first).map(|oldest| oldest.age_ms),
            events: count(held.events),
            waits_for: shown::waits_for(held.waits_for),
            attempts: first_held.as_ref().map_or(0, |held| held.attempts),
            due: held.due,
            last_failure: first_held.as_ref().and_then(HeldEvent::last_failure).map(first_line),
        });
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
            state_bytes: state.state_bytes,
            timers: count(state.timers),
            pauses,
            damage: state.damage.into_iter().map(shown::damage).collect(),
            throttled_until: state.throttled_until,
            oldest: state.oldest.and_then(|oldest| self.age(oldest)),
            oldest_held,
            last_failure: state.last_failure.map(shown::last_error),
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

/// Where a consumer stands, and the event that it holds first: read outside the lock. An event that cannot be
/// read must not hide its consumer.
fn read(
    sequencer: &SharedSequencer<EmbeddedStore>,
    name: &str,
) -> Option<(ConsumerState, Option<HeldEvent>)> {
    let state = sequencer.lock().consumer_state(name)?;
    let first = state.oldest_held.as_ref().map(|held| held.first.offset);
    let held = first.and_then(|first| sequencer.held(name, first).ok().flatten());
    Some((state, held))
}
