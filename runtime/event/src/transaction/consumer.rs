//! What the tables keep of a consumer and of an activation.

use serde::{Deserialize, Serialize};

use super::{ActivationHistory, Probation};
use crate::{ActivationId, ConsumerId, Generation, Timestamp};

/// A consumer as the tables know it; written whole at each change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerRecord {
    /// Its number, never reused.
    pub id: ConsumerId,
    /// Its name: the plugin's, or what the embedder gave a closure.
    pub name: String,
    /// How often it has begun anew.
    pub generation: Generation,
    /// The generation in which its state was last emptied; part of the keys of its state.
    pub state_generation: Generation,
    /// Fixed when it was created.
    pub partitions: u32,
    /// Whether somebody handles for it.
    pub status: ConsumerStatus,
    /// The newest activation; none before the first.
    pub activation: ActivationId,
    /// Since when an operator has paused it; absent if it goes on.
    #[serde(default)]
    pub paused: Option<Timestamp>,
    /// The digest of the one version that an operator lets run; absent if any may.
    #[serde(default)]
    pub pinned: Option<String>,
    /// Its newest activations. Empty in what older versions wrote.
    #[serde(default)]
    pub history: ActivationHistory,
    /// If its newest activation is on probation.
    #[serde(default)]
    pub probation: Option<Box<Probation>>,
}

/// Whether a consumer takes events. Persisted as numbers, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsumerStatus {
    /// A plugin or closure of this name is loaded.
    #[serde(rename = "0")]
    Attached,
    /// Its plugin is gone; it pins the log until `detached_retention` has passed.
    #[serde(rename = "1")]
    Detached {
        /// Since when.
        since: Timestamp,
    },
    /// Forgotten by the operator: only number and generation remain, so that ids stay unique.
    #[serde(rename = "2")]
    Removed,
}

/// A plugin's code and settings as they took effect together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// Its number; sections name it.
    pub id: ActivationId,
    /// Which consumer it runs for.
    pub consumer: ConsumerId,
    /// SHA-256 of the plugin file in hex; empty for a closure.
    pub digest: String,
    /// The manifest's version; empty for a closure.
    pub version: String,
    /// What the guest may read.
    pub config: Vec<(String, String)>,
    /// What the operator granted.
    pub grants: Vec<String>,
    /// When it took effect.
    pub at: Timestamp,
    /// What the manifest says of the form of its state: code of a lower revision cannot read that of a higher one.
    #[serde(default)]
    pub state_revision: u64,
}
