//! What a consumer is told to be: the manifest or the embedder's call, reduced to what delivery needs.

use std::collections::BTreeMap;

use camshaft_event::{Event, Policy, Role, Start, Subscription, TypePattern};
use camshaft_sabotage::{Sabotage, is_on};

/// A plugin's or closure's declaration, as one activation runs it.
#[derive(Clone, Debug)]
pub struct ConsumerSpec {
    /// The consumer's name; its events have the source `/plugins/<name>`.
    pub name: String,
    /// Its role. An aggregate subscribes to its command types.
    pub role: Role,
    /// Which events it wants.
    pub subscriptions: Vec<Subscription>,
    /// Which types it may publish; any, if absent.
    pub publishes: Option<Vec<TypePattern>>,
    /// How its events are delivered.
    pub policy: Policy,
    /// Where it begins when it is created.
    pub start: Start,
    /// What the guest may read.
    pub config: BTreeMap<String, String>,
    /// What the operator granted.
    pub grants: Vec<String>,
    /// SHA-256 of the plugin file in hex; empty for a closure.
    pub digest: String,
    /// The manifest's version; empty for a closure.
    pub version: String,
    /// The form of its state, by the manifest: code of a lower revision cannot read that of a higher one.
    pub state_revision: u64,
    /// The caller's number for the code to run; the engine only hands it back with each batch.
    pub code: u64,
}

impl ConsumerSpec {
    /// Whether any subscription wants `event`. An aggregate wants only commands.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.matches(event))
            && (!self.role.answers() || event.is_command() || is_on(Sabotage::DeliverUnmarked))
    }

    /// Whether any subscription may want events of this type.
    #[must_use]
    pub fn wants_type(&self, event_type: &str) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.matches_type(event_type))
    }

    /// Whether the handler may publish `event_type`.
    #[must_use]
    pub fn may_publish(&self, event_type: &str) -> bool {
        self.publishes.as_ref().is_none_or(|types| types.iter().any(|pattern| pattern.matches(event_type)))
    }
}
