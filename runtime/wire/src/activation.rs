//! The activations of a plugin, and operators' requests to change the version that runs.

use camshaft_event::Timestamp;
use camshaft_event::transaction::{ActivationOutcome, Measure, RolledBack};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment;

/// One activation of a plugin: a version with its settings and grants, from the time when it took over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivationView {
    /// Number of the activation.
    pub activation: u64,
    /// SHA-256 of the `.wasm` file, in hex.
    pub digest: String,
    /// Version from the manifest.
    pub version: String,
    /// When the activation took over.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Outcome of the activation.
    #[serde(flatten)]
    pub outcome: OutcomeView,
    /// Whether the runtime keeps a copy of the version, so that it can run again.
    pub kept: bool,
    /// Path of the copy of its `.wasm` on the runtime's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
}

/// Outcome of an activation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum OutcomeView {
    /// The activation is running.
    Running,
    /// Another activation replaced it.
    Replaced {
        /// Number of the other activation.
        by: u64,
        /// When it was replaced.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// It was rolled back.
    RolledBack {
        /// Number of the activation that runs instead, with the version of an earlier activation.
        to: u64,
        /// When it was rolled back.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
        /// `operator`, or `probation` if a larger share of events failed than with the version before.
        cause: String,
        /// Results of the activation's events; only for a probation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        measured: Option<MeasureView>,
        /// Results of the last events of the version before; only for a probation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<MeasureView>,
        /// First error of the activation, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// The plugin is gone; the activation runs again if the plugin comes back.
    Detached {
        /// When the plugin was detached.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// The consumer was removed.
    Removed {
        /// When the consumer was removed.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
}

/// Number of events, and of failed events among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasureView {
    /// Number of events whose first attempt ended.
    pub events: u32,
    /// Events among them whose first attempt failed, for any reason.
    pub failed: u32,
}

/// Results of a new version while it may still be rolled back automatically.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbationView {
    /// Number of the activation that the new version is compared with. Its version runs again if the new one
    /// is worse.
    pub predecessor: u64,
    /// When the probation began.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Latest end of the probation.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Results of the new version's events.
    pub measured: MeasureView,
    /// Results of the last events of the version before.
    pub before: MeasureView,
    /// Number of failed events that wait for the end of the probation. Their failed attempts do not count.
    pub waiting: u64,
    /// Whether the version failed and there is no version to roll back to; the consumer is then paused.
    pub stopped: bool,
}

/// Which version to roll back to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// Digest prefix of the version; if absent, the version that ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Which version to pin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinRequest {
    /// Digest prefix of the version.
    pub digest: String,
}

impl From<ActivationOutcome> for OutcomeView {
    fn from(outcome: ActivationOutcome) -> Self {
        match outcome {
            ActivationOutcome::Running => Self::Running,
            ActivationOutcome::Replaced { by, at } => Self::Replaced { by: by.0, until: at },
            ActivationOutcome::RolledBack(told) => {
                let RolledBack { to, at, cause, measured, before, error } = *told;
                let counted = |measure: Measure| (measure.events > 0).then(|| MeasureView::from(measure));
                Self::RolledBack {
                    to: to.0,
                    until: at,
                    cause: cause.code().to_owned(),
                    measured: counted(measured),
                    before: counted(before),
                    error: (!error.is_empty()).then_some(error),
                }
            }
            ActivationOutcome::Detached { since } => Self::Detached { until: since },
            ActivationOutcome::Removed { at } => Self::Removed { until: at },
        }
    }
}

impl From<Measure> for MeasureView {
    fn from(Measure { events, failed }: Measure) -> Self {
        Self { events, failed }
    }
}
