//! Ownership of types: one consumer answers all commands of a type, and one records all facts of a type.

use std::collections::HashMap;

use camshaft_event::ConsumerId;
use camshaft_event::transaction::{ConsumerRecord, ConsumerStatus};

/// The owners of all command types and fact types.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    commands: OwnedTypes,
    facts: OwnedTypes,
}

/// The owner of each type of one kind.
#[derive(Debug, Default)]
struct OwnedTypes(HashMap<String, ConsumerId>);

impl Owners {
    /// Makes the consumer the owner of the types that its record names, and of no others. A removed consumer
    /// keeps its facts, so it keeps their types.
    pub(crate) fn set(&mut self, record: &ConsumerRecord) {
        let commands = match record.status {
            ConsumerStatus::Removed => &[],
            ConsumerStatus::Attached | ConsumerStatus::Detached { .. } => record.role.commands(),
        };
        self.commands.set(record.id, commands);
        self.facts.set(record.id, record.role.records());
    }

    /// The consumer that answers commands of a type.
    pub(crate) fn of_command(&self, command_type: &str) -> Option<ConsumerId> {
        self.commands.of(command_type)
    }

    /// The consumer that records facts of a type.
    pub(crate) fn of_fact(&self, fact_type: &str) -> Option<ConsumerId> {
        self.facts.of(fact_type)
    }

    /// Whether any consumer has ever declared facts.
    pub(crate) fn has_facts(&self) -> bool {
        !self.facts.0.is_empty()
    }
}

impl OwnedTypes {
    fn set(&mut self, consumer: ConsumerId, owned: &[String]) {
        if owned.is_empty() && self.0.is_empty() {
            return;
        }
        self.0.retain(|owned_type, owner| *owner != consumer || owned.contains(owned_type));
        for owned_type in owned {
            self.0.entry(owned_type.clone()).or_insert(consumer);
        }
    }

    fn of(&self, owned_type: &str) -> Option<ConsumerId> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(owned_type).copied()
    }
}
