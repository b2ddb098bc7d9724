//! The listing of plugins for operators and embedding programs: running, waiting and refused versions.
//!
//! It only reads; other modules create the data.

use std::path::{Path, PathBuf};

use camshaft_engine::SharedSequencer;
use camshaft_host::Manifest;
use camshaft_host::directory::Overlooked;

use super::probation::probation_view;
use super::shelf::{Refused, Running, Waiting};
use super::{Plugins, settings};
use crate::bus::shown;
use crate::compose::EmbeddedStore;
use crate::view::{
    FileWarningView, LimitsView, PluginStatus, PluginView, RefusalView, SubscriptionView, WaitingVersionView,
};
use crate::{Runtime, Unavailable};

impl Runtime {
    /// Lists all running plugins and all files that were refused or are being loaded, by name, once the shown
    /// data is durable.
    ///
    /// # Errors
    /// A runtime that ended before the shown data was durable.
    pub async fn plugins(&self) -> Result<Vec<PluginView>, Unavailable> {
        self.0.core.read_durably(|sequencer| self.0.plugins.views(sequencer)).await
    }

    /// Files of the plugins directory that have no effect, but probably should have one.
    #[must_use]
    pub fn overlooked_files(&self) -> Vec<FileWarningView> {
        let overlooked = self.0.plugins.shelf.overlooked();
        let view = |Overlooked { file, message, hint }: &Overlooked| FileWarningView {
            file: file.display().to_string(),
            message: message.clone(),
            hint: hint.clone(),
        };
        overlooked.iter().map(view).collect()
    }

    /// Returns a running plugin by its name, or a refused file by its stem, once the shown data is durable.
    /// Returns `None` if nothing has the name.
    ///
    /// # Errors
    /// A runtime that ended before the shown data was durable.
    pub async fn plugin(&self, name: &str) -> Result<Option<PluginView>, Unavailable> {
        let plugins = &self.0.plugins;
        let read = self.0.core.read_durably(|sequencer| {
            let named = || plugins.views(sequencer).into_iter().find(|view| view.name == name);
            plugins.running_view(sequencer, name).or_else(named)
        });
        read.await
    }
}

/// The engine as it is read for a view.
type Engine = SharedSequencer<EmbeddedStore>;

impl Plugins {
    fn views(&self, sequencer: &Engine) -> Vec<PluginView> {
        let names: Vec<String> = self.shelf.running().keys().cloned().collect();
        let running = names.iter().filter_map(|name| self.running_view(sequencer, name));
        let mut views: Vec<PluginView> = running.collect();
        let pinned = |name: &str| sequencer.lock().pinned(name).map(str::to_owned);
        let refused = self.shelf.refused();
        let runs = |refused: &Refused| refused.plugin.as_ref().is_some_and(|name| names.contains(name));
        let refused = refused.iter().filter(|(_, refused)| !runs(refused));
        views.extend(refused.map(|(file, refused)| PluginView {
            pinned: refused.plugin.as_deref().and_then(pinned),
            ..refused_view(file, refused)
        }));
        views.extend(self.loading_views(&views));
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// Files of which nothing runs yet and nothing was refused.
    fn loading_views(&self, known: &[PluginView]) -> Vec<PluginView> {
        let files = self.shelf.loading().clone();
        let is_new = |file: &PathBuf| !known.iter().any(|view| Path::new(&view.file) == file);
        files.iter().filter(|file| is_new(file)).map(|file| file_view(file, PluginStatus::Loading)).collect()
    }

    fn running_view(&self, sequencer: &Engine, name: &str) -> Option<PluginView> {
        let pinned = sequencer.lock().pinned(name).map(str::to_owned);
        let consumer = sequencer.lock().consumer_state(name);
        let partitions = consumer.as_ref().map(|consumer| consumer.record.partitions);
        let (probation, last_error) =
            consumer.map(|consumer| (consumer.probation, consumer.last_failure)).unwrap_or_default();
        let refused = self.shelf.refused();
        let last_refusal = refused
            .iter()
            .find(|(_, refused)| refused.plugin.as_deref() == Some(name))
            .map(|(file, refused)| refusal_view(file, refused));
        let running = self.shelf.running();
        let Running { version, file, activation, activated_at, waiting, .. } = running.get(name)?;
        let plugin = &version.plugin;
        let manifest = plugin.manifest();
        Some(PluginView {
            name: name.to_owned(),
            status: PluginStatus::Active,
            version: Some(manifest.version.clone()),
            description: manifest.description.clone(),
            digest: Some(plugin.digest().to_owned()),
            operator_digest: version.content().operator.clone(),
            file: file.display().to_string(),
            activation: Some(activation.0),
            activated_at: Some(*activated_at),
            last_refusal,
            pinned,
            waiting: waiting.as_ref().map(|waiting| waiting_view(name, waiting)),
            probation: probation.as_ref().map(probation_view),
            loading: self.shelf.loading().contains(file),
            subscriptions: manifest.receives().iter().map(SubscriptionView::from).collect(),
            publishes: manifest.emits().into_iter().map(str::to_owned).collect(),
            capabilities: manifest.capabilities.iter().cloned().collect(),
            grants: manifest.granted(),
            settings: settings::of(manifest, partitions),
            warnings: warnings(manifest, partitions),
            limits: Some(LimitsView::from(&manifest.limits)),
            last_error: last_error.map(shown::last_error),
        })
    }
}

/// What the operator's file says without effect.
pub(super) fn warnings(manifest: &Manifest, partitions: Option<u32>) -> Vec<String> {
    let mut warnings = manifest.unused_grants();
    let wanted = manifest.policy.partitions;
    if let Some(has) = partitions.filter(|has| *has != wanted) {
        warnings.push(format!(
            "`partitions = {wanted}` has no effect: the consumer was created with {has}, which stays \
             fixed until the consumer is removed"
        ));
    }
    warnings
}

fn refused_view(file: &Path, refused: &Refused) -> PluginView {
    let last_refusal = Some(refusal_view(file, refused));
    let view = file_view(file, PluginStatus::Refused);
    PluginView { name: refused.plugin.clone().unwrap_or(view.name), last_refusal, ..view }
}

/// A file of which nothing runs.
fn file_view(file: &Path, status: PluginStatus) -> PluginView {
    PluginView {
        name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        status,
        version: None,
        description: None,
        digest: None,
        operator_digest: None,
        file: file.display().to_string(),
        activation: None,
        activated_at: None,
        last_refusal: None,
        pinned: None,
        waiting: None,
        probation: None,
        loading: status == PluginStatus::Loading,
        subscriptions: Vec::new(),
        publishes: Vec::new(),
        capabilities: Vec::new(),
        grants: Vec::new(),
        settings: Vec::new(),
        warnings: Vec::new(),
        limits: None,
        last_error: None,
    }
}

fn waiting_view(name: &str, Waiting { version, because }: &Waiting) -> WaitingVersionView {
    WaitingVersionView {
        digest: version.plugin.digest().to_owned(),
        version: version.plugin.manifest().version.clone(),
        reason: because.code().to_owned(),
        message: because.message(),
        hint: because.hint(name),
    }
}

fn refusal_view(file: &Path, Refused { refusal, at, .. }: &Refused) -> RefusalView {
    RefusalView {
        at: *at,
        code: refusal.code.to_string(),
        message: refusal.message.clone(),
        hint: refusal.hint.clone(),
        file: file.display().to_string(),
    }
}
