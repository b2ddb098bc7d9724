//! A consumer as operators see it.

use camshaft_event::{Offset, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AttemptView, LastError, moment, whole};

/// Progress of a consumer, and the causes that block it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsumerView {
    /// Name of the consumer: the name of its plugin, or the name that the embedding program gave a closure.
    pub name: String,
    /// Whether a plugin or closure handles its events.
    pub status: ConsumerStatusView,
    /// When the consumer was detached.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub detached_at: Option<Timestamp>,
    /// Number of its generation, from 1. Each reset begins a new generation.
    pub generation: u32,
    /// Number of its partitions, the units of order and parallelism.
    pub partitions: u32,
    /// Every event before this offset is done, held or dead.
    #[schema(value_type = u64)]
    pub checkpoint: Offset,
    /// Number of events between the checkpoint and the tail.
    pub lag: u64,
    /// Number of events being handled.
    pub in_flight: u64,
    /// Number of events that wait for another attempt.
    pub retrying: u64,
    /// Number of events that wait behind another event of their key.
    pub held: u64,
    /// Number of dead letters.
    pub dead: u64,
    /// Size of the keys and values in its state, in bytes.
    #[serde(default)]
    pub state_bytes: u64,
    /// Number of timers that are set.
    #[serde(default)]
    pub timers: u64,
    /// Why the consumer takes no events; empty if it takes events.
    #[serde(default)]
    pub pauses: Vec<PauseView>,
    /// Damaged parts of the log or the tables that the consumer needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageView>,
    /// When the rate limit allows the next attempt, if work is waiting for it.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub throttled_until: Option<Timestamp>,
    /// The oldest event that is neither done nor dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Oldest>,
    /// The held key with the oldest first event, and the cause of its wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_held: Option<OldestHeldView>,
    /// The newest failed attempt of the consumer, even if the event succeeded later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastError>,
}

/// Whether a plugin or closure handles the events of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConsumerStatusView {
    /// The plugin or closure is loaded.
    Attached,
    /// The plugin is gone; the log keeps the consumer's events for the time set by `detached_retention`.
    Detached,
    /// An operator, a failed probation, the circuit breaker or the lack of a runnable version stops the
    /// consumer from taking events. `pauses` gives the reasons.
    Paused,
    /// The limit of held events and dead letters is reached, so the consumer reads no further events.
    Full,
    /// A part of the log or the tables that the consumer needs cannot be read.
    Damaged,
}

/// An unreadable part of the log or the tables that a consumer needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DamageView {
    /// Name of the part.
    pub part: String,
    /// The error found, with the file and the location.
    pub reason: String,
    /// Whether `skip` lets the consumer continue without the part.
    pub skippable: bool,
}

/// Where a damaged consumer continues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkipRequest {
    /// Offset at which the consumer continues if events of the log are damaged; by default the first offset
    /// after them.
    #[serde(default, deserialize_with = "whole::offset", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub to: Option<Offset>,
}

/// The damaged parts that a consumer has skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkipView {
    /// Offset of the first skipped event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub from: Option<Offset>,
    /// First offset after the skipped events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub until: Option<Offset>,
    /// Offsets of the dropped held events.
    #[schema(value_type = Vec<u64>)]
    pub held: Vec<Offset>,
    /// Offsets of the dropped dead letters.
    #[schema(value_type = Vec<u64>)]
    pub dead: Vec<Offset>,
    /// Names of the dropped timers.
    pub timers: Vec<String>,
}

/// Why a consumer takes no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "reason", rename_all = "lowercase")]
pub enum PauseView {
    /// An operator paused the consumer; the pause lasts until an operator resumes it.
    Operator {
        /// When the pause began.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        since: Timestamp,
    },
    /// The newest version has failed its probation, and there is no version to roll back to.
    Probation {
        /// When the pause began.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        since: Timestamp,
    },
    /// Too many attempts failed, so the circuit breaker is open.
    Breaker {
        /// From this time on, the consumer tries single events until one succeeds.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// The limit of held events and dead letters is reached: the consumer takes no new events, but retries
    /// continue.
    Bound,
    /// No handler is loaded: no version of the plugin can run, or the closure has not subscribed since the
    /// start.
    Unattended,
    /// A part of the log or the tables that the consumer needs cannot be read; `damage` names the part.
    Damaged,
}

/// The oldest event that is neither done nor dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Oldest {
    /// Offset of the event in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// How long ago the event was published, in milliseconds.
    pub age_ms: u64,
}

/// A held key, and the cause of its first event's wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OldestHeldView {
    /// The key, if the events have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Offset of the first event of the key.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// How long ago the first event was published, in milliseconds, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// Number of held events of the key.
    pub events: u64,
    /// The cause of the first event's wait.
    pub waits_for: WaitsForView,
    /// Failed attempts of the first event since its first attempt or last redrive.
    #[serde(default)]
    pub attempts: u32,
    /// Earliest time of the first event's next attempt, if an attempt has failed.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// The last failed attempt of the first event, if there is one, with the first line of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<AttemptView>,
}

/// The cause of a held event's wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum WaitsForView {
    /// An earlier event of its key is a dead letter, which must be redriven or discarded first.
    DeadLetter {
        /// Offset of the dead letter.
        #[schema(value_type = u64)]
        offset: Offset,
    },
    /// Another held event of its key comes first.
    Event {
        /// Offset of the other event.
        #[schema(value_type = u64)]
        offset: Offset,
    },
    /// An attempt of the event is in progress.
    Attempt,
    /// The plugin or closure is not loaded.
    Code,
    /// The consumer is paused.
    Pause {
        /// The pause.
        pause: PauseView,
    },
    /// The event failed in a version on probation, and the probation has not ended.
    Probation {
        /// Latest end of the probation.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// The next attempt of the event is not due yet.
    Retry {
        /// Earliest time of the attempt.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        due: Timestamp,
    },
    /// The rate limit delays the attempt.
    Rate {
        /// When the rate limit allows the attempt.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// The event waits for a worker, or for the batch that its partition runs.
    Turn,
}
