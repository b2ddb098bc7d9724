//! Ownership of command types: one consumer answers all commands of a type.

use std::collections::HashMap;

use camshaft_event::ConsumerId;
use camshaft_event::transaction::{ConsumerRecord, ConsumerStatus};

/// The owners of all command types.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    by_type: HashMap<String, ConsumerId>,
}

impl Owners {
    /// Makes the consumer the owner of the types that its record names, and of no others.
    pub(crate) fn set(&mut self, record: &ConsumerRecord) {
        let owned = match record.status {
            ConsumerStatus::Removed => &[],
            ConsumerStatus::Attached | ConsumerStatus::Detached { .. } => record.role.commands(),
        };
        if owned.is_empty() && self.by_type.is_empty() {
            return;
        }
        self.by_type.retain(|command_type, owner| *owner != record.id || owned.contains(command_type));
        for command_type in owned {
            self.by_type.entry(command_type.clone()).or_insert(record.id);
        }
    }

    /// The owner of a type.
    pub(crate) fn of(&self, command_type: &str) -> Option<ConsumerId> {
        if self.by_type.is_empty() {
            return None;
        }
        self.by_type.get(command_type).copied()
    }
}
