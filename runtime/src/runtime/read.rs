//! Reading events back: only what is durable.

use std::sync::Arc;

use camshaft_event::Offset;
use camshaft_event::transaction::EncodedEvents;
use camshaft_log::{LogError, LogReader};

use super::Runtime;
use crate::ReadError;
use crate::compose::READ_BYTES;
use crate::view::StoredEvent;

impl Runtime {
    /// At most `max_events` durable events from `from` on, in offset order, the runtime's own included. Fewer may
    /// come than there are; none means that the tail is reached.
    ///
    /// # Errors
    /// An offset before the trim point, or a log that cannot be read.
    pub async fn read(&self, from: Offset, max_events: usize) -> Result<Vec<StoredEvent>, ReadError> {
        let (log, tail) = (Arc::clone(&self.0.core.log), self.tail());
        let read = move || read(&*log, from, tail, max_events);
        let joined = tokio::task::spawn_blocking(read).await;
        joined.unwrap_or_else(|error| Err(ReadError::Unavailable { reason: error.to_string() }))
    }

    /// The offset that the next event will have, counting what is durable.
    #[must_use]
    pub fn tail(&self) -> Offset {
        self.0.core.durable.standing().durable.next_offset
    }

    /// The first retained offset: the trim point.
    #[must_use]
    pub fn first_offset(&self) -> Offset {
        Offset(self.0.core.log.bounds().first_offset)
    }

    /// Waits until the event at `offset` is durable: true; or until the runtime stops: false.
    pub async fn wait_beyond(&self, offset: Offset) -> bool {
        let mut standing = self.0.core.durable.subscribe();
        let ended = standing
            .wait_for(|standing| {
                standing.durable.next_offset > offset || standing.stopping || standing.poisoned.is_some()
            })
            .await;
        ended.is_ok_and(|standing| standing.durable.next_offset > offset)
    }
}

fn read(
    log: &dyn LogReader,
    from: Offset,
    tail: Offset,
    max_events: usize,
) -> Result<Vec<StoredEvent>, ReadError> {
    let mut found = Vec::new();
    if from >= tail || max_events == 0 {
        return Ok(found);
    }
    let Some(sequence) = log.find_offset(from.0).map_err(refuse)? else { return Ok(found) };
    for record in log.read_from(sequence, READ_BYTES).map_err(refuse)?.iter() {
        let unreadable =
            |error| ReadError::Unavailable { reason: format!("record {}: {error}", record.sequence) };
        for event in EncodedEvents::of(record.payload, Offset(record.first_offset)).map_err(unreadable)? {
            let (offset, event) = event.map_err(unreadable)?;
            if offset >= tail || found.len() == max_events {
                return Ok(found);
            }
            if offset >= from {
                let event = event.decode().map_err(unreadable)?;
                found.push(StoredEvent { offset, event: Arc::new(event) });
            }
        }
    }
    Ok(found)
}

fn refuse(error: LogError) -> ReadError {
    match error {
        LogError::Trimmed { first, .. } => ReadError::Trimmed { first: Offset(first) },
        other => ReadError::Unavailable { reason: format!("{other}. {}", other.hint()) },
    }
}
