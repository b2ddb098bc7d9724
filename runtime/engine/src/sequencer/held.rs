//! Dead letters as a consumer counts them.

use camshaft_event::Offset;

use crate::consumer::{Consumer, DeadEntry};

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
