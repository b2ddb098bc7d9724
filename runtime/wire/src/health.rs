//! The health of the runtime.

use camshaft_event::{Offset, Sequence};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LogId;

/// Whether the runtime accepts events, and the most important figures for operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Whether the runtime accepts events.
    pub status: HealthStatus,
    /// Why the runtime does not accept events, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Consumers that are paused because a part of the log or the tables that they need is damaged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged_consumers: Vec<String>,
    /// What an operator should act on before the runtime refuses something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The facts of all aggregates; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<AllFactsView>,
    /// Version of the runtime.
    pub version: String,
    /// Identity of the log, 16 hexadecimal digits. Every log has its own.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$")]
    pub log: LogId,
    /// The offset of the next event, counting durable events only.
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
    /// How long the runtime recognizes a repeated source and id, in milliseconds.
    pub dedupe_horizon_ms: u64,
    /// How long the log keeps events.
    pub retention: RetentionView,
    /// The thread that syncs the log.
    pub sync: SyncView,
}

/// Whether the runtime accepts events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// The runtime accepts events.
    Accepting,
    /// The runtime is starting and accepts no events yet.
    Starting,
    /// The runtime is about to stop and accepts no more events.
    Draining,
    /// A sync failed, so the runtime accepts no more events. The process is about to stop with exit code 7.
    Poisoned,
}

/// How long the log keeps events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionView {
    /// Age in milliseconds from which events may be trimmed.
    pub age_ms: u64,
    /// Size in bytes above which the oldest events may be trimmed; absent if the size is not limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// The facts of all aggregates. They outlive the retention of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllFactsView {
    /// Their size in bytes, in the log and beyond its retention.
    pub bytes: u64,
    /// Size in bytes at which commands whose owner records facts are refused: `limits.max_kept_bytes`.
    pub limit_bytes: u64,
}

impl AllFactsView {
    /// The warning for operators, from 90 % of the limit on.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let Self { bytes, limit_bytes } = *self;
        let is_near = u128::from(bytes) * 10 >= u128::from(limit_bytes) * 9;
        let consequence = if bytes < limit_bytes { "will be refused at the limit" } else { "are refused" };
        is_near.then(|| {
            format!(
                "facts take {bytes} of {limit_bytes} bytes: commands that record facts {consequence}; raise \
                 `limits.max_kept_bytes`"
            )
        })
    }
}

/// The thread that syncs the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncView {
    /// How the operating system schedules the thread, such as "real-time". On a busy machine this determines
    /// how long a publish takes.
    pub scheduling: String,
}

/// Why a runtime stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// A shutdown was requested.
    ShutDown,
    /// A sync failed; data that was not durable is lost.
    Poisoned {
        /// What went wrong.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_warn_from_ninety_percent_of_the_limit_on() {
        let warning = |bytes| AllFactsView { bytes, limit_bytes: 1_000 }.warning();
        assert_eq!((warning(0), warning(899)), (None, None));
        assert!(
            warning(900).unwrap().contains("900 of 1000 bytes: commands that record facts will be refused")
        );
        assert!(
            warning(1_000).unwrap().contains("1000 of 1000 bytes: commands that record facts are refused")
        );
    }
}
