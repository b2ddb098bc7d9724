//! Sweeping: lets the store delete what nothing can reach any more.
//!
//! That is the state of generations that a consumer has left behind, and what is known of published events
//! that the log no longer holds. Nobody waits for it, and a crash in between costs nothing but the work.

use std::ops::ControlFlow;
use std::sync::Arc;

use camshaft_event::Offset;
use camshaft_event::transaction::ConsumerRecord;

use crate::commands::known_until;
use crate::read::decode;
use crate::store::{Change, Store};
use crate::{KnownIdentity, TablesError, keys};

/// Deletes no more than `max_entries` values of old state, by what the snapshot knows; how many there were.
/// Fewer than that, and nothing is left. The flusher calls it between two flushes.
///
/// # Errors
/// A store that cannot be read or written, or a damaged value.
pub fn sweep_state(store: &impl Store, max_entries: usize) -> Result<usize, TablesError> {
    let doomed = old_state(store, max_entries)?;
    if !doomed.is_empty() {
        store.write(&mut doomed.iter().map(|key| -> Change<'_> { (key, None) }))?;
    }
    Ok(doomed.len())
}

/// Lets the store forget published events before `first_offset`, the first one that the log retains, and the
/// decisions of commands that were written before it. It does so as it merges, since looking for them takes
/// more than all else that it does. The flusher calls it when the log was trimmed.
pub fn forget_before(store: &impl Store, first_offset: Offset) {
    store.expire(Arc::new(move |key, value| {
        if keys::expires(key) {
            return known_until(value).is_some_and(|until| until < first_offset);
        }
        key.starts_with(keys::identities())
            && KnownIdentity::from_bytes(value).is_some_and(|known| known.offset < first_offset)
    }));
}

/// Keys of state that consumers have left behind, by what the snapshot knows of them: a reset that is in
/// memory only may still be lost, and then its old state is the live one.
fn old_state(store: &impl Store, max_entries: usize) -> Result<Vec<Vec<u8>>, TablesError> {
    let mut records: Vec<Result<ConsumerRecord, TablesError>> = Vec::new();
    store.scan(&[keys::CONSUMER], keys::end_of(&[keys::CONSUMER]).as_deref(), &mut |_, value| {
        records.push(decode(value, "consumer"));
        ControlFlow::Continue(())
    })?;
    let mut doomed = Vec::new();
    for record in records {
        let record = record?;
        if doomed.len() == max_entries {
            break;
        }
        let (from, until) = keys::state_before(record.id, record.state_generation);
        store.scan(&from, Some(&until), &mut |key, _| {
            doomed.push(key.to_vec());
            if doomed.len() == max_entries { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    Ok(doomed)
}
