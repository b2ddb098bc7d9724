//! What a plugin is and asks for, for `camshaft check` and the plugin listing.
//!
//! It only tells; everything that must not be was refused before there is a report.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use bytesize::ByteSize;
use camshaft_event::{Limits, Policy, Subscription};
use serde::Serialize;

use crate::{Form, Plugin};

/// A plugin in words and numbers. Its `Display` is a few lines for a terminal.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The plugin's name.
    pub name: String,
    /// The author's version.
    pub version: String,
    /// One line for people.
    pub description: Option<String>,
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
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
}

impl Report {
    pub(crate) fn of(plugin: &Plugin) -> Self {
        let manifest = plugin.manifest().clone();
        let warnings = warnings(plugin);
        Self {
            name: manifest.name,
            version: manifest.version,
            description: manifest.description,
            contract: format!("camshaft:plugin@{}", plugin.contract()),
            form: plugin.form(),
            digest: plugin.digest().to_owned(),
            size: plugin.size(),
            subscriptions: manifest.subscriptions,
            publishes: manifest.publishes,
            capabilities: manifest.capabilities,
            grants: manifest.grants,
            policy: manifest.policy,
            limits: manifest.limits,
            config: manifest.config,
            imports: plugin.imports().to_vec(),
            warnings,
        }
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
        writeln!(f, "  contract      {} ({form}, {size})", self.contract)?;
        writeln!(f, "  digest        {}", self.digest)?;
        for subscription in &self.subscriptions {
            let types = subscription.types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let filtered = if subscription.filter.is_some() { ", filtered" } else { "" };
            writeln!(f, "  handles       {types} with {}{filtered}", subscription.handler)?;
        }
        writeln!(f, "  publishes     {}", joined(&self.publishes))?;
        writeln!(f, "  capabilities  {}", joined(&self.capabilities))?;
        writeln!(
            f,
            "  limits        {} ms, {}",
            self.limits.deadline_ms,
            ByteSize::b(self.limits.memory_bytes).display().iec()
        )?;
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

fn warnings(plugin: &Plugin) -> Vec<String> {
    let manifest = plugin.manifest();
    let mut warnings = Vec::new();
    for grant in manifest.grants.difference(&manifest.capabilities) {
        warnings.push(format!("\"{grant}\" is granted but not asked for"));
    }
    for event_type in manifest.publishes.iter().filter(|event_type| sounds_like_a_command(event_type)) {
        warnings.push(format!(
            "\"{event_type}\" sounds like a command; an event says what happened, such as \"order.placed\""
        ));
    }
    for subscription in &manifest.subscriptions {
        let own = manifest
            .publishes
            .iter()
            .find(|event_type| subscription.types.iter().any(|pattern| pattern.matches(event_type)));
        if let Some(event_type) = own {
            warnings
                .push(format!("it handles \"{event_type}\", which it publishes itself, and may feed itself"));
        }
    }
    warnings
}

/// Whether the last segment begins with a verb that tells somebody to do something.
fn sounds_like_a_command(event_type: &str) -> bool {
    const VERBS: [&str; 12] = [
        "create", "update", "delete", "send", "place", "process", "cancel", "start", "stop", "add", "remove",
        "do",
    ];
    let last = event_type.rsplit('.').next().unwrap_or(event_type);
    let first_word = last.split(['-', '_']).next().unwrap_or(last);
    VERBS.contains(&first_word)
}
