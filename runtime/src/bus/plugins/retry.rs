//! Loading a refused file again though it has not changed, a quarantined one included.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::Plugins;
use crate::view::PluginView;
use crate::{Runtime, VersionError};

impl Runtime {
    /// Loads a file of the plugins directory again that was refused, as if it had changed, and lifts its quarantine. The
    /// plugin is named by its manifest's name, or by the stem of its file. Waits for no load: the view is that of the
    /// file before it is loaded.
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
