//! The outcomes of events at consumers, in log order. `camshaft dev` shows them as they happen.

use std::sync::Arc;

use camshaft_event::transaction::{Handled, Section};
use camshaft_event::{Event, Offset, Sequence, Transaction};
use camshaft_log::LogReader;

use super::Runtime;
use crate::ReadError;

/// How much of the log one call reads.
const READ_BYTES: u32 = 1 << 20;

/// A part of the log.
#[derive(Debug)]
pub struct Stretch {
    /// Its last transaction.
    pub last: Sequence,
    /// The events published in it.
    pub events: Vec<(Offset, Event)>,
    /// The events handled in it.
    pub handled: Vec<Handled>,
}

impl Runtime {
    /// Returns the durable transactions after `after`, and waits until there are some. Returns `None` once
    /// the runtime stops.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub async fn stretch_after(&self, after: Sequence) -> Result<Option<Stretch>, ReadError> {
        let core = &self.0.core;
        let mut standing = core.durable.subscribe();
        let ended = standing.wait_for(|standing| {
            standing.durable.sequence > after || standing.stopping || standing.poisoned.is_some()
        });
        let durable = match ended.await {
            Ok(standing) if standing.durable.sequence > after => standing.durable.sequence,
            _ => return Ok(None),
        };
        let log = Arc::clone(&core.log);
        let joined = tokio::task::spawn_blocking(move || read(&*log, after, durable)).await;
        let found = joined.unwrap_or_else(|error| Err(error.to_string()));
        found.map(Some).map_err(|reason| ReadError::Failed { reason })
    }
}

fn read(log: &dyn LogReader, after: Sequence, durable: Sequence) -> Result<Stretch, String> {
    let mut stretch = Stretch { last: after, events: Vec::new(), handled: Vec::new() };
    let records = log.read_from(after.next().0, READ_BYTES).map_err(|error| error.to_string())?;
    for record in records.iter().take_while(|record| record.sequence <= durable.0) {
        let transaction = Transaction::decode(record.payload)
            .map_err(|error| format!("record {}: {error}", record.sequence))?;
        stretch.last = Sequence(record.sequence);
        let mut offsets = (record.first_offset..).map(Offset);
        for section in transaction.sections {
            stretch.events.extend(section.events().cloned().zip(&mut offsets).map(|(event, at)| (at, event)));
            if let Section::Handled(handled) = section {
                stretch.handled.push(*handled);
            }
        }
    }
    Ok(stretch)
}
