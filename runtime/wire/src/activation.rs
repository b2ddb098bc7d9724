//! What a plugin ran, one activation at a time, and what an operator asks for about it.

use camshaft_event::Timestamp;
use camshaft_event::transaction::{ActivationOutcome, Measure, RolledBack};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment;

/// One activation of a plugin: a version with its settings and grants, from when it took over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivationView {
    /// Its number.
    pub activation: u64,
    /// SHA-256 of the `.wasm`, in hex.
    pub digest: String,
    /// The manifest's version.
    pub version: String,
    /// When it took over.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: OutcomeView,
    /// Whether a copy of it is kept, so that it can run again.
    pub kept: bool,
    /// Where the copy of its `.wasm` lies on the runtime's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
}

/// What became of an activation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum OutcomeView {
    /// It runs.
    Running,
    /// Another one took its place.
    Replaced {
        /// That one's number.
        by: u64,
        /// When.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// It was taken back.
    RolledBack {
        /// The activation that runs instead, with what an earlier one ran.
        to: u64,
        /// When.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
        /// `operator`, or `probation`: more of its events failed than before.
        cause: String,
        /// What it did with events; of a probation only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        measured: Option<MeasureView>,
        /// What the version before did with its last events; of a probation only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<MeasureView>,
        /// The first error of it, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Its plugin is gone; it runs again if that comes back.
    Detached {
        /// Since when.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
    /// Its consumer was forgotten.
    Removed {
        /// When.
        #[serde(with = "moment")]
        #[schema(value_type = String, format = DateTime)]
        until: Timestamp,
    },
}

/// Of how many events how many failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasureView {
    /// Events whose first attempt ended.
    pub events: u32,
    /// Those that failed, in whatever way.
    pub failed: u32,
}

/// How a new version does, as long as it may be taken back by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbationView {
    /// The activation that it is compared with, and whose code runs again if it does worse.
    pub predecessor: u64,
    /// Since when.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When it ends at the latest.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// What it did with events.
    pub measured: MeasureView,
    /// What the version before did with its last events.
    pub before: MeasureView,
    /// Failed events that wait for the end of it, uncounted.
    pub waiting: u64,
    /// Whether it has failed with nothing to go back to; then its consumer is paused.
    pub stopped: bool,
}

/// Which version to go back to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The start of its digest; the version that ran before, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Which version to pin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinRequest {
    /// The start of its digest.
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
