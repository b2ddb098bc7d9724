//! Loading a refused or quarantined file again although it has not changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::Plugins;
use crate::view::PluginView;
use crate::{Runtime, VersionError};

impl Runtime {
    /// Loads a refused file of the plugins directory again, as if it had changed, and lifts its quarantine.
    /// `name` is the name in the plugin's manifest, or the stem of the file. It does not wait for the load:
    /// the returned view shows the state before it.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub async fn retry_plugin(&self, name: &str) -> Result<PluginView, VersionError> {
        self.0.core.check_open()?;
        let not_found = || VersionError::PluginNotFound { name: name.to_owned() };
        let view = self.plugin(name).await?.ok_or_else(not_found)?;
        let refusal =
            view.last_refusal.as_ref().ok_or_else(|| VersionError::NotRefused { name: name.to_owned() })?;
        let (plugins, file) = (Arc::clone(&self.0.plugins), PathBuf::from(&refusal.file));
        let pinned = view.pinned.clone();
        let retried = tokio::task::spawn_blocking(move || plugins.retry(&file, pinned.as_deref())).await;
        retried
            .map_err(|error| error.to_string())
            .and_then(|retried| retried)
            .map_err(|reason| VersionError::Failed { name: name.to_owned(), reason })?;
        Ok(view)
    }
}

impl Plugins {
    fn retry(&self, file: &Path, pinned: Option<&str>) -> Result<(), String> {
        self.loader.lift_quarantine(file, pinned).map_err(|refusal| refusal.message)?;
        self.retries.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned());
        self.core.plugins.ring();
        Ok(())
    }

    /// The files to be loaded again since the last call.
    pub(super) fn take_retries(&self) -> BTreeSet<PathBuf> {
        std::mem::take(&mut *self.retries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
