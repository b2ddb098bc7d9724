//! The delivery settings of a manifest: subscriptions, retry policy, limits.
//!
//! Durations are in milliseconds. The host parses the texts of the manifest, such as `"24h"`.

use serde::{Deserialize, Serialize};

use crate::{Event, Filter, TypePattern};

/// The events that one handler receives: event types, and optionally a filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The handler's name, for people.
    pub handler: String,
    /// The event types; an event must match one of these patterns.
    pub types: Vec<TypePattern>,
    /// A filter that the events must match. Without a filter, all events of the types match.
    pub filter: Option<Filter>,
    /// Whether the handler also receives commands. A command matches only an exact type, never a wildcard.
    #[serde(default)]
    pub commands: bool,
}

impl Subscription {
    /// Whether the handler receives `event`.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.matches_type(&event.event_type)
            && self.filter.as_ref().is_none_or(|filter| filter.matches(event))
            && (!event.is_command() || self.receives_command(&event.event_type))
    }

    fn receives_command(&self, command_type: &str) -> bool {
        self.commands && self.types.iter().any(|pattern| pattern.exact() == Some(command_type))
    }

    /// Whether a pattern matches this type. The filter may still exclude an event.
    #[must_use]
    pub fn matches_type(&self, event_type: &str) -> bool {
        self.types.iter().any(|pattern| pattern.matches(event_type))
    }
}

/// Where a new consumer starts to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At the first retained event.
    #[default]
    Earliest,
    /// At the end of the log.
    Latest,
}

/// How a consumer handles later events of a key after one of its events became a dead letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterDeadLetter {
    /// Hold them in order until the dead letter is redriven or discarded.
    #[default]
    Park,
    /// Handle them.
    Continue,
}

/// Whether an instance of a plugin may handle more than one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstanceReuse {
    /// Keep the instance as long as attempts succeed.
    #[default]
    Reuse,
    /// Create a new instance for each event.
    Fresh,
}

/// Exponential backoff with full jitter. The delay is random, up to a bound that starts at `base_ms`, doubles
/// with each attempt and never exceeds `max_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Upper bound of the first delay, in milliseconds.
    pub base_ms: u64,
    /// Upper bound of every delay, in milliseconds.
    pub max_ms: u64,
}

/// A circuit breaker: it pauses a consumer whose attempts fail too often.
///
/// Only failures that another attempt may fix count: a retry, a trap, an exceeded deadline, a memory limit. A
/// reject concerns one event, often its data, and counts neither as a success nor as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// The breaker opens if this percentage of the recent attempts failed; 1 to 100.
    pub failure_percent: u32,
    /// The number of recent attempts. The breaker never opens on fewer. At least 1.
    pub attempts: u32,
    /// How long the breaker stays open before the consumer tries a single event, in milliseconds.
    pub pause_ms: u64,
    /// Upper bound of the pause, in milliseconds. The pause doubles each time such a single event fails.
    pub max_pause_ms: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failure_percent: 50, attempts: 20, pause_ms: 30_000, max_pause_ms: 5 * 60 * 1000 }
    }
}

/// The maximum rate of a consumer's attempts, including retries. After an idle period, `events` attempts may
/// start at once; then `events` more are spread evenly over each further period. No period has more than
/// twice `events` attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Attempts per period; at least 1.
    pub events: u32,
    /// The period in milliseconds; at least 1.
    pub per_ms: u64,
}

/// How a sink handles a call that a crash interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Repeat the call: the event is done after the call succeeded. Its `source` and `id` form an idempotency
    /// key.
    #[default]
    AtLeastOnce,
    /// Do not repeat the call: the event is done before the call begins. The event of a failed call becomes a
    /// dead letter and is never retried automatically.
    AtMostOnce,
}

/// How a sink makes its calls. A sink is a consumer with granted access to outside systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sink {
    /// Whether a call may be repeated or lost.
    pub delivery: Delivery,
    /// Maximum number of calls in flight, each for a different partition; at least 1.
    pub max_in_flight: u32,
}

impl Default for Sink {
    fn default() -> Self {
        Self { delivery: Delivery::AtLeastOnce, max_in_flight: 8 }
    }
}

/// How a consumer's events are delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Maximum number of attempts before an event becomes a dead letter; at least 1.
    pub max_attempts: u32,
    /// Age in milliseconds, counted from the first attempt. The next failure after it makes a dead letter.
    pub max_age_ms: u64,
    /// Delays between attempts.
    pub backoff: Backoff,
    /// How later events of a dead letter's key are handled.
    pub after_dead_letter: AfterDeadLetter,
    /// Units of order and parallelism; fixed when the consumer is created.
    pub partitions: u32,
    /// Whether instances are reused.
    pub instance: InstanceReuse,
    /// The circuit breaker, if the consumer has one.
    #[serde(default)]
    pub breaker: Option<Breaker>,
    /// The rate limit, if the consumer has one.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// How calls are made, if the consumer is a sink.
    #[serde(default)]
    pub sink: Option<Sink>,
    /// How much the share of failed events of a new version may exceed that of the version before it, before
    /// the new version is rolled back; in millionths. [`Policy::NO_PROBATION_PPM`] or more disables the
    /// probation.
    #[serde(default = "default_probation_threshold_ppm")]
    pub probation_threshold_ppm: u32,
}

impl Policy {
    /// The threshold that disables the probation: a share of failed events cannot exceed 100 %.
    pub const NO_PROBATION_PPM: u32 = 1_000_000;
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_attempts: 10,
            max_age_ms: 24 * 60 * 60 * 1000,
            backoff: Backoff { base_ms: 100, max_ms: 60_000 },
            after_dead_letter: AfterDeadLetter::Park,
            partitions: 64,
            instance: InstanceReuse::Reuse,
            breaker: None,
            rate: None,
            sink: None,
            probation_threshold_ppm: default_probation_threshold_ppm(),
        }
    }
}

fn default_probation_threshold_ppm() -> u32 {
    50_000
}

/// The limits of one attempt of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Running time of one attempt, in milliseconds.
    pub deadline_ms: u64,
    /// Linear memory of the instance, in bytes.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline_ms: 1_000, memory_bytes: 64 * 1024 * 1024 }
    }
}
