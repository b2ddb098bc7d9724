//! Sweeping: deletes from the store what nothing can reach any more.
//!
//! That is the state of generations that a consumer has left behind, and what is known of published events that
//! the log no longer holds. The flusher calls it between two flushes, in portions; nobody waits for it, and a crash
//! in between costs nothing but the work.

use std::ops::ControlFlow;

use camshaft_event::Offset;
use camshaft_event::transaction::ConsumerRecord;

use crate::read::decode;
use crate::store::{Change, Store};
use crate::{KnownIdentity, TablesError, keys};

/// Where sweeping goes on. A new one begins with the first identity.
#[derive(Debug, Default)]
pub struct Sweep {
    /// The last identity that was looked at; none at the beginning of a round.
    after: Option<Vec<u8>>,
}

/// What one portion came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Entries that were deleted.
    pub deleted: usize,
    /// Whether old state may be left, or identities of this round that were not looked at.
    pub has_more: bool,
}

impl Sweep {
    /// Looks at no more than `max_entries` old state values and as many identities, and deletes what is out of
    /// reach: all of the former, and the latter where they lie before `first_offset`, the first one that the log
    /// retains. To keep up, look at a multiple of what [`crate::Frozen::identities`] adds.
    ///
    /// # Errors
    /// A store that cannot be read or written, or a damaged value.
    pub fn portion<S: Store>(
        &mut self,
        store: &S,
        first_offset: Offset,
        max_entries: usize,
    ) -> Result<Swept, TablesError> {
        let mut doomed = old_state(store, max_entries)?;
        let has_more_state = doomed.len() == max_entries;
        let has_more_identities = self.forgotten_identities(store, first_offset, max_entries, &mut doomed)?;
        if !doomed.is_empty() {
            store.write(&mut doomed.iter().map(|key| -> Change<'_> { (key, None) }))?;
        }
        Ok(Swept { deleted: doomed.len(), has_more: has_more_state || has_more_identities })
    }

    /// Adds the identities that are before the log's begin; whether the round goes on.
    fn forgotten_identities<S: Store>(
        &mut self,
        store: &S,
        first_offset: Offset,
        max_entries: usize,
        doomed: &mut Vec<Vec<u8>>,
    ) -> Result<bool, TablesError> {
        let from = match self.after.take() {
            Some(after) => [after.as_slice(), &[0]].concat(),
            None => keys::identities().to_vec(),
        };
        let (mut seen, mut damaged, mut last) = (0, false, None);
        store.scan(&from, keys::end_of(keys::identities()).as_deref(), &mut |key, value| {
            let Some(known) = KnownIdentity::from_bytes(value) else {
                damaged = true;
                return ControlFlow::Break(());
            };
            if known.offset < first_offset {
                doomed.push(key.to_vec());
            }
            seen += 1;
            if seen < max_entries {
                return ControlFlow::Continue(());
            }
            last = Some(key.to_vec());
            ControlFlow::Break(())
        })?;
        if damaged {
            return Err(TablesError::Damaged { what: "identity" });
        }
        self.after = last;
        Ok(self.after.is_some())
    }
}

/// Keys of state that consumers have left behind, by what the snapshot knows of them: a reset that is in memory
/// only may still be lost, and then its old state is the live one.
fn old_state<S: Store>(store: &S, max_entries: usize) -> Result<Vec<Vec<u8>>, TablesError> {
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
