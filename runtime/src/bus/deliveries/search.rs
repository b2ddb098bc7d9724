//! Finds the offset of an event by its source and id.

use std::sync::Arc;

use camshaft_engine::SharedSequencer;
use camshaft_event::transaction::EncodedEvents;
use camshaft_event::{Event, Offset, Sequence, reserved};
use camshaft_log::LogReader;
use camshaft_tables::Tables;

use super::trail::MAX_RECORDS;
use crate::EventError;
use crate::bus::Runtime;
use crate::compose::{EmbeddedStore, READ_BYTES};
use crate::view::EventView;

impl Runtime {
    /// Returns the event with this source and id, and its delivery to every consumer. A producer's event is
    /// found as long as the runtime recognises its duplicates. A plugin's event is found if it is within
    /// 100,000 records after the event that caused it, whose offset is in its id.
    ///
    /// # Errors
    /// No such event is found, or the log or the tables cannot be read.
    pub async fn event_by_id(&self, source: &str, id: &str) -> Result<EventView, EventError> {
        let missing = || EventError::NoSuchEvent { source_name: source.to_owned(), id: id.to_owned() };
        let found = match source.starts_with(reserved::PLUGIN_SOURCES) {
            true => self.published_by_plugin(source, id).await?,
            false => self.published_by_producer(source, id).await?,
        };
        self.event(found.ok_or_else(missing)?).await
    }

    async fn published_by_producer(&self, source: &str, id: &str) -> Result<Option<Offset>, EventError> {
        let event = Event { id: id.to_owned(), source: source.to_owned(), ..Event::default() };
        let identity = event.hash().identity;
        let failed = |reason| EventError::Failed { reason };
        let look = move |sequencer: &SharedSequencer<EmbeddedStore>| -> Result<_, EventError> {
            let (recent, store) = {
                let sequencer = sequencer.lock();
                (sequencer.tables().recent_identity(identity), Arc::clone(sequencer.tables().store()))
            };
            match recent {
                Some(known) => Ok(Some(known)),
                None => Ok(Tables::stored_identity(store.as_ref(), identity)?),
            }
        };
        let known = self.read_long(look, failed).await?;
        Ok(known.map(|known| known.offset).filter(|offset| *offset >= self.first_offset()))
    }

    async fn published_by_plugin(&self, source: &str, id: &str) -> Result<Option<Offset>, EventError> {
        // GENERATION-CAUSE-NUMBER
        let mut parts = id.split('-');
        let cause = parts.nth(1).and_then(|cause| cause.parse().ok()).map(Offset);
        let Some(cause) = cause.filter(|cause| *cause < self.tail()) else { return Ok(None) };
        // The cause may be gone: of a timer, or of a dead letter that was redriven late.
        let from = cause.max(self.first_offset());
        let durable = self.0.core.durable.state().durable.sequence;
        let log = Arc::clone(&self.0.core.log);
        let (source, id) = (source.to_owned(), id.to_owned());
        let search = move || find(&*log, from, durable, |event| event.id == id && event.source == source);
        self.read_log(search).await.unwrap_or_else(|reason| Err(EventError::Failed { reason }))
    }
}

/// The first event from `from` on that `is_it`, within a bounded number of records.
fn find(
    log: &dyn LogReader,
    from: Offset,
    durable: Sequence,
    is_it: impl Fn(&Event) -> bool,
) -> Result<Option<Offset>, EventError> {
    let mut next = log.find_offset(from.0)?.unwrap_or(u64::MAX);
    let mut left = MAX_RECORDS;
    while left > 0 && next <= durable.0 {
        let batch = log.read_from(next, READ_BYTES)?;
        if batch.is_empty() {
            break;
        }
        for record in batch.iter().take_while(|record| record.sequence <= durable.0).take(left) {
            let unreadable =
                |error| EventError::Failed { reason: format!("record {}: {error}", record.sequence) };
            let events =
                EncodedEvents::of(record.payload, Offset(record.first_offset)).map_err(unreadable)?;
            for event in events {
                let (offset, event) = event.map_err(unreadable)?;
                if is_it(&event.decode().map_err(unreadable)?) {
                    return Ok(Some(offset));
                }
            }
            next = record.sequence.saturating_add(1);
            left -= 1;
        }
    }
    Ok(None)
}
