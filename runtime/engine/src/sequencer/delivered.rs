//! Where each consumer stands with one event: what memory and the tables know of what became of it.

use camshaft_event::{ConsumerId, Event, Generation, Offset, Timestamp};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::Sequencer;

/// Where a consumer stands with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its number.
    pub id: ConsumerId,
    /// Its name.
    pub name: String,
    /// How often it has begun anew.
    pub generation: Generation,
    /// Whether its subscriptions match; unknown while nothing runs for it.
    pub wants: Option<bool>,
    /// When its version took the place of another, whose subscriptions may have been others; none if none
    /// did.
    pub changed: Option<Timestamp>,
    /// Whether it is past the event: then the event is done, held or dead, or was not wanted.
    pub is_past: bool,
    /// Whether the event is a held one.
    pub is_held: bool,
    /// Whether an earlier event of its key, held or dead, keeps it.
    pub is_behind: bool,
    /// Whether the event is a dead letter.
    pub is_dead: bool,
}

impl<S: Store> Sequencer<S> {
    /// Where the consumer of this name stands with the event at `offset`; none if there is no such consumer.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn standing(
        &self,
        name: &str,
        offset: Offset,
        event: &Event,
    ) -> Result<Option<Standing>, TablesError> {
        let Some(consumer) = self.known(name) else { return Ok(None) };
        let record = &consumer.record;
        let key = record.role.key(event, offset);
        let floor = consumer.floor(self.tables.progress().next_offset);
        let is_past = offset < floor || {
            let checkpoint = self.tables.checkpoint(record.id, key.partition(record.partitions))?;
            offset < checkpoint
        };
        let is_held = consumer.held.contains_under(&key, offset);
        Ok(Some(Standing {
            id: record.id,
            name: record.name.clone(),
            generation: record.generation,
            wants: consumer.spec.as_ref().map(|spec| spec.wants(event)),
            changed: match record.history.entries() {
                [.., _, newest] => Some(newest.at),
                _ => None,
            },
            is_past,
            is_held,
            is_behind: is_held && consumer.held.is_behind(&key, offset),
            is_dead: consumer.dead.get(offset).is_some(),
        }))
    }
}
