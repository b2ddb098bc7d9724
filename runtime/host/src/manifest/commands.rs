//! `[[commands]]`: the commands that an aggregate decides, and the facts that they record.
//!
//! A manifest with commands is that of an aggregate. Whether the component is one is checked by the loader.

use std::collections::{BTreeMap, BTreeSet};

use camshaft_event::{Role, Subscription, TypePattern};
use serde::{Deserialize, Serialize};

use super::{
    Manifest,
    document::{Document, invalid},
    values,
};
use crate::{
    Refusal, RefusalCode, World,
    world::{DECIDE, EVOLVE, HANDLE},
};

/// One `[[commands]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `type` and `records`")]
pub struct CommandDeclaration {
    /// The exact type of the command.
    #[serde(rename = "type", deserialize_with = "values::command_type")]
    pub command_type: String,
    /// The kind of the scope that the command is about; its subject is the id.
    #[serde(default, deserialize_with = "values::scope_kind")]
    pub scope: Option<String>,
    /// The exact types of the facts that it records.
    #[serde(default, deserialize_with = "values::fact_types")]
    pub records: Vec<String>,
}

impl Document {
    /// Refuses keys and types that contradict the commands of an aggregate. A handler's manifest has none.
    pub fn check_commands(&self, origin: &str) -> Result<(), Refusal> {
        if self.commands.is_empty() {
            return Ok(());
        }
        if let Some(key) = self.key_of_handlers() {
            return Err(invalid(
                format!(
                    "{origin} has [[commands]], so the plugin is an aggregate, and those have no `{key}`"
                ),
                "Remove the key, or put the code that handles events into a plugin of its own.",
            ));
        }
        let mut types = BTreeSet::new();
        if let Some(twice) = self.commands.iter().find(|command| !types.insert(&command.command_type)) {
            return Err(invalid(
                format!("{origin} lists the command \"{}\" twice", twice.command_type),
                "Write one [[commands]] for each type.",
            ));
        }
        match self.commands.iter().flat_map(|command| &command.records).find(|fact| types.contains(fact)) {
            None => Ok(()),
            Some(both) => Err(invalid(
                format!("in {origin} \"{both}\" is both a command and a fact"),
                "Name the command in the imperative, such as \"order.place\", and the fact in the past tense, \
                 such as \"order.placed\".",
            )),
        }
    }

    /// The first key that says something only a handler may say.
    fn key_of_handlers(&self) -> Option<&'static str> {
        let keys = [
            ("subscriptions", !self.subscriptions.is_empty()),
            ("handlers", !self.handlers.is_empty()),
            ("publishes", !self.publishes.is_empty()),
            ("capabilities", !self.capabilities.is_empty()),
            ("template", self.template == Some(true)),
            ("start", self.start.is_some()),
            ("policy.delivery", self.policy.delivery.is_some()),
            ("policy.max_in_flight", self.policy.max_in_flight.is_some()),
        ];
        keys.into_iter().find(|(_, is_set)| *is_set).map(|(key, _)| key)
    }
}

impl Manifest {
    /// The role of the plugin's consumer.
    #[must_use]
    pub fn role(&self) -> Role {
        if self.commands.is_empty() {
            return Role::Handler;
        }
        let scopes = self.commands.iter().filter_map(|command| {
            let kind = command.scope.clone()?;
            Some((command.command_type.clone(), kind))
        });
        Role::Aggregate {
            commands: self.commands.iter().map(|command| command.command_type.clone()).collect(),
            records: self.records().into_iter().map(str::to_owned).collect(),
            scopes: scopes.collect::<BTreeMap<_, _>>(),
        }
    }

    /// The events that reach the plugin's consumer: those of its subscriptions, or an aggregate's commands.
    #[must_use]
    pub fn receives(&self) -> Vec<Subscription> {
        if self.commands.is_empty() {
            return self.subscriptions.clone();
        }
        let types =
            self.commands.iter().filter_map(|command| command.command_type.parse::<TypePattern>().ok());
        let (handler, types) = (DECIDE.to_owned(), types.collect());
        vec![Subscription { handler, types, filter: None, commands: true }]
    }

    /// The event types that the plugin's consumer may add to the log: those that it publishes, or an
    /// aggregate's facts.
    #[must_use]
    pub fn emits(&self) -> BTreeSet<&str> {
        if self.commands.is_empty() {
            return self.publishes.iter().map(String::as_str).collect();
        }
        self.records()
    }

    fn records(&self) -> BTreeSet<&str> {
        self.commands.iter().flat_map(|command| &command.records).map(String::as_str).collect()
    }

    /// Refuses a manifest that belongs to a plugin of another world.
    pub(crate) fn check_world(&self, world: World) -> Result<(), Refusal> {
        let (message, hint) = match (world, self.commands.is_empty()) {
            (World::Handler, true) | (World::Aggregate, false) => return Ok(()),
            (World::Handler, false) => (
                format!("plugin \"{}\" is a handler, but its manifest has [[commands]]", self.name),
                format!("Remove them, or export `{DECIDE}` and `{EVOLVE}` instead of `{HANDLE}`."),
            ),
            (World::Aggregate, true) => (
                format!("plugin \"{}\" is an aggregate, but its manifest has no [[commands]]", self.name),
                "Add a [[commands]] table with `type`, `scope` and `records` for each command that it decides."
                    .to_owned(),
            ),
        };
        Err(Refusal::new(RefusalCode::InvalidManifest, message, hint))
    }
}
