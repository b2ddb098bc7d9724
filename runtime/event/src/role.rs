//! The role of a consumer: which events reach it, how they are ordered, and what its attempts may do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Event, InvalidScope, Key, Offset, Scope};

/// The role of a consumer. Its kind is fixed when the consumer is created. Persisted; never renumber.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// It handles events.
    #[default]
    #[serde(rename = "0")]
    Handler,
    /// It owns command types and answers the commands of these types.
    #[serde(rename = "1")]
    Aggregate {
        /// The command types, each owned by this consumer alone.
        commands: Vec<String>,
        /// The fact types that its decisions record. No other consumer may publish them.
        #[serde(default)]
        records: Vec<String>,
        /// The kind of the scope that a command of a type is about; the subject is its id. Types without an
        /// entry declare none.
        #[serde(default)]
        scopes: BTreeMap<String, String>,
    },
}

impl Role {
    /// The owner of these command types, without facts.
    #[must_use]
    pub fn owner(commands: Vec<String>) -> Self {
        Self::Aggregate { commands, records: Vec::new(), scopes: BTreeMap::new() }
    }

    /// The name of the role, for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Aggregate { .. } => "aggregate",
        }
    }

    /// Whether two roles are the same except for the command types.
    #[must_use]
    pub fn is_same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// The command types that the consumer owns.
    #[must_use]
    pub fn commands(&self) -> &[String] {
        match self {
            Self::Handler => &[],
            Self::Aggregate { commands, .. } => commands,
        }
    }

    /// The fact types that the consumer records.
    #[must_use]
    pub fn records(&self) -> &[String] {
        match self {
            Self::Handler => &[],
            Self::Aggregate { records, .. } => records,
        }
    }

    /// The scope that `command` declares: of the kind that belongs to its type, with the subject as id.
    ///
    /// # Errors
    /// A subject that cannot be an id.
    pub fn scope(&self, command: &Event) -> Result<Option<Scope>, InvalidScope> {
        let Self::Aggregate { scopes, .. } = self else { return Ok(None) };
        let kind = scopes.get(&command.event_type);
        kind.map(|kind| Scope::new(kind, command.subject.as_deref().unwrap_or_default())).transpose()
    }

    /// Whether the consumer answers commands.
    #[must_use]
    pub const fn answers(&self) -> bool {
        matches!(self, Self::Aggregate { .. })
    }

    /// The ordering key of `event`, which has the offset `offset`, for a consumer with this role. The rule is
    /// persisted: recovery computes the keys of held events by it.
    ///
    /// An aggregate orders its commands by their subject, the identity of the scope that they concern.
    #[must_use]
    pub fn key(&self, event: &Event, offset: Offset) -> Key {
        let key = match self {
            Self::Handler => event.ordering_key(),
            Self::Aggregate { .. } => event.subject.as_deref(),
        };
        key.map_or(Key::Unordered(offset), |key| Key::Ordered(key.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_orders_by_the_partitionkey_and_an_aggregate_by_the_subject() {
        let mut event = Event { subject: Some("9".into()), ..Event::default() };
        event.partitionkey = Some("region".into());
        let aggregate = Role::owner(Vec::new());
        let ordered = |key: &str| Key::Ordered(key.into());
        assert_eq!(Role::Handler.key(&event, Offset(3)), ordered("region"));
        assert_eq!(aggregate.key(&event, Offset(3)), ordered("9"));
        event.subject = None;
        assert_eq!(Role::Handler.key(&event, Offset(3)), ordered("region"));
        assert_eq!(aggregate.key(&event, Offset(3)), Key::Unordered(Offset(3)));
    }
}
