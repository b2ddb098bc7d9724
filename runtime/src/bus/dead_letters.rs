//! Dead letters: operators list, redrive and discard them.

use std::ops::ControlFlow;

use camshaft_engine::{DeadLetterEntry, SharedSequencer};
use camshaft_event::{DeadLetter, Generation, Offset};

use super::{Runtime, long_reads::PAGE_BYTES};
use crate::DeadLetterError;
use crate::compose::EmbeddedStore;
use crate::view::{
    AttemptView, DeadLetterQuery, DeadLetterSummary, DeadLetterView, InputView, InputsView, Page,
    RedrivenStatus, RedrivenView, WaitingView,
};

/// How many of the waiting events a dead letter shows.
const SHOWN_WAITING: usize = 100;

/// Bytes of their ids and types at most; those beyond are only counted.
const SHOWN_WAITING_BYTES: usize = 64 << 10;

impl Runtime {
    /// Returns a page of dead letters, by consumer and offset.
    ///
    /// # Errors
    /// An unknown consumer, a cursor that no page returned, or tables that cannot be read.
    pub async fn dead_letters(
        &self,
        query: DeadLetterQuery,
    ) -> Result<Page<DeadLetterSummary>, DeadLetterError> {
        if let Some(cursor) = &query.cursor
            && parse_id(cursor).is_none()
        {
            return Err(DeadLetterError::Cursor);
        }
        let failed = |reason| DeadLetterError::Failed { reason };
        self.read_long(move |sequencer| page(sequencer, &query), failed).await
    }

    /// Returns one dead letter with all its details.
    ///
    /// # Errors
    /// No such dead letter, or tables that cannot be read.
    pub async fn dead_letter(
        &self,
        consumer: &str,
        offset: Offset,
    ) -> Result<DeadLetterView, DeadLetterError> {
        let name = consumer.to_owned();
        let failed = |reason| DeadLetterError::Failed { reason };
        self.read_long(move |sequencer| letter(sequencer, &name, offset), failed).await
    }

    /// Returns the status of an event that was a dead letter and may have been redriven since.
    ///
    /// # Errors
    /// An unknown consumer, or tables that cannot be read.
    pub async fn redriven(&self, consumer: &str, offset: Offset) -> Result<RedrivenView, DeadLetterError> {
        let name = consumer.to_owned();
        let failed = |reason| DeadLetterError::Failed { reason };
        self.read_long(move |sequencer| redriven(sequencer, &name, offset), failed).await
    }

    /// Redrives a dead letter: its consumer handles it again, and then the events parked behind it. Returns
    /// once that is durable.
    ///
    /// # Errors
    /// No such dead letter, or a runtime that accepts no changes.
    pub async fn redrive(&self, consumer: &str, offset: Offset) -> Result<(), DeadLetterError> {
        let core = &self.0.core;
        core.change(|sequencer, now| Ok(((), sequencer.redrive(consumer, offset, now)?))).await
    }

    /// Discards a dead letter. Its consumer then handles the events parked behind it. Returns once that is
    /// durable.
    ///
    /// # Errors
    /// No such dead letter, or a runtime that accepts no changes.
    pub async fn discard(&self, consumer: &str, offset: Offset) -> Result<(), DeadLetterError> {
        let core = &self.0.core;
        core.change(|sequencer, now| Ok(((), sequencer.discard(consumer, offset, now)?))).await
    }
}

/// A page of dead letters.
fn page(
    sequencer: &SharedSequencer<EmbeddedStore>,
    query: &DeadLetterQuery,
) -> Result<Page<DeadLetterSummary>, DeadLetterError> {
    let after = query.cursor.as_deref().and_then(parse_id);
    let mut names = sequencer.lock().consumer_names();
    if let Some(name) = &query.consumer {
        if !names.contains(name) {
            return Err(DeadLetterError::NoSuchConsumer { consumer: name.clone() });
        }
        names = vec![name.clone()];
    }
    let wanted = |event_type: &str| query.event_type.as_ref().is_none_or(|types| types.matches(event_type));
    let (mut items, mut bytes, mut next) = (Vec::<DeadLetterSummary>::new(), 0, None);
    for name in names.iter().filter(|name| after.is_none_or(|(last, _)| name.as_str() >= last)) {
        let from = match after {
            Some((last, offset)) if last == name => offset.next(),
            _ => Offset(0),
        };
        let each = &mut |entry: DeadLetterEntry| {
            if items.len() == query.limit || (bytes >= PAGE_BYTES && !items.is_empty()) {
                next = items.last().map(|last| last.id.clone());
                return ControlFlow::Break(());
            }
            let item = summary(&entry);
            bytes += item.event_type.len() + item.key.as_ref().map_or(0, String::len) + item.error.len();
            items.push(item);
            ControlFlow::Continue(())
        };
        if sequencer.each_dead_letter(name, from, &wanted, each)?.is_break() {
            break;
        }
    }
    Ok(Page { items, next })
}

/// What waits is looked for first: it may die while this looks, but nothing dead begins to wait by itself.
fn redriven(
    sequencer: &SharedSequencer<EmbeddedStore>,
    consumer: &str,
    offset: Offset,
) -> Result<RedrivenView, DeadLetterError> {
    if sequencer.lock().consumer_state(consumer).is_none() {
        return Err(DeadLetterError::NoSuchConsumer { consumer: consumer.to_owned() });
    }
    let status = if sequencer.held(consumer, offset)?.is_some() {
        RedrivenStatus::Waiting
    } else if sequencer.find_dead_letter(consumer, offset, 0).is_some() {
        RedrivenStatus::Dead
    } else {
        RedrivenStatus::Gone
    };
    Ok(RedrivenView { status })
}

/// One dead letter.
fn letter(
    sequencer: &SharedSequencer<EmbeddedStore>,
    consumer: &str,
    offset: Offset,
) -> Result<DeadLetterView, DeadLetterError> {
    // A reset drops dead letters, so this is the generation in which the event failed.
    let state = sequencer.lock().consumer_state(consumer);
    let generation = state
        .ok_or_else(|| DeadLetterError::NoSuchConsumer { consumer: consumer.to_owned() })?
        .record
        .generation;
    let (found, store) = sequencer
        .find_dead_letter(consumer, offset, SHOWN_WAITING)
        .ok_or_else(|| missing(consumer, offset))?;
    let letter = found.letter.read(store.as_ref())?;
    let letter = letter.ok_or_else(|| missing(consumer, offset))?;
    let activation = match letter.history.latest() {
        Some(latest) => sequencer.lock().tables().activation(latest.activation)?,
        None => None,
    };
    let activation = activation.unwrap_or_default();
    let (mut waiting_events, mut bytes) = (Vec::new(), 0);
    for behind in found.first_waiting {
        let Some(held) = sequencer.held(consumer, behind)? else { continue };
        let (id, event_type) = (held.event.id, held.event.event_type);
        bytes += id.len() + event_type.len();
        if bytes > SHOWN_WAITING_BYTES {
            break;
        }
        waiting_events.push(WaitingView { offset: behind, id, event_type });
    }
    let entry = DeadLetterEntry { consumer: consumer.to_owned(), offset, letter, waiting: found.waiting };
    Ok(DeadLetterView {
        summary: summary(&entry),
        event: DeadLetterView::event_json(&entry.letter.event, offset),
        history: entry.letter.history.kept().map(attempt_view).collect(),
        digest: activation.digest,
        version: activation.version,
        inputs: inputs_view(&entry.letter, generation, activation.config),
        waiting_events,
    })
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

pub(super) fn attempt_view(attempt: &camshaft_event::FailedAttempt) -> AttemptView {
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
