//! Held events and dead letters as a consumer counts them, and what becomes of it at their bound.

use camshaft_event::transaction::{Published, Section};
use camshaft_event::{ConsumerId, Offset, Timestamp};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;
use serde_json::json;

use super::Sequencer;
use super::lifecycle::CHANGE_BYTES;
use crate::consumer::{Consumer, DeadEntry};
use crate::system_event::system_event;

impl<S: Store> Sequencer<S> {
    /// Publishes that a consumer has stopped reading because its held events and dead letters are at their bound, or
    /// that it goes on.
    pub(super) fn announce_pause(&mut self, id: ConsumerId, now: Timestamp) -> Result<(), TablesError> {
        let Some(consumer) = self.consumers.get(&id) else { return Ok(()) };
        let (begins, ends) = (consumer.begins_to_pause(), consumer.ends_its_pause(&self.options));
        if (!begins && !ends) || self.check_ready(CHANGE_BYTES).is_err() {
            return Ok(());
        }
        let (name, act) = (&consumer.record.name, if begins { "paused" } else { "resumed" });
        let event_id = format!("{act}-{name}-{}", self.tables.progress().sequence.next());
        let data = json!({ "consumer": name, "held": consumer.held.counts().0, "dead": consumer.dead.len() });
        let event = system_event(&format!("consumer.{act}"), event_id, name, now, &data);
        if let Some(consumer) = self.consumers.get_mut(&id) {
            consumer.paused = begins;
        }
        self.sequence_one(Section::Published(Published { events: vec![event] }), now)?;
        Ok(())
    }
}

impl Consumer {
    pub(super) fn add_dead(&mut self, offset: Offset, entry: DeadEntry) {
        self.dead_bytes += entry.bytes;
        if entry.parks {
            self.held.park(&entry.key, offset);
        }
        self.dead.insert(offset, entry);
    }

    pub(super) fn remove_dead(&mut self, offset: Offset) -> Option<DeadEntry> {
        let entry = self.dead.remove(&offset)?;
        self.dead_bytes -= entry.bytes;
        if entry.parks {
            self.held.unpark(&entry.key, offset);
        }
        Some(entry)
    }
}
