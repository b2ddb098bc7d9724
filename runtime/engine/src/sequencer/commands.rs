//! Commands: their owners, and the state of each command.

use camshaft_event::{
    CommandChange, CommandOutcome, ConsumerId, DeadLetter, Offset, Role, Timestamp, TypePattern,
};
use camshaft_tables::store::Store;
use camshaft_tables::{Decision, TablesError};

use super::{ConsumerError, Sequencer, WaitsFor};
use crate::ConsumerSpec;
use crate::consumer::Consumer;

/// The state of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandState {
    /// It was decided, or discarded.
    Decided(Decision),
    /// It waits among the held events of its owner.
    Held {
        /// The owner.
        consumer: String,
        /// What it waits for.
        waits_for: WaitsFor,
        /// When its next attempt is due at the earliest, if one has failed.
        due: Option<Timestamp>,
    },
    /// It is a dead letter of its owner, and may still be redriven.
    Dead {
        /// The owner.
        consumer: String,
    },
}

impl<S: Store> Sequencer<S> {
    /// The state of the command at `offset`, as far as memory has it: a decision may be in the store.
    pub(crate) fn recent_command_state(&self, offset: Offset) -> Result<Option<CommandState>, TablesError> {
        if let Some(decision) = self.tables.recent_decision(offset)? {
            return Ok(Some(CommandState::Decided(decision)));
        }
        let owner = self.consumers.values().find(|consumer| consumer.undecided.contains_key(&offset));
        Ok(owner.and_then(|consumer| self.undecided_state(consumer, offset)))
    }

    fn undecided_state(&self, consumer: &Consumer, offset: Offset) -> Option<CommandState> {
        let name = consumer.record.name.clone();
        if consumer.dead.get(offset).is_some() {
            return Some(CommandState::Dead { consumer: name });
        }
        let place = consumer.held.place(offset)?;
        let waits_for = consumer.waits_for(&place, &self.steady);
        Some(CommandState::Held { consumer: name, waits_for, due: place.due(&self.steady) })
    }

    /// The commands that were decided or became dead letters since this was last asked. The caller wakes
    /// those that wait for them.
    #[must_use]
    pub fn take_decided(&mut self) -> Vec<Offset> {
        std::mem::take(&mut self.decided)
    }

    /// Notes that a command of this consumer was decided or discarded.
    pub(super) fn note_decided(&mut self, consumer: ConsumerId, offset: Offset) {
        if let Some(consumer) = self.consumers.change(consumer) {
            consumer.undecided.remove(&offset);
        }
        self.decided.push(offset);
    }

    /// The name of the consumer that owns a command type, and whether it is attached.
    #[must_use]
    pub fn owner(&self, command_type: &str) -> Option<(&str, bool)> {
        let consumer = self.consumers.get(self.owners.of_command(command_type)?)?;
        let is_attached = consumer.is_attached() || consumer.is_unattended();
        Some((&consumer.record.name, is_attached))
    }

    /// The name of the aggregate that records facts of a type.
    #[must_use]
    pub fn recorder(&self, fact_type: &str) -> Option<&str> {
        Some(&self.consumers.get(self.owners.of_fact(fact_type)?)?.record.name)
    }

    /// Whether any aggregate has ever declared facts: without one there is none in the log.
    #[must_use]
    pub fn has_fact_types(&self) -> bool {
        self.owners.has_facts()
    }

    /// Whether `spec` knows all facts that the consumer `known` has, which may have been removed, and neither
    /// records nor publishes facts of another aggregate.
    pub(super) fn check_facts(
        &self,
        known: Option<&Consumer>,
        spec: &ConsumerSpec,
    ) -> Result<(), ConsumerError> {
        let name = || spec.name.clone();
        let own = known.map(|known| known.record.id);
        let published = spec.publishes.iter().flatten().filter_map(TypePattern::exact);
        for fact_type in spec.role.records().iter().map(String::as_str).chain(published) {
            let other = self.owners.of_fact(fact_type).filter(|owner| Some(*owner) != own);
            if let Some(other) = other.and_then(|other| self.consumers.get(other)) {
                let (fact_type, owner) = (fact_type.to_owned(), other.record.name.clone());
                return Err(ConsumerError::FactOwned { name: name(), fact_type, owner });
            }
        }
        for fact_type in known.map(|known| known.record.role.records()).unwrap_or_default() {
            if !spec.role.records().contains(fact_type) && self.tables.last_command(fact_type)?.is_some() {
                return Err(ConsumerError::UnknownFact { name: name(), fact_type: fact_type.clone() });
            }
        }
        Ok(())
    }

    /// Whether `spec` may take the place of what `current` runs, or be a new consumer.
    pub(super) fn check_role(
        &self,
        current: Option<&Consumer>,
        spec: &ConsumerSpec,
    ) -> Result<(), ConsumerError> {
        let name = || spec.name.clone();
        for command_type in spec.role.commands() {
            let owner = self.owners.of_command(command_type);
            let other = owner.filter(|owner| Some(*owner) != current.map(|known| known.record.id));
            if let Some(other) = other.and_then(|other| self.consumers.get(other)) {
                let (command_type, owner) = (command_type.clone(), other.record.name.clone());
                return Err(ConsumerError::CommandOwned { name: name(), command_type, owner });
            }
        }
        let Some(current) = current else { return Ok(()) };
        let was = &current.record.role;
        if !was.is_same_kind(&spec.role) {
            return Err(ConsumerError::RoleChanged { name: name(), was: was.name(), now: spec.role.name() });
        }
        let (before, after) = (was.commands(), spec.role.commands());
        self.check_decided(current, before.iter().filter(|command| !after.contains(command)))?;
        // It would decide commands again that an earlier owner has decided.
        let floor = current.floor(self.tables.progress().next_offset).max(self.first_offset);
        for command_type in after.iter().filter(|command| !before.contains(command)) {
            if self.tables.last_command(command_type)? >= Some(floor) {
                return Err(ConsumerError::Behind { name: name(), command_type: command_type.clone() });
            }
        }
        Ok(())
    }

    /// Whether all commands of these types are decided. Commands that the consumer has not read, and that the
    /// log has forgotten, will never be decided.
    pub(super) fn check_decided<'t>(
        &self,
        consumer: &Consumer,
        types: impl Iterator<Item = &'t String>,
    ) -> Result<(), ConsumerError> {
        let floor = consumer.floor(self.tables.progress().next_offset).max(self.first_offset);
        for command_type in types {
            // Entries that cannot be read may be commands of any type.
            let is_waiting = !consumer.is_whole()
                || consumer.undecided.values().any(|undecided| undecided == command_type);
            if is_waiting || self.tables.last_command(command_type)? >= Some(floor) {
                let (name, command_type) = (consumer.record.name.clone(), command_type.clone());
                return Err(ConsumerError::Undecided { name, command_type });
            }
        }
        Ok(())
    }

    /// What a discarded dead letter means for its command, if it is one that `role` decides.
    pub(super) fn discarded(
        role: &Role,
        offset: Offset,
        letter: &DeadLetter,
    ) -> Vec<(Offset, CommandChange)> {
        if !role.answers() {
            return Vec::new();
        }
        let change = CommandChange::new(letter.event.hash(), Some(CommandOutcome::Discarded));
        vec![(offset, change)]
    }
}
