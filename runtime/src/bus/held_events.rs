//! Held events: operators list them, make them due now, or turn them into dead letters.

use std::ops::ControlFlow;

use camshaft_engine::{HeldEventEntry, SharedSequencer};
use camshaft_event::{FailedAttempt, Offset};

use super::{Runtime, long_reads::PAGE_BYTES, shown};
use crate::HeldError;
use crate::compose::EmbeddedStore;
use crate::view::{AttemptView, HeldEventView, Page};

impl Runtime {
    /// Returns a page of at most `limit` (at least 1) held events of a consumer, by offset. `cursor` is that
    /// of the previous page.
    ///
    /// # Errors
    /// An unknown consumer, a cursor that no page returned, or tables that cannot be read.
    pub async fn held_events(
        &self,
        consumer: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<HeldEventView>, HeldError> {
        let after = cursor.map(|cursor| cursor.parse().map_err(|_| HeldError::Cursor)).transpose()?;
        let from = after.map_or(Offset(0), |offset: u64| Offset(offset).next());
        let name = consumer.to_owned();
        let failed = |reason| HeldError::Failed { reason };
        self.read_long(move |sequencer| page(sequencer, &name, limit, from), failed).await
    }

    /// Makes a held event due now that waits for a retry. Returns once that is durable.
    ///
    /// # Errors
    /// No such event, a running attempt, an event that does not wait for a retry, or a runtime that accepts
    /// no changes.
    pub async fn retry_held(&self, consumer: &str, offset: Offset) -> Result<(), HeldError> {
        let core = &self.0.core;
        core.change(|sequencer, now| Ok(((), sequencer.retry_held(consumer, offset, now)?))).await
    }

    /// Turns a held event that waits for a retry into a dead letter. Returns once that is durable.
    ///
    /// # Errors
    /// No such event, a running attempt, an event that does not wait for a retry, or a runtime that accepts
    /// no changes.
    pub async fn set_held_aside(&self, consumer: &str, offset: Offset) -> Result<(), HeldError> {
        let core = &self.0.core;
        core.change(|sequencer, now| Ok(((), sequencer.set_held_aside(consumer, offset, now)?))).await
    }
}

/// A page of held events.
fn page(
    sequencer: &SharedSequencer<EmbeddedStore>,
    consumer: &str,
    limit: usize,
    from: Offset,
) -> Result<Page<HeldEventView>, HeldError> {
    if !sequencer.lock().consumer_names().iter().any(|name| name == consumer) {
        return Err(HeldError::NoSuchConsumer { consumer: consumer.to_owned() });
    }
    let (mut items, mut bytes, mut next) = (Vec::<HeldEventView>::new(), 0, None);
    let each = &mut |entry: HeldEventEntry| {
        if items.len() == limit || (bytes >= PAGE_BYTES && !items.is_empty()) {
            next = items.last().map(|last| last.offset.to_string());
            return ControlFlow::Break(());
        }
        let item = view(consumer, entry);
        let error = item.last_failure.as_ref().map_or(0, |failed| failed.error.len());
        bytes += item.event_type.len() + item.key.as_ref().map_or(0, String::len) + error;
        items.push(item);
        ControlFlow::Continue(())
    };
    _ = sequencer.each_held(consumer, from, each)?;
    Ok(Page { items, next })
}

fn view(consumer: &str, entry: HeldEventEntry) -> HeldEventView {
    let HeldEventEntry { offset, event: held, key, due, waits_for } = entry;
    HeldEventView {
        id: format!("{consumer}:{offset}"),
        consumer: consumer.to_owned(),
        offset,
        key: shown::key(&key),
        attempts: held.attempts,
        redrives: held.redrives,
        held_since: held.held_since,
        due,
        waits_for: shown::waits_for(waits_for),
        last_failure: held.last_failure().map(first_line),
        event_type: held.event.event_type,
    }
}

/// A failed attempt with the first line of its error.
pub(super) fn first_line(failed: &FailedAttempt) -> AttemptView {
    AttemptView {
        attempt: failed.attempt,
        at: failed.at,
        activation: failed.activation.0,
        cause: failed.cause.code().to_owned(),
        error: failed.error.lines().next().unwrap_or_default().to_owned(),
    }
}
