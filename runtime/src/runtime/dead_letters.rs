//! Dead letters as operators see, redrive and discard them.

use camshaft_engine::DeadLetterEntry;
use camshaft_event::{DeadLetter, Generation, Offset, Sequence, Timestamp};

use super::Runtime;
use crate::view::{
    AttemptView, DeadLetterQuery, DeadLetterSummary, DeadLetterView, InputView, InputsView, Page, WaitingView,
};
use crate::{DeadLetterError, NotNow};

/// How many of the waiting events a dead letter shows.
const SHOWN_WAITING: usize = 100;

impl Runtime {
    /// Dead letters by consumer and offset.
    ///
    /// # Errors
    /// An unknown consumer, a cursor that no page gave out, or tables that cannot be read.
    pub async fn dead_letters(
        &self,
        query: DeadLetterQuery,
    ) -> Result<Page<DeadLetterSummary>, DeadLetterError> {
        let after = query
            .cursor
            .as_deref()
            .map(|cursor| parse_id(cursor).ok_or(DeadLetterError::Cursor))
            .transpose()?;
        let wanted = |letter: &DeadLetter| {
            query.event_type.as_ref().is_none_or(|types| types.matches(&letter.event.event_type))
        };
        let (mut found, sequence) = {
            let sequencer = self.0.core.sequencer.lock();
            if let Some(name) = &query.consumer
                && sequencer.consumer_state(name).is_none()
            {
                return Err(DeadLetterError::NoSuchConsumer { consumer: name.clone() });
            }
            let found = sequencer.dead_letters(
                query.consumer.as_deref(),
                after,
                query.limit.saturating_add(1),
                &wanted,
            );
            (found.map_err(unavailable)?, sequencer.sequenced().sequence)
        };
        self.settle_dead_letters(sequence).await?;
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let items: Vec<DeadLetterSummary> = found.iter().map(summary).collect();
        let next = items.last().filter(|_| more).map(|last| last.id.clone());
        Ok(Page { items, next })
    }

    /// One dead letter with all that is known about it.
    ///
    /// # Errors
    /// No such dead letter, or tables that cannot be read.
    pub async fn dead_letter(
        &self,
        consumer: &str,
        offset: Offset,
    ) -> Result<DeadLetterView, DeadLetterError> {
        let (view, sequence) = {
            let sequencer = self.0.core.sequencer.lock();
            let record = sequencer
                .consumer_state(consumer)
                .ok_or_else(|| DeadLetterError::NoSuchConsumer { consumer: consumer.to_owned() })?
                .record;
            // A reset drops dead letters, so this is the generation in which the event failed.
            let (id, generation) = (record.id, record.generation);
            let tables = sequencer.tables();
            let letter = tables
                .dead_letter(id, offset)
                .map_err(unavailable)?
                .ok_or_else(|| missing(consumer, offset))?;
            let activation = match letter.history.latest() {
                Some(latest) => {
                    tables.activation(latest.activation).map_err(unavailable)?.unwrap_or_default()
                }
                None => camshaft_event::transaction::Activation::default(),
            };
            let waiting = sequencer.waiting_behind(consumer, offset);
            let mut waiting_events = Vec::new();
            for behind in waiting.iter().take(SHOWN_WAITING) {
                if let Some(held) = tables.held(id, *behind).map_err(unavailable)? {
                    let (id, event_type) = (held.event.id, held.event.event_type);
                    waiting_events.push(WaitingView { offset: *behind, id, event_type });
                }
            }
            let entry =
                DeadLetterEntry { consumer: consumer.to_owned(), offset, letter, waiting: waiting.len() };
            let view = DeadLetterView {
                summary: summary(&entry),
                event: DeadLetterView::event_json(&entry.letter.event, offset),
                history: entry.letter.history.kept().map(attempt_view).collect(),
                digest: activation.digest,
                version: activation.version,
                inputs: inputs_view(&entry.letter, generation, activation.config),
                waiting_events,
            };
            (view, sequencer.sequenced().sequence)
        };
        self.settle_dead_letters(sequence).await?;
        Ok(view)
    }

    /// Sends a dead letter back to its consumer, with what waits behind it. Returns once that is durable.
    ///
    /// # Errors
    /// No such dead letter, or a runtime that takes no changes now.
    pub async fn redrive(&self, consumer: &str, offset: Offset) -> Result<(), DeadLetterError> {
        self.operate(|sequencer, now| sequencer.redrive(consumer, offset, now)).await
    }

    /// Drops a dead letter for good; what waits behind it goes on. Returns once that is durable.
    ///
    /// # Errors
    /// No such dead letter, or a runtime that takes no changes now.
    pub async fn discard(&self, consumer: &str, offset: Offset) -> Result<(), DeadLetterError> {
        self.operate(|sequencer, now| sequencer.discard(consumer, offset, now)).await
    }

    async fn operate(
        &self,
        act: impl FnOnce(
            &mut camshaft_engine::Sequencer<crate::compose::EmbeddedStore>,
            Timestamp,
        ) -> Result<Sequence, camshaft_engine::DeadLetterError>,
    ) -> Result<(), DeadLetterError> {
        let core = &self.0.core;
        core.check_open()?;
        let now = core.now();
        let sequence = core.step(|sequencer| act(sequencer, now)).map_err(|error| match error {
            camshaft_engine::DeadLetterError::NotFound { consumer, offset } => {
                DeadLetterError::NotFound { consumer, offset }
            }
            camshaft_engine::DeadLetterError::Unready(unready) => NotNow::from(unready).into(),
            other => DeadLetterError::Unavailable { reason: other.to_string() },
        })?;
        self.settle_dead_letters(sequence).await
    }

    async fn settle_dead_letters(&self, sequence: Sequence) -> Result<(), DeadLetterError> {
        Ok(self.0.core.durable.wait_for(sequence).await?)
    }
}

/// Reads `CONSUMER:OFFSET`.
fn parse_id(id: &str) -> Option<(&str, Offset)> {
    let (consumer, offset) = id.rsplit_once(':')?;
    Some((consumer, Offset(offset.parse().ok()?)))
}

fn summary(entry: &DeadLetterEntry) -> DeadLetterSummary {
    let DeadLetterEntry { consumer, offset, letter, waiting } = entry;
    let latest = letter.history.latest();
    let key = letter.event.ordering_key().map(str::to_owned);
    DeadLetterSummary {
        id: format!("{consumer}:{offset}"),
        consumer: consumer.clone(),
        offset: *offset,
        event_type: letter.event.event_type.clone(),
        key,
        at: letter.at,
        reason: latest.map(|latest| latest.cause.code()).unwrap_or_default().to_owned(),
        error: latest.and_then(|latest| latest.error.lines().next()).unwrap_or_default().to_owned(),
        attempts: letter.history.total,
        redrives: letter.redrives,
        parks: letter.parks,
        waiting: u64::try_from(*waiting).unwrap_or(u64::MAX),
    }
}

fn attempt_view(attempt: &camshaft_event::FailedAttempt) -> AttemptView {
    AttemptView {
        attempt: attempt.attempt,
        at: attempt.at,
        activation: attempt.activation.0,
        cause: attempt.cause.code().to_owned(),
        error: attempt.error.clone(),
    }
}

fn inputs_view(letter: &DeadLetter, generation: Generation, config: Vec<(String, String)>) -> InputsView {
    let state = letter.inputs.state.iter();
    InputsView {
        generation: generation.0,
        config: config.into_iter().collect(),
        state: state
            .map(|(key, value)| InputView::new(key, value.as_ref().map(|value| value.as_slice())))
            .collect(),
        truncated: letter.inputs.truncated,
    }
}

fn missing(consumer: &str, offset: Offset) -> DeadLetterError {
    DeadLetterError::NotFound { consumer: consumer.to_owned(), offset }
}

fn unavailable(error: camshaft_tables::TablesError) -> DeadLetterError {
    DeadLetterError::Unavailable { reason: error.to_string() }
}
