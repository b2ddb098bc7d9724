//! Reading events back. Only durable events are visible.

use std::ops::ControlFlow;
use std::sync::Arc;

use camshaft_event::transaction::EncodedEvents;
use camshaft_event::{Event, Offset};
use camshaft_log::{LogError, LogReader};

use super::Runtime;
use crate::ReadError;
use crate::compose::READ_BYTES;
use crate::view::{Cursor, LogId, StoredEvent};

impl Runtime {
    /// Returns at most `max_events` durable events from `from` on, in offset order, including the runtime's
    /// own events. The list may be shorter although more events exist. An empty list means that the tail is
    /// reached.
    ///
    /// # Errors
    /// An offset before the trim point or beyond the tail, or a log that cannot be read.
    pub async fn read(&self, from: Offset, max_events: usize) -> Result<Vec<StoredEvent>, ReadError> {
        let tail = self.check_place(from)?;
        let log = Arc::clone(&self.0.core.log);
        let read = move || read(&*log, from, tail, max_events);
        let joined = tokio::task::spawn_blocking(read).await;
        joined.unwrap_or_else(|error| Err(ReadError::Failed { reason: error.to_string() }))
    }

    /// Passes durable events from `from` on to `take`, in offset order, until `take` returns false or one
    /// read of the log is used up. Returns `sink` and the offset at which the next call continues. A few such
    /// calls run at a time, each on a thread of its own. No events are kept.
    ///
    /// # Errors
    /// An offset before the trim point or beyond the tail, or a log that cannot be read.
    pub async fn read_into<B: Send + 'static>(
        &self,
        from: Offset,
        mut sink: B,
        take: impl Fn(&mut B, Offset, &Event) -> bool + Send + 'static,
    ) -> Result<(B, Offset), ReadError> {
        let tail = self.check_place(from)?;
        let log = Arc::clone(&self.0.core.log);
        let read = move || -> Result<(B, Offset), ReadError> {
            let next = visit(&*log, from, tail, &mut |offset, event| {
                if take(&mut sink, offset, &event) {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
            Ok((sink, next))
        };
        self.read_log(read).await.unwrap_or_else(|reason| Err(ReadError::Failed { reason }))
    }

    /// The offset at which a follower resumes that has seen the event of `cursor`. The cursor comes from
    /// outside, so it is compared with the log: the log's identity and, if the event is retained, the event
    /// itself.
    ///
    /// # Errors
    /// A cursor of another log or of an event that is not in this log, a trimmed offset, or a log that cannot
    /// be read.
    pub async fn resume_after(&self, cursor: Cursor) -> Result<Offset, ReadError> {
        let (next, tail) = (cursor.offset.next(), self.tail());
        let other_log = || ReadError::OtherLog { cursor, tail };
        if cursor.seen.is_some_and(|seen| seen.log != self.log_id()) {
            return Err(other_log());
        }
        if cursor.offset >= tail {
            return Err(ReadError::BeyondTail { from: next, tail });
        }
        self.check_place(next)?;
        if cursor.seen.is_some() && cursor.offset >= self.first_offset() {
            let found = self.read_into(cursor.offset, None, move |found, _, event| {
                *found = Some(cursor.is_of(event));
                false
            });
            match found.await {
                Ok((Some(true), _)) => {}
                Ok(_) => return Err(other_log()),
                // Trimmed since: then it was there.
                Err(ReadError::Trimmed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(next)
    }

    /// Validates an offset to read from that comes from outside, and returns the tail.
    ///
    /// # Errors
    /// An offset before the trim point or beyond the tail.
    pub fn check_place(&self, from: Offset) -> Result<Offset, ReadError> {
        let (first, tail) = (self.first_offset(), self.tail());
        if from < first {
            return Err(ReadError::Trimmed { first });
        }
        if from > tail {
            return Err(ReadError::BeyondTail { from, tail });
        }
        Ok(tail)
    }

    /// Checks that this is the log `log`, which the caller has read before.
    ///
    /// # Errors
    /// This is another log.
    pub fn check_log(&self, log: LogId) -> Result<(), ReadError> {
        let tail = self.tail();
        if log == self.log_id() { Ok(()) } else { Err(ReadError::WrongLog { log, tail }) }
    }

    /// The identity of the log. Every log has a different one.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        LogId(self.0.core.log.identity())
    }

    /// The offset after the last durable event.
    #[must_use]
    pub fn tail(&self) -> Offset {
        self.0.core.durable.state().durable.next_offset
    }

    /// The first retained offset: the trim point.
    #[must_use]
    pub fn first_offset(&self) -> Offset {
        Offset(self.0.core.log.bounds().first_offset)
    }

    /// Waits until the event at `offset` is durable and returns true, or returns false when the runtime
    /// stops.
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
    if max_events > 0 {
        visit(log, from, tail, &mut |offset, event| {
            found.push(StoredEvent { offset, event: Arc::new(event) });
            if found.len() == max_events { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    Ok(found)
}

/// Visits the events from `from` up to `tail`, as far as one read reaches, until `each` breaks. Returns the
/// offset behind the last one.
fn visit(
    log: &dyn LogReader,
    from: Offset,
    tail: Offset,
    each: &mut dyn FnMut(Offset, Event) -> ControlFlow<()>,
) -> Result<Offset, ReadError> {
    let mut next = from;
    if from >= tail {
        return Ok(next);
    }
    let Some(sequence) = log.find_offset(from.0).map_err(refuse)? else { return Ok(next) };
    for record in log.read_from(sequence, READ_BYTES).map_err(refuse)?.iter() {
        let unreadable = |error| ReadError::Failed { reason: format!("record {}: {error}", record.sequence) };
        for event in EncodedEvents::of(record.payload, Offset(record.first_offset)).map_err(unreadable)? {
            let (offset, event) = event.map_err(unreadable)?;
            if offset >= tail {
                return Ok(next);
            }
            if offset >= from {
                let event = event.decode().map_err(unreadable)?;
                next = offset.next();
                if each(offset, event).is_break() {
                    return Ok(next);
                }
            }
        }
    }
    Ok(next)
}

fn refuse(error: LogError) -> ReadError {
    match error {
        LogError::Trimmed { first, .. } => ReadError::Trimmed { first: Offset(first) },
        other => ReadError::Failed { reason: format!("{other}. {}", other.hint()) },
    }
}
