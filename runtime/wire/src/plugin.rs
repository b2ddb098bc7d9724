//! A plugin as the operator sees it.

use camshaft_event::{Limits, Offset, Subscription, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ProbationView, moment};

/// The plugins directory: what runs because of it, and what of it is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginsView {
    /// All plugins, by name.
    pub items: Vec<PluginView>,
    /// The watched directory, as the runtime's machine calls it.
    #[serde(default)]
    pub directory: String,
    /// Files in it that have no effect, though they were probably meant to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FileWarningView>,
}

/// A file of the plugins directory that has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileWarningView {
    /// Which.
    pub file: String,
    /// Why.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// A file that was put into the plugins directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginFileView {
    /// Its name there.
    pub file: String,
    /// SHA-256 of it, in hex.
    pub digest: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// A file in the plugins directory, and the plugin that runs because of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginView {
    /// The manifest's name; the file's, as long as no manifest could be read.
    pub name: String,
    /// Whether it handles events.
    pub status: PluginStatus,
    /// The manifest's version, of what runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the author says it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// SHA-256 of the file that runs, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// SHA-256 of the operator's file that it runs with, in hex; absent if it runs without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_digest: Option<String>,
    /// The file.
    pub file: String,
    /// The activation that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<u64>,
    /// Since when.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub activated_at: Option<Timestamp>,
    /// Why the newest version of the file does not run; an earlier one may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refusal: Option<RefusalView>,
    /// The digest of the one version that may run, if an operator said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
    /// What the file holds, if it was found to be in order and may not run now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingVersionView>,
    /// How what runs does, if it is new and may be taken back by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probation: Option<ProbationView>,
    /// Whether another version of the file is being compiled and checked beside what runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loading: bool,
    /// What its handlers take.
    pub subscriptions: Vec<SubscriptionView>,
    /// The types that it may publish.
    pub publishes: Vec<String>,
    /// What it asks for.
    pub capabilities: Vec<String>,
    /// What the operator granted.
    pub grants: Vec<String>,
    /// Policy, limits and config as they are in effect, and where each value comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingView>,
    /// What its operator's file says without effect, each as a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What one attempt may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsView>,
    /// The newest failed attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
}

/// Whether a plugin handles events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PluginStatus {
    /// It is being compiled or checked.
    Loading,
    /// It handles events.
    Active,
    /// It does not: the file was refused.
    Refused,
}

/// A version that does not run, though nothing is wrong with its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingVersionView {
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// The manifest's version.
    pub version: String,
    /// `pinned`: another version is; or `rolled-back`: it ran and was taken back.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Why a file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusalView {
    /// Kebab-case, stable.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Which file.
    pub file: String,
    /// When it was refused.
    #[serde(default, with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// What one handler takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionView {
    /// The handler's name.
    pub handler: String,
    /// Patterns of event types.
    pub types: Vec<String>,
    /// A filter over attributes, in the dialects of the CloudEvents Subscriptions API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub filter: Option<serde_json::Value>,
}

/// A value of `[policy]`, `[limits]` or `[config]` that is in effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingView {
    /// Such as `policy.max_attempts`.
    pub key: String,
    /// As the operator's file would say it. What looks like a secret is `…`.
    pub value: String,
    /// `author`, `operator`, `default`, or `consumer` for what is fixed since the consumer was made.
    pub from: String,
}

/// What one attempt may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsView {
    /// Running time, in milliseconds.
    pub deadline_ms: u64,
    /// Linear memory, in bytes.
    pub memory_bytes: u64,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastError {
    /// When.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The event.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// What kind of failure: `retry`, `reject`, `trap`, `deadline`, …
    pub cause: String,
    /// The first line of the error.
    pub error: String,
    /// The activation that ran.
    #[serde(default)]
    pub activation: u64,
}

impl From<&Subscription> for SubscriptionView {
    fn from(subscription: &Subscription) -> Self {
        let filter = subscription.filter.as_ref();
        Self {
            handler: subscription.handler.clone(),
            types: subscription.types.iter().map(ToString::to_string).collect(),
            filter: filter.map(|filter| serde_json::to_value(filter).expect("a filter is made of texts")),
        }
    }
}

impl From<&Limits> for LimitsView {
    fn from(limits: &Limits) -> Self {
        Self { deadline_ms: limits.deadline_ms, memory_bytes: limits.memory_bytes }
    }
}
