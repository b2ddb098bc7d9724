//! Plugins and their files as operators see them.

use camshaft_event::{Limits, Offset, Subscription, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ProbationView, moment};

/// The plugins directory: its plugins, and the files in it that have no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginsView {
    /// All plugins, by name.
    pub items: Vec<PluginView>,
    /// Path of the watched directory on the runtime's machine.
    #[serde(default)]
    pub directory: String,
    /// Files in the directory that have no effect, although they were probably meant to have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FileWarningView>,
}

/// A file in the plugins directory that has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileWarningView {
    /// Name of the file.
    pub file: String,
    /// Why the file has no effect.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// A file that was put into the plugins directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginFileView {
    /// Name of the file in the directory.
    pub file: String,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Length of the file in bytes.
    pub bytes: u64,
}

/// A file in the plugins directory, and the plugin that runs from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginView {
    /// Name in the manifest; name of the file as long as no manifest could be read.
    pub name: String,
    /// Whether the plugin handles events.
    pub status: PluginStatus,
    /// Version of the running plugin, from its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The author's description of the plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// SHA-256 of the running `.wasm` file, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// SHA-256 of the operator's file in use, in hex; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_digest: Option<String>,
    /// Name of the file.
    pub file: String,
    /// Number of the running activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<u64>,
    /// When that activation began.
    #[serde(default, with = "moment::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub activated_at: Option<Timestamp>,
    /// Why the newest version of the file was refused; an earlier version may be running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refusal: Option<RefusalView>,
    /// Digest of the pinned version, if an operator has pinned one. No other version may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
    /// The version in the file, if it is valid but may not run now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingVersionView>,
    /// The probation of the running version, if it is new and may be rolled back automatically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probation: Option<ProbationView>,
    /// Whether another version of the file is being compiled and checked beside the running one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loading: bool,
    /// Subscriptions of its handlers.
    pub subscriptions: Vec<SubscriptionView>,
    /// Event types that the plugin may publish.
    pub publishes: Vec<String>,
    /// Capabilities that the plugin requests.
    pub capabilities: Vec<String>,
    /// Capabilities that the operator granted.
    pub grants: Vec<String>,
    /// Policy, limits and config in effect, and where each value comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingView>,
    /// Parts of the operator's file that have no effect, each as a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Resource limits of one attempt.
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
    /// The plugin is being compiled or checked.
    Loading,
    /// The plugin handles events.
    Active,
    /// The file was refused, so the plugin handles no events.
    Refused,
}

/// A version that does not run, although its file is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingVersionView {
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Version from the manifest.
    pub version: String,
    /// `pinned`: another version is pinned; or `rolled-back`: the version ran and was rolled back.
    pub reason: String,
    /// The reason, as a sentence.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Why a file was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusalView {
    /// Stable code in kebab-case.
    pub code: String,
    /// What is wrong with the file.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Name of the file.
    pub file: String,
    /// When the file was refused.
    #[serde(default, with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Subscription of one handler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionView {
    /// Name of the handler.
    pub handler: String,
    /// Patterns of event types.
    pub types: Vec<String>,
    /// A filter over attributes, in the dialects of the CloudEvents Subscriptions API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub filter: Option<serde_json::Value>,
    /// Whether the handler also receives commands of its types.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub commands: bool,
}

/// A value of `[policy]`, `[limits]` or `[config]` in effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingView {
    /// Name of the setting, such as `policy.max_attempts`.
    pub key: String,
    /// The value as written in an operator's file. A value that looks like a secret is shown as `…`.
    pub value: String,
    /// `author`, `operator`, `default`, or `consumer` for a value that is fixed since the consumer was
    /// created.
    pub from: String,
}

/// Resource limits of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsView {
    /// Maximum running time, in milliseconds.
    pub deadline_ms: u64,
    /// Maximum memory of one instance, in bytes, including memory that the runtime keeps for it.
    pub memory_bytes: u64,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastError {
    /// When the attempt failed.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Offset of the event.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// Cause of the failure: `retry`, `reject`, `trap`, `deadline`, …
    pub cause: String,
    /// The first line of the error.
    pub error: String,
    /// Number of the activation that ran.
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
            commands: subscription.commands,
        }
    }
}

impl From<&Limits> for LimitsView {
    fn from(limits: &Limits) -> Self {
        Self { deadline_ms: limits.deadline_ms, memory_bytes: limits.memory_bytes }
    }
}
