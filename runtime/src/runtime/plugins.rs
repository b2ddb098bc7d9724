//! Plugins as operators and embedders see them: what runs, what was refused and why.
//!
//! What the watched directory offers is loaded by [`loader`], and attached or detached by [`watch`]; the [`Shelf`]
//! remembers it for the views here.

mod loader;
mod shelf;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use camshaft_host::Refusal;

use super::Runtime;
use crate::view::{LastError, LimitsView, PluginStatus, PluginView, RefusalView, SubscriptionView};
pub(super) use loader::{LoadHook, Loader};
pub(super) use shelf::Shelf;
use shelf::{Refused, Running};
pub(crate) use watch::spec;
pub(super) use watch::{attach, watch};

impl Runtime {
    /// Loads one plugin that does not lie in the watched directory, with the operator's file beside it if there
    /// is one. It stays until shutdown.
    ///
    /// # Errors
    /// The [`Refusal`] says which rule the file breaks.
    pub async fn load_plugin(&self, path: impl AsRef<Path>) -> Result<PluginView, Refusal> {
        let (inner, path) = (Arc::clone(&self.0), path.as_ref().to_owned());
        let load = move || {
            let operator = path.with_extension("toml");
            let operator = operator.exists().then_some(operator);
            let version = inner.loader.load(&path, operator.as_deref())?;
            let name = version.plugin.manifest().name.clone();
            watch::activate(&inner.core, &inner.shelf, version, path)?;
            Ok(name)
        };
        let loaded = tokio::task::spawn_blocking(load).await;
        let name = loaded
            .unwrap_or_else(|error| Err(Refusal::new("internal", error.to_string(), "This is a bug.")))?;
        self.plugin(&name)
            .ok_or_else(|| Refusal::new("internal", "the plugin is gone already", "Load it again."))
    }

    /// All plugins that run, and all files that were refused or are being loaded, by name.
    #[must_use]
    pub fn plugins(&self) -> Vec<PluginView> {
        let names: Vec<String> = self.0.shelf.running().keys().cloned().collect();
        let mut views: Vec<PluginView> = names.iter().filter_map(|name| self.running_view(name)).collect();
        let refused = self.0.shelf.refused();
        views.extend(
            refused
                .iter()
                .filter(|(_, refused)| refused.running.is_none())
                .map(|(file, refused)| refused_view(file, refused)),
        );
        views.extend(self.loading_views(&views));
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// One plugin that runs, or a refused file by its stem.
    #[must_use]
    pub fn plugin(&self, name: &str) -> Option<PluginView> {
        self.running_view(name).or_else(|| self.plugins().into_iter().find(|view| view.name == name))
    }

    /// Files of which nothing runs yet and nothing was refused.
    fn loading_views(&self, known: &[PluginView]) -> Vec<PluginView> {
        let files = self.0.shelf.loading().clone();
        let is_new = |file: &PathBuf| !known.iter().any(|view| Path::new(&view.file) == file);
        files.iter().filter(|file| is_new(file)).map(|file| file_view(file, PluginStatus::Loading)).collect()
    }

    fn running_view(&self, name: &str) -> Option<PluginView> {
        let last_error = self.last_error(name);
        let refused = self.0.shelf.refused();
        let last_refusal = refused
            .iter()
            .find(|(_, refused)| refused.running.as_deref() == Some(name))
            .map(|(file, refused)| refusal_view(file, &refused.refusal));
        let running = self.0.shelf.running();
        let Running { version, file, activation, activated_at, .. } = running.get(name)?;
        let plugin = &version.plugin;
        let manifest = plugin.manifest();
        Some(PluginView {
            name: name.to_owned(),
            status: PluginStatus::Active,
            version: Some(manifest.version.clone()),
            description: manifest.description.clone(),
            digest: Some(plugin.digest().to_owned()),
            file: file.display().to_string(),
            activation: Some(activation.0),
            activated_at: Some(*activated_at),
            last_refusal,
            loading: self.0.shelf.loading().contains(file),
            subscriptions: manifest.subscriptions.iter().map(SubscriptionView::from).collect(),
            publishes: manifest.publishes.iter().cloned().collect(),
            capabilities: manifest.capabilities.iter().cloned().collect(),
            grants: manifest.granted(),
            limits: Some(LimitsView::from(&manifest.limits)),
            last_error,
        })
    }

    fn last_error(&self, name: &str) -> Option<LastError> {
        let (offset, letter) = self.0.core.sequencer.lock().latest_dead_letter(name).ok()??;
        let latest = letter.history.latest()?;
        let error = latest.error.lines().next().unwrap_or_default().to_owned();
        Some(LastError { at: latest.at, offset, cause: latest.cause.code().to_owned(), error })
    }
}

fn refused_view(file: &Path, refused: &Refused) -> PluginView {
    let last_refusal = Some(refusal_view(file, &refused.refusal));
    PluginView { last_refusal, ..file_view(file, PluginStatus::Refused) }
}

/// A file of which nothing runs.
fn file_view(file: &Path, status: PluginStatus) -> PluginView {
    PluginView {
        name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        status,
        version: None,
        description: None,
        digest: None,
        file: file.display().to_string(),
        activation: None,
        activated_at: None,
        last_refusal: None,
        loading: status == PluginStatus::Loading,
        subscriptions: Vec::new(),
        publishes: Vec::new(),
        capabilities: Vec::new(),
        grants: Vec::new(),
        limits: None,
        last_error: None,
    }
}

fn refusal_view(file: &Path, refusal: &Refusal) -> RefusalView {
    RefusalView {
        code: refusal.code.to_owned(),
        message: refusal.message.clone(),
        hint: refusal.hint.clone(),
        file: file.display().to_string(),
    }
}
