//! The manifest's keys: what the author's records and the operator's file, put together, are decoded into.
//!
//! Everything is optional here; [`Document::complete`] demands what a whole manifest needs and fills in
//! defaults. How a key of several texts is put together, and who may write it, is said in
//! [`rules`](super::rules).

use std::collections::BTreeMap;

use camshaft_event::{
    AfterDeadLetter, Backoff, Breaker, Delivery, Filter, InstanceReuse, Limits, Policy, Rate, Sink, Start,
    TypePattern,
};
use serde::Deserialize;

use super::{CommandDeclaration, HttpRule, Manifest, Origins, SecretSource, values};
use crate::{Refusal, RefusalCode};

/// The deadline of a call that may wait for something outside, unless the manifest says another. Shorter than
/// the ten seconds in which a runtime that stops lets calls end, so that one that has just begun has an
/// outcome, too.
const SINK_DEADLINE_MS: u64 = 8_000;

/// The manifest's keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Document {
    #[serde(deserialize_with = "values::manifest_version")]
    pub manifest: Option<u32>,
    #[serde(deserialize_with = "values::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "values::version")]
    pub version: Option<String>,
    pub description: Option<String>,
    #[serde(deserialize_with = "values::event_types")]
    pub publishes: Vec<String>,
    pub capabilities: Vec<String>,
    pub grants: Vec<String>,
    pub http: Vec<HttpRule>,
    #[serde(deserialize_with = "values::secrets")]
    pub secrets: BTreeMap<String, SecretSource>,
    /// Whether the operator says what it is called and takes.
    pub template: Option<bool>,
    pub start: Option<Start>,
    pub state_revision: Option<u64>,
    pub subscriptions: Vec<Subscription>,
    pub commands: Vec<CommandDeclaration>,
    /// Whose subscriptions the author wrote down. In Rust each handler knows only its own, so a name without
    /// a subscription is no handler's.
    pub handlers: Vec<String>,
    pub policy: PolicyTable,
    pub limits: LimitsTable,
    #[serde(deserialize_with = "values::config")]
    pub config: BTreeMap<String, String>,
}

/// One `[[subscriptions]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `handler` and `types`")]
pub struct Subscription {
    pub handler: String,
    pub types: Vec<TypePattern>,
    pub filter: Option<Filter>,
    /// Whether the handler also receives commands of these types.
    #[serde(default)]
    pub commands: bool,
}

/// `[policy]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table such as [policy] with keys below it")]
pub struct PolicyTable {
    #[serde(deserialize_with = "values::attempts")]
    pub max_attempts: Option<u32>,
    #[serde(deserialize_with = "values::duration")]
    pub max_age: Option<u64>,
    pub backoff: BackoffTable,
    pub after_dead_letter: Option<AfterDeadLetter>,
    #[serde(deserialize_with = "values::partitions")]
    pub partitions: Option<u32>,
    pub instance: Option<InstanceReuse>,
    pub breaker: Option<BreakerTable>,
    pub rate: Option<RateTable>,
    pub delivery: Option<Delivery>,
    #[serde(deserialize_with = "values::in_flight")]
    pub max_in_flight: Option<u32>,
    /// In millionths.
    #[serde(deserialize_with = "values::share_ppm")]
    pub probation_threshold: Option<u32>,
}

/// `backoff = { … }`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table such as { base = \"100ms\", max = \"60s\" }")]
pub struct BackoffTable {
    #[serde(deserialize_with = "values::duration")]
    pub base: Option<u64>,
    #[serde(deserialize_with = "values::duration")]
    pub max: Option<u64>,
}

/// `breaker = { … }`; one without keys has the defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table such as { failure_percent = 50, attempts = 20 }")]
pub struct BreakerTable {
    #[serde(deserialize_with = "values::percent")]
    pub failure_percent: Option<u32>,
    #[serde(deserialize_with = "values::recent_attempts")]
    pub attempts: Option<u32>,
    #[serde(deserialize_with = "values::duration")]
    pub pause: Option<u64>,
    #[serde(deserialize_with = "values::duration")]
    pub max_pause: Option<u64>,
}

/// `rate = { … }`, one value of two parts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { events = 100, per = \"1s\" }")]
pub struct RateTable {
    #[serde(deserialize_with = "values::rate_events")]
    pub events: u32,
    #[serde(deserialize_with = "values::period")]
    pub per: u64,
}

/// `[limits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table such as [limits] with keys below it")]
pub struct LimitsTable {
    #[serde(deserialize_with = "values::duration")]
    pub deadline: Option<u64>,
    #[serde(deserialize_with = "values::size")]
    pub memory: Option<u64>,
}

impl Document {
    fn refuse_unknown_handlers(&self, origin: &str) -> Result<(), Refusal> {
        let has_one = |name: &String| self.subscriptions.iter().any(|one| one.handler == *name);
        match self.handlers.iter().find(|name| !has_one(name)) {
            None => Ok(()),
            Some(name) => Err(invalid(
                format!(
                    "{origin} has a subscription for the handler \"{name}\", but the plugin has no such handler"
                ),
                "Correct `handler` in plugin.toml, put #[handler(…)] on the function, or remove the subscription.",
            )),
        }
    }

    /// Refuses commands by a pattern: a handler receives them only by their exact types.
    fn refuse_command_patterns(&self, origin: &str) -> Result<(), Refusal> {
        let receives = self.subscriptions.iter().filter(|subscription| subscription.commands);
        let mut types = receives.flat_map(|one| one.types.iter().map(|pattern| (&one.handler, pattern)));
        match types.find(|(_, pattern)| pattern.exact().is_none()) {
            None => Ok(()),
            Some((handler, pattern)) => Err(invalid(
                format!(
                    "in {origin} the handler \"{handler}\" has `commands = true`, but its type \"{pattern}\" \
                     is a pattern"
                ),
                "Name each command type in full, or give the pattern to another handler without `commands`.",
            )),
        }
    }

    /// The whole manifest, with defaults for what may be left out.
    pub fn complete(self, origin: &str) -> Result<Manifest, Refusal> {
        let missing =
            |key: &str| invalid(format!("{origin} has no `{key}`"), "Add the key; every plugin needs it.");
        if self.manifest.is_none() {
            return Err(missing("manifest = 1"));
        }
        self.check_commands(origin)?;
        let is_aggregate = !self.commands.is_empty();
        if self.subscriptions.is_empty() && !is_aggregate {
            return Err(invalid(
                format!("{origin} subscribes to nothing, so the plugin would never run"),
                "Add a [[subscriptions]] table with `handler` and `types`, or a #[handler(…)] in Rust. An aggregate \
                 has [[commands]] instead.",
            ));
        }
        if let Some(idle) = self.subscriptions.iter().find(|subscription| subscription.types.is_empty()) {
            return Err(invalid(
                format!("in {origin} the handler \"{}\" has no `types`, so it would never run", idle.handler),
                "Add the event types that it handles, or remove the handler.",
            ));
        }
        self.refuse_unknown_handlers(origin)?;
        self.refuse_command_patterns(origin)?;
        let is_sink = !self.capabilities.is_empty();
        let manifest = Manifest {
            name: self.name.ok_or_else(|| missing("name"))?,
            version: self.version.ok_or_else(|| missing("version"))?,
            description: self.description,
            subscriptions: self.subscriptions.into_iter().map(Into::into).collect(),
            commands: self.commands,
            publishes: self.publishes.into_iter().collect(),
            capabilities: self.capabilities.into_iter().collect(),
            grants: self.grants.into_iter().collect(),
            http: self.http,
            secrets: self.secrets,
            is_open: self.template == Some(true),
            start: self.start.unwrap_or_default(),
            state_revision: self.state_revision.unwrap_or_default(),
            policy: self.policy.complete(is_sink, is_aggregate, origin)?,
            limits: self.limits.complete(is_sink),
            config: self.config,
            origins: Origins::new(),
        };
        manifest.refuse_overlap(origin)?;
        manifest.refuse_unknown_secrets(origin)?;
        Ok(manifest)
    }
}

impl PolicyTable {
    fn complete(self, is_sink: bool, is_aggregate: bool, origin: &str) -> Result<Policy, Refusal> {
        let mut default = Policy::default();
        if is_aggregate {
            // The sender of a later command waits for an answer, and what it decides on was never changed.
            default.after_dead_letter = AfterDeadLetter::Continue;
        }
        let backoff = Backoff {
            base_ms: self.backoff.base.unwrap_or(default.backoff.base_ms),
            max_ms: self.backoff.max.unwrap_or(default.backoff.max_ms),
        };
        if backoff.base_ms > backoff.max_ms {
            return Err(invalid(
                format!(
                    "in {origin} the key `backoff.base` ({} ms) exceeds `backoff.max` ({} ms)",
                    backoff.base_ms, backoff.max_ms
                ),
                "Swap or change the two: the delay grows from `base` to `max`.",
            ));
        }
        let sink = self.sink(is_sink, origin)?;
        Ok(Policy {
            max_attempts: self.max_attempts.unwrap_or(default.max_attempts),
            max_age_ms: self.max_age.unwrap_or(default.max_age_ms),
            backoff,
            after_dead_letter: self.after_dead_letter.unwrap_or(default.after_dead_letter),
            partitions: self.partitions.unwrap_or(default.partitions),
            instance: self.instance.unwrap_or(default.instance),
            breaker: self.breaker.map(|breaker| breaker.complete(origin)).transpose()?,
            rate: self.rate.map(|rate| Rate { events: rate.events, per_ms: rate.per }),
            sink,
            probation_threshold_ppm: self.probation_threshold.unwrap_or(default.probation_threshold_ppm),
        })
    }

    /// What only a plugin with a way out may say.
    fn sink(&self, is_sink: bool, origin: &str) -> Result<Option<Sink>, Refusal> {
        if is_sink {
            let default = Sink::default();
            return Ok(Some(Sink {
                delivery: self.delivery.unwrap_or(default.delivery),
                max_in_flight: self.max_in_flight.unwrap_or(default.max_in_flight),
            }));
        }
        let given = [("delivery", self.delivery.is_some()), ("max_in_flight", self.max_in_flight.is_some())];
        match given.iter().find(|(_, given)| *given) {
            None => Ok(None),
            Some((key, _)) => Err(invalid(
                format!(
                    "in {origin} the key `policy.{key}` is for sinks, but the plugin requests no capability"
                ),
                "Remove the key, or set `capabilities`; without them its effects are exactly once.",
            )),
        }
    }
}

impl BreakerTable {
    fn complete(self, origin: &str) -> Result<Breaker, Refusal> {
        let default = Breaker::default();
        let breaker = Breaker {
            failure_percent: self.failure_percent.unwrap_or(default.failure_percent),
            attempts: self.attempts.unwrap_or(default.attempts),
            pause_ms: self.pause.unwrap_or(default.pause_ms),
            max_pause_ms: self.max_pause.unwrap_or(default.max_pause_ms),
        };
        if breaker.pause_ms > breaker.max_pause_ms {
            return Err(invalid(
                format!(
                    "in {origin} the key `breaker.pause` ({} ms) exceeds `breaker.max_pause` ({} ms)",
                    breaker.pause_ms, breaker.max_pause_ms
                ),
                "Swap or change the two: the pause grows from `pause` to `max_pause`.",
            ));
        }
        Ok(breaker)
    }
}

impl LimitsTable {
    fn complete(self, is_sink: bool) -> Limits {
        let default = Limits::default();
        let deadline_ms = if is_sink { SINK_DEADLINE_MS } else { default.deadline_ms };
        Limits {
            deadline_ms: self.deadline.unwrap_or(deadline_ms),
            memory_bytes: self.memory.unwrap_or(default.memory_bytes),
        }
    }
}

impl From<Subscription> for camshaft_event::Subscription {
    fn from(Subscription { handler, types, filter, commands }: Subscription) -> Self {
        Self { handler, types, filter, commands }
    }
}

pub fn invalid(message: String, hint: &str) -> Refusal {
    Refusal::new(RefusalCode::InvalidManifest, message, hint)
}
