//! A consumer as the operator sees it.

use camshaft_event::{Offset, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment;

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
    /// The oldest event that is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Oldest>,
}

/// Whether somebody handles for a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConsumerStatusView {
    /// Its plugin or closure is loaded.
    Attached,
    /// Its plugin is gone; the log keeps its events for a while.
    Detached,
    /// As many events are held or dead as may be: it reads no further.
    Full,
}

/// The oldest event that is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Oldest {
    /// Its place in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// How long ago it was published, in milliseconds.
    pub age_ms: u64,
}
