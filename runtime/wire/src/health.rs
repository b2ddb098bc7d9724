//! How the runtime is.

use camshaft_event::{Offset, Sequence};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LogId;

/// Whether events are accepted, and the figures that an operator asks for first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Whether events are accepted.
    pub status: HealthStatus,
    /// Why not, if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Consumers that are paused since a part of the log or the tables that they need is damaged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged_consumers: Vec<String>,
    /// The runtime's version.
    pub version: String,
    /// The identity of the log, 16 hexadecimal digits: another log has another one.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$")]
    pub log: LogId,
    /// The offset that the next event will have, counting what is durable.
    #[schema(value_type = u64)]
    pub tail: Offset,
    /// The first retained offset: the trim point.
    #[schema(value_type = u64)]
    pub first_offset: Offset,
    /// The last durable transaction.
    #[schema(value_type = u64)]
    pub sequence: Sequence,
    /// "sync" or "async".
    pub durability: String,
    /// How far back a repeated source and id is recognized, in milliseconds.
    pub dedupe_horizon_ms: u64,
    /// How long events are kept.
    pub retention: RetentionView,
    /// The thread that syncs the log.
    pub sync: SyncView,
}

/// Whether events are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// Yes.
    Accepting,
    /// Not yet.
    Starting,
    /// No more: the runtime is about to stop.
    Draining,
    /// No more: a sync failed. The process is about to stop with exit code 7.
    Poisoned,
}

/// How long events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionView {
    /// Events older than this may be trimmed, in milliseconds.
    pub age_ms: u64,
    /// The oldest events beyond this size may be trimmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// The thread that syncs the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncView {
    /// How the operating system schedules it, such as "real-time"; decides how long a publish takes on a busy
    /// machine.
    pub scheduling: String,
}

/// How a runtime came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Somebody asked for it.
    ShutDown,
    /// A sync failed; what was not durable is lost.
    Poisoned {
        /// What went wrong.
        reason: String,
    },
}
