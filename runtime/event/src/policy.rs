//! What a manifest asks of delivery: subscriptions, retry policy, limits.
//!
//! Durations are milliseconds here; the manifest's texts (`"24h"`) are read by the host.

use serde::{Deserialize, Serialize};

use crate::{Event, Filter, TypePattern};

/// One handler's claim on events: types, and optionally a filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The handler's name, for people.
    pub handler: String,
    /// Any of these types.
    pub types: Vec<TypePattern>,
    /// Only events that pass it; all, if absent.
    pub filter: Option<Filter>,
}

impl Subscription {
    /// Whether the handler wants `event`.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.matches_type(&event.event_type)
            && self.filter.as_ref().is_none_or(|filter| filter.matches(event))
    }

    /// Whether it may want events of this type.
    #[must_use]
    pub fn matches_type(&self, event_type: &str) -> bool {
        self.types.iter().any(|pattern| pattern.matches(event_type))
    }
}

/// Where a new consumer begins to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At the first retained event.
    #[default]
    Earliest,
    /// At the end of the log.
    Latest,
}

/// What becomes of the later events of a key whose event is a dead letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterDeadLetter {
    /// They wait, in order, until it is redriven or discarded.
    #[default]
    Park,
    /// They go on.
    Continue,
}

/// Whether a plugin's instance may serve more than one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstanceReuse {
    /// Kept while attempts succeed.
    #[default]
    Reuse,
    /// Clean memory for each event.
    Fresh,
}

/// Exponential backoff with full jitter: a random wait up to `base_ms` doubled per attempt, at most `max_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Upper bound of the first wait.
    pub base_ms: u64,
    /// Upper bound of every wait.
    pub max_ms: u64,
}

/// When a consumer stops taking events because its attempts fail, and for how long.
///
/// Only failures that another attempt may cure count: a retry, a trap, a passed deadline, a limit on memory. A reject
/// is an answer about one event, often bad data, and counts neither way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// It opens once so many percent of the recent attempts failed; 1 to 100.
    pub failure_percent: u32,
    /// How many attempts are recent; it never opens on fewer. At least 1.
    pub attempts: u32,
    /// How long it stays open before single events are tried.
    pub pause_ms: u64,
    /// The pause doubles each time such an event fails, up to this.
    pub max_pause_ms: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failure_percent: 50, attempts: 20, pause_ms: 30_000, max_pause_ms: 5 * 60 * 1000 }
    }
}

/// How many attempts a consumer may make, retries included: `events` at once after a rest, then as many evenly over
/// each further period. Not more than twice that in any one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Attempts per period; at least 1.
    pub events: u32,
    /// The period; at least 1.
    pub per_ms: u64,
}

/// What a crash may do to a call that has an effect outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Repeat it: the event is done once the call has succeeded. Its `source` and `id` make an idempotency key.
    #[default]
    AtLeastOnce,
    /// Lose it: the event is done before the call begins. A call that fails is a dead letter and never repeats itself.
    AtMostOnce,
}

/// How the calls of a sink are made: of a consumer that was granted a way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sink {
    /// Whether a call may be repeated or lost.
    pub delivery: Delivery,
    /// Calls that may be under way at a time, each for another partition; at least 1.
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
    /// Attempts before an event becomes a dead letter; at least 1.
    pub max_attempts: u32,
    /// Time from the first attempt after which the next failure makes a dead letter.
    pub max_age_ms: u64,
    /// Waits between attempts.
    pub backoff: Backoff,
    /// What the events behind a dead letter do.
    pub after_dead_letter: AfterDeadLetter,
    /// Units of order and parallelism; fixed when the consumer is created.
    pub partitions: u32,
    /// Whether instances are reused.
    pub instance: InstanceReuse,
    /// Its circuit breaker, if it has one.
    #[serde(default)]
    pub breaker: Option<Breaker>,
    /// Its rate limit, if it has one.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// How its calls are made, if it is a sink.
    #[serde(default)]
    pub sink: Option<Sink>,
    /// By how many millionths the share of failed events of a new version may be larger than that of the version before,
    /// before the new one is rolled back. From [`Policy::NO_PROBATION_PPM`] on there is no probation.
    #[serde(default = "default_probation_threshold_ppm")]
    pub probation_threshold_ppm: u32,
}

impl Policy {
    /// The threshold that no share of failed events can exceed: all of them.
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

/// What one attempt of a plugin may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Running time of one attempt.
    pub deadline_ms: u64,
    /// Linear memory of the instance, in bytes.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline_ms: 1_000, memory_bytes: 64 * 1024 * 1024 }
    }
}
