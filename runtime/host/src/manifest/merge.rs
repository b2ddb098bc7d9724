//! Documents put together: the author's records into one, then the operator's file over it.
//!
//! Between records lists add up and single values must agree; over the author's document the operator's values
//! win.

use std::collections::BTreeMap;

use super::document::{BackoffTable, BreakerTable, Document, LimitsTable, PolicyTable, invalid};
use crate::Refusal;

/// One document out of two records of the same plugin.
pub fn records(one: Document, other: Document, origin: &str) -> Result<Document, Refusal> {
    let same = Agreement { origin };
    let mut subscriptions = one.subscriptions;
    for subscription in other.subscriptions {
        // The same object file linked twice says nothing new.
        if !subscriptions.contains(&subscription) {
            subscriptions.push(subscription);
        }
    }
    let mut config = one.config;
    for (key, value) in other.config {
        let merged = same.of(&format!("config.{key}"), config.remove(&key), Some(value))?;
        config.extend(merged.map(|value| (key, value)));
    }
    Ok(Document {
        manifest: same.of("manifest", one.manifest, other.manifest)?,
        name: same.of("name", one.name, other.name)?,
        version: same.of("version", one.version, other.version)?,
        description: same.of("description", one.description, other.description)?,
        publishes: [one.publishes, other.publishes].concat(),
        capabilities: [one.capabilities, other.capabilities].concat(),
        grants: None,
        template: same.of("template", one.template, other.template)?,
        http: Vec::new(),
        secrets: BTreeMap::new(),
        start: same.of("start", one.start, other.start)?,
        state_revision: same.of("state_revision", one.state_revision, other.state_revision)?,
        subscriptions,
        handlers: [one.handlers, other.handlers].concat(),
        policy: PolicyTable {
            max_attempts: same.of("max_attempts", one.policy.max_attempts, other.policy.max_attempts)?,
            max_age: same.of("max_age", one.policy.max_age, other.policy.max_age)?,
            backoff: BackoffTable {
                base: same.of("backoff.base", one.policy.backoff.base, other.policy.backoff.base)?,
                max: same.of("backoff.max", one.policy.backoff.max, other.policy.backoff.max)?,
            },
            after_dead_letter: same.of(
                "after_dead_letter",
                one.policy.after_dead_letter,
                other.policy.after_dead_letter,
            )?,
            partitions: same.of("partitions", one.policy.partitions, other.policy.partitions)?,
            instance: same.of("instance", one.policy.instance, other.policy.instance)?,
            breaker: same.breaker(one.policy.breaker, other.policy.breaker)?,
            rate: same.of("rate", one.policy.rate, other.policy.rate)?,
            delivery: same.of("delivery", one.policy.delivery, other.policy.delivery)?,
            max_in_flight: same.of("max_in_flight", one.policy.max_in_flight, other.policy.max_in_flight)?,
            probation_threshold: same.of(
                "probation_threshold",
                one.policy.probation_threshold,
                other.policy.probation_threshold,
            )?,
        },
        limits: LimitsTable {
            deadline: same.of("deadline", one.limits.deadline, other.limits.deadline)?,
            memory: same.of("memory", one.limits.memory, other.limits.memory)?,
        },
        config,
    })
}

/// An operator subscribes a template's handlers to other events; it has no others.
pub fn refuse_unknown_handlers(author: &Document, operator: &Document, origin: &str) -> Result<(), Refusal> {
    let is_known = |name: &str| author.subscriptions.iter().any(|one| one.handler == name);
    match operator.subscriptions.iter().find(|one| !is_known(&one.handler)) {
        None => Ok(()),
        Some(unknown) => {
            let known = author.subscriptions.iter().map(|one| format!("\"{}\"", one.handler));
            Err(invalid(
                format!(
                    "{origin} subscribes the handler \"{}\", which the plugin does not have",
                    unknown.handler
                ),
                &format!("It has {}.", known.collect::<Vec<_>>().join(", ")),
            ))
        }
    }
}

/// The author's document with the operator's values in it. What only a template leaves open stands in no other
/// operator's file.
pub fn overridden(author: Document, operator: Document) -> Document {
    let mut config = author.config;
    config.extend(operator.config);
    let is_open = operator.subscriptions.is_empty();
    Document {
        name: operator.name.or(author.name),
        description: operator.description.or(author.description),
        publishes: if operator.publishes.is_empty() { author.publishes } else { operator.publishes },
        start: operator.start.or(author.start),
        subscriptions: if is_open { author.subscriptions } else { operator.subscriptions },
        template: author.template.filter(|_| is_open),
        grants: operator.grants,
        http: operator.http,
        secrets: operator.secrets,
        policy: PolicyTable {
            max_attempts: operator.policy.max_attempts.or(author.policy.max_attempts),
            max_age: operator.policy.max_age.or(author.policy.max_age),
            backoff: BackoffTable {
                base: operator.policy.backoff.base.or(author.policy.backoff.base),
                max: operator.policy.backoff.max.or(author.policy.backoff.max),
            },
            after_dead_letter: operator.policy.after_dead_letter.or(author.policy.after_dead_letter),
            partitions: operator.policy.partitions.or(author.policy.partitions),
            instance: operator.policy.instance.or(author.policy.instance),
            breaker: overridden_breaker(author.policy.breaker, operator.policy.breaker),
            rate: operator.policy.rate.or(author.policy.rate),
            delivery: operator.policy.delivery.or(author.policy.delivery),
            max_in_flight: operator.policy.max_in_flight.or(author.policy.max_in_flight),
            probation_threshold: operator.policy.probation_threshold.or(author.policy.probation_threshold),
        },
        limits: LimitsTable {
            deadline: operator.limits.deadline.or(author.limits.deadline),
            memory: operator.limits.memory.or(author.limits.memory),
        },
        config,
        ..author
    }
}

fn overridden_breaker(author: Option<BreakerTable>, operator: Option<BreakerTable>) -> Option<BreakerTable> {
    let (Some(author), Some(operator)) = (&author, &operator) else { return operator.or(author) };
    Some(BreakerTable {
        failure_percent: operator.failure_percent.or(author.failure_percent),
        attempts: operator.attempts.or(author.attempts),
        pause: operator.pause.or(author.pause),
        max_pause: operator.max_pause.or(author.max_pause),
    })
}

/// Single values that two records give must be the same.
struct Agreement<'o> {
    origin: &'o str,
}

impl Agreement<'_> {
    fn of<T: PartialEq>(&self, key: &str, one: Option<T>, other: Option<T>) -> Result<Option<T>, Refusal> {
        match (one, other) {
            (Some(one), Some(other)) if one != other => Err(self.broken(&format!("key `{key}`"))),
            (one, other) => Ok(one.or(other)),
        }
    }

    fn breaker(
        &self,
        one: Option<BreakerTable>,
        other: Option<BreakerTable>,
    ) -> Result<Option<BreakerTable>, Refusal> {
        let (Some(one), Some(other)) = (&one, &other) else { return Ok(one.or(other)) };
        Ok(Some(BreakerTable {
            failure_percent: self.of(
                "breaker.failure_percent",
                one.failure_percent,
                other.failure_percent,
            )?,
            attempts: self.of("breaker.attempts", one.attempts, other.attempts)?,
            pause: self.of("breaker.pause", one.pause, other.pause)?,
            max_pause: self.of("breaker.max_pause", one.max_pause, other.max_pause)?,
        }))
    }

    fn broken(&self, what: &str) -> Refusal {
        invalid(
            format!("{} contradicts itself: the {what} has two values", self.origin),
            "The plugin was linked from parts with different manifests; keep one of the values.",
        )
    }
}
