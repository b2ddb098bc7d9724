//! The records of a consumer and of an activation in the tables.

use serde::{Deserialize, Serialize};

use super::{ActivationHistory, Probation};
use crate::{ActivationId, ConsumerId, Generation, Role, Timestamp};

/// The record of a consumer in the tables; each change writes the whole record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerRecord {
    /// Its number, never reused.
    pub id: ConsumerId,
    /// Its name: the name of the plugin, or the name that the embedding program chose for a closure.
    pub name: String,
    /// Its generation.
    pub generation: Generation,
    /// The generation in which its state was last emptied; part of the keys of its state.
    pub state_generation: Generation,
    /// The number of its partitions, fixed when it was created.
    pub partitions: u32,
    /// Whether a plugin or closure is attached.
    pub status: ConsumerStatus,
    /// The newest activation; 0 before the first.
    pub activation: ActivationId,
    /// When an operator paused it; absent if it is not paused.
    #[serde(default)]
    pub paused: Option<Timestamp>,
    /// The digest of the version to which an operator pinned it; absent if it is not pinned.
    #[serde(default)]
    pub pinned: Option<String>,
    /// Its newest activations. Empty in records of older versions.
    #[serde(default)]
    pub history: ActivationHistory,
    /// The probation of its newest activation; absent if that is not on probation.
    #[serde(default)]
    pub probation: Option<Box<Probation>>,
    /// Its role. A handler in records of older versions.
    #[serde(default)]
    pub role: Role,
}

/// The status of a consumer. Persisted as numbers; never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsumerStatus {
    /// A plugin or closure of this name is loaded.
    #[serde(rename = "0")]
    Attached,
    /// Its plugin was removed. The consumer pins the log until `detached_retention` has passed.
    #[serde(rename = "1")]
    Detached {
        /// When it was detached.
        since: Timestamp,
    },
    /// An operator removed it. Only its number and generation remain, so that ids stay unique.
    #[serde(rename = "2")]
    Removed,
}

/// A plugin's code and settings that took effect together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// Its number, which sections refer to.
    pub id: ActivationId,
    /// Its consumer.
    pub consumer: ConsumerId,
    /// SHA-256 of the plugin file in hex; empty for a closure.
    pub digest: String,
    /// The manifest's version; empty for a closure.
    pub version: String,
    /// The settings that the guest can read.
    pub config: Vec<(String, String)>,
    /// The capabilities that the operator granted.
    pub grants: Vec<String>,
    /// When it took effect.
    pub at: Timestamp,
    /// The revision of the state's form, from the manifest. Code with a lower revision cannot read state of a
    /// higher one.
    #[serde(default)]
    pub state_revision: u64,
}
