//! What a plugin is and asks for, for `camshaft check` and the plugin listing.
//!
//! It only tells; what must not be is refused by the loader.

mod warnings;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use bytesize::ByteSize;
use camshaft_event::{Limits, Policy, Subscription};
use serde::Serialize;

use crate::{
    CommandDeclaration, Form, Manifest, Refusal, World,
    contract::{Contract, PACKAGE},
};

/// A plugin in words and numbers. Its `Display` is a few lines for a terminal.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The plugin's name.
    pub name: String,
    /// The author's version.
    pub version: String,
    /// One line for people.
    pub description: Option<String>,
    /// The world of the contract that it was built for.
    pub world: World,
    /// The contract it was written against, as `camshaft:plugin@version`.
    pub contract: String,
    /// Component or core module.
    pub form: Form,
    /// SHA-256 of the file.
    pub digest: String,
    /// Length of the file in bytes.
    pub size: u64,
    /// What its handlers want.
    pub subscriptions: Vec<Subscription>,
    /// The commands that it decides, if it is an aggregate.
    pub commands: Vec<CommandDeclaration>,
    /// Event types it may publish.
    pub publishes: BTreeSet<String>,
    /// What it asks for beyond the contract's interfaces.
    pub capabilities: BTreeSet<String>,
    /// What was granted.
    pub grants: BTreeSet<String>,
    /// How its events are delivered.
    pub policy: Policy,
    /// What one attempt may use.
    pub limits: Limits,
    /// Its settings.
    pub config: BTreeMap<String, String>,
    /// What its component imports.
    pub imports: Vec<String>,
    /// Which of that it does not get.
    pub refused_imports: Vec<String>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
    /// Why a runtime would not take it, if it would not.
    pub refusal: Option<Refusal>,
}

/// What a report is made of: what is known before anything is compiled.
pub struct Facts<'a> {
    pub manifest: &'a Manifest,
    pub contract: &'a Contract,
    pub form: Form,
    pub digest: &'a str,
    pub size: u64,
    pub imports: &'a [String],
}

impl Report {
    pub(crate) fn of(facts: &Facts<'_>) -> Self {
        let manifest = facts.manifest.clone();
        Self {
            warnings: warnings::of(&manifest),
            name: manifest.name,
            version: manifest.version,
            description: manifest.description,
            world: facts.contract.world,
            contract: format!("{PACKAGE}@{}", facts.contract.version),
            form: facts.form,
            digest: facts.digest.to_owned(),
            size: facts.size,
            subscriptions: manifest.subscriptions,
            commands: manifest.commands,
            publishes: manifest.publishes,
            capabilities: manifest.capabilities,
            grants: manifest.grants,
            policy: manifest.policy,
            limits: manifest.limits,
            config: manifest.config,
            imports: facts.imports.to_vec(),
            refused_imports: Vec::new(),
            refusal: None,
        }
    }

    /// What it asks for, and whether it has it.
    fn asks(&self) -> String {
        let ask = |capability: &String| match self.grants.contains(capability) {
            true => capability.clone(),
            false => format!("{capability} (not granted)"),
        };
        joined(&self.capabilities.iter().map(ask).collect())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.name, self.version)?;
        if let Some(description) = &self.description {
            writeln!(f, "  {description}")?;
        }
        let form = match self.form {
            Form::Component => "component",
            Form::Module => "core module",
        };
        let size = ByteSize::b(self.size).display().iec();
        writeln!(f, "  world         {}", self.world.name())?;
        writeln!(f, "  contract      {} ({form}, {size})", self.contract)?;
        writeln!(f, "  digest        {}", self.digest)?;
        for subscription in &self.subscriptions {
            let types = subscription.types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let filtered = if subscription.filter.is_some() { ", filtered" } else { "" };
            let commands = if subscription.commands { ", commands included" } else { "" };
            writeln!(f, "  handles       {types} with {}{filtered}{commands}", subscription.handler)?;
        }
        for CommandDeclaration { command_type, scope, records } in &self.commands {
            let about = scope.as_ref().map(|kind| format!(" about {kind}")).unwrap_or_default();
            let records = if records.is_empty() { "nothing".to_owned() } else { records.join(", ") };
            writeln!(f, "  decides       {command_type}{about}, records {records}")?;
        }
        if let World::Handler = self.world {
            writeln!(f, "  publishes     {}", joined(&self.publishes))?;
            writeln!(f, "  capabilities  {}", self.asks())?;
        }
        writeln!(
            f,
            "  limits        {} ms, {}",
            self.limits.deadline_ms,
            ByteSize::b(self.limits.memory_bytes).display().iec()
        )?;
        for import in &self.refused_imports {
            writeln!(f, "  refused       the import \"{import}\"")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  warning       {warning}")?;
        }
        Ok(())
    }
}

fn joined(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
