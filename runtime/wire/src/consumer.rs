//! A consumer as the operator sees it.

use camshaft_event::{Offset, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AttemptView, LastError, moment, whole};

/// How far a consumer is, and what holds it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsumerView {
    /// Its name: the plugin's, or what the embedder gave a closure.
    pub name: String,
    /// Whether somebody handles for it.
    pub status: ConsumerStatusView,
    /// Since when it is detached.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub detached_at: Option<Timestamp>,
    /// How often it has begun anew, from 1.
    pub generation: u32,
    /// Its units of order and parallelism.
    pub partitions: u32,
    /// Every event before this offset is done, held or dead.
    #[schema(value_type = u64)]
    pub checkpoint: Offset,
    /// Events between the checkpoint and the tail.
    pub lag: u64,
    /// Events being handled.
    pub in_flight: u64,
    /// Events that wait for another attempt.
    pub retrying: u64,
    /// Events that wait behind another of their key.
    pub held: u64,
    /// Dead letters.
    pub dead: u64,
    /// Bytes of keys and values in its state.
    #[serde(default)]
    pub state_bytes: u64,
    /// Timers that are set.
    #[serde(default)]
    pub timers: u64,
    /// What keeps it from taking events; empty if it goes on.
    #[serde(default)]
    pub pauses: Vec<PauseView>,
    /// What it needs and cannot read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageView>,
    /// When its rate limit lets it go on, if there is work that waits for that.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub throttled_until: Option<Timestamp>,
    /// The oldest event that is neither done nor dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Oldest>,
    /// The held key whose first event is the oldest, and what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_held: Option<OldestHeldView>,
    /// How an attempt of it failed last, whatever became of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastError>,
}

/// Whether somebody handles for a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConsumerStatusView {
    /// Its plugin or closure is loaded.
    Attached,
    /// Its plugin is gone; the log keeps its events for a while.
    Detached,
    /// An operator, its circuit breaker or the lack of a version that can run keeps it from taking events.
    Paused,
    /// As many events are held or dead as may be: it reads no further.
    Full,
    /// A part of the log or the tables that it needs cannot be read.
    Damaged,
}

/// A part of the log or the tables that a consumer needs and that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DamageView {
    /// Which part.
    pub part: String,
    /// What was found, with file and place.
    pub reason: String,
    /// Whether `skip` lets the consumer go on without it.
    pub skippable: bool,
}

/// How a damaged consumer is to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkipRequest {
    /// Where it goes on if events of the log are damaged: behind them unless given.
    #[serde(default, deserialize_with = "whole::offset", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub to: Option<Offset>,
}

/// What a consumer has gone on without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkipView {
    /// The first event that it does not handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub from: Option<Offset>,
    /// The first one behind those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub until: Option<Offset>,
    /// Held events that were dropped.
    #[schema(value_type = Vec<u64>)]
    pub held: Vec<Offset>,
    /// Dead letters that were dropped.
    #[schema(value_type = Vec<u64>)]
    pub dead: Vec<Offset>,
    /// Timers that were dropped.
    pub timers: Vec<String>,
}

/// Why a consumer takes no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "reason", rename_all = "lowercase")]
pub enum PauseView {
    /// Somebody paused it, for as long as it takes.
    Operator {
        /// Since when.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        since: Timestamp,
    },
    /// Its newest version has failed its probation, and there is nothing to go back to.
    Probation {
        /// Since when.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        since: Timestamp,
    },
    /// Too many of its attempts failed, whatever the event.
    Breaker {
        /// From then on it tries single events until one succeeds.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// As many events are held or dead as may be: it takes no new ones, but retries go on.
    Bound,
    /// Nothing handles for it: no version of its plugin can run, or its closure has not subscribed since the start.
    Unattended,
    /// A part of the log or the tables that it needs cannot be read; `damage` says which.
    Damaged,
}

/// The oldest event that is neither done nor dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Oldest {
    /// Its place in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// How long ago it was published, in milliseconds.
    pub age_ms: u64,
}

/// A held key, and what its first event waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OldestHeldView {
    /// The key, if the events have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The first event that waits under it.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// How long ago that was published, in milliseconds, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// How many wait under it.
    pub events: u64,
    /// What the first one waits for.
    pub waits_for: WaitsForView,
    /// Failed attempts of the first one since it was first tried or last redriven.
    #[serde(default)]
    pub attempts: u32,
    /// When the next attempt of the first one is due at the earliest, if one has failed.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// The attempt of the first one that failed last, if one has, with the first line of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<AttemptView>,
}

/// What a held event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum WaitsForView {
    /// The dead letter before it, to be redriven or discarded.
    DeadLetter {
        /// Where that lies.
        #[schema(value_type = u64)]
        offset: Offset,
    },
    /// Another held event of its key, which comes first.
    Event {
        /// Where that lies.
        #[schema(value_type = u64)]
        offset: Offset,
    },
    /// The end of the attempt that is being made of it.
    Attempt,
    /// Its plugin, or closure, to be there again.
    Code,
    /// The end of a pause.
    Pause {
        /// Which.
        pause: PauseView,
    },
    /// The end of the probation on which it failed.
    Probation {
        /// At the latest.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// Its next attempt.
    Retry {
        /// Not before.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        due: Timestamp,
    },
    /// The rate limit.
    Rate {
        /// Until then.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// Its turn: a worker, or the batch that its partition runs.
    Turn,
}
