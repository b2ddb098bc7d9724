//! Plugins: files in the watched directory are loaded and attached, and detached when they are removed.
//!
//! One thread watches the directory, two threads load its files, and a copy of each version that ran is kept.
//! [`show`] and [`rollback`] have the public operations.

mod activate;
mod folds;
mod loader;
mod probation;
mod quarantine;
mod receive;
mod retry;
mod rollback;
mod settings;
mod shelf;
mod show;
mod unattached;
mod version;
mod versions;
mod watch;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use camshaft_host::{Host, Refusal, RefusalCode};

use super::Runtime;
use crate::LoadError;
use crate::compose::{Core, Steps, Thread};
use crate::view::PluginView;
use activate::Origin;
pub use activate::spec;
pub(super) use loader::LoadHook;
use loader::Loader;
use quarantine::Quarantine;
pub use receive::PluginFile;
use shelf::Shelf;
use versions::Versions;

/// Everything about plugins of one runtime.
pub(super) struct Plugins {
    core: Arc<Core>,
    steps: Steps,
    loader: Arc<Loader>,
    shelf: Arc<Shelf>,
    versions: Arc<Versions>,
    /// Files that an operator wants to be loaded again.
    retries: Mutex<BTreeSet<PathBuf>>,
}

impl Plugins {
    /// Opens the kept versions and starts the threads, which end when the runtime drains.
    pub(super) fn start(core: &Arc<Core>, steps: Steps, host: Host, hook: LoadHook) -> io::Result<Arc<Self>> {
        let versions = Arc::new(Versions::open(core.config.data.join("versions"))?);
        let quarantine = Quarantine::open(core.config.data.join("loading"))?;
        let plugins = Arc::new(Self {
            core: Arc::clone(core),
            steps,
            loader: Arc::new(Loader::new(Arc::clone(core), host, hook, Arc::clone(&versions), quarantine)),
            shelf: Arc::default(),
            versions,
            retries: Mutex::default(),
        });
        plugins.loader.start(core, &plugins.shelf)?;
        let watching = Arc::clone(&plugins);
        core.spawn(Thread::Plugins, move |core| watch::watch(core, &watching))?;
        Ok(plugins)
    }

    /// Drops the versions that are kept of a plugin whose consumer was forgotten.
    pub(super) fn forget(&self, name: &str) {
        self.versions.forget(name);
    }
}

impl Runtime {
    /// Loads one plugin from outside the watched directory, with the operator's file beside it if it exists.
    /// The plugin stays loaded until shutdown.
    ///
    /// The program of [`Config::compiler`](crate::Config::compiler) compiles it, within
    /// `limits.max_compile_memory` and `limits.max_compile_time`. Without such a program it is compiled in
    /// this process. Then only the bounds on the structure of its file apply: a hostile component within
    /// these bounds may use unlimited memory and time. Configure a compiler program if you do not trust the
    /// authors of the plugins.
    ///
    /// # Errors
    /// A [`Refusal`] with the rule that the file breaks, or a runtime that ended before the activation was
    /// durable.
    pub async fn load_plugin(&self, path: impl AsRef<Path>) -> Result<PluginView, LoadError> {
        self.0.core.check_open()?;
        let (inner, path) = (Arc::clone(&self.0), path.as_ref().to_owned());
        let load = move || -> Result<String, Refusal> {
            let operator = path.with_extension("toml");
            let operator = operator.exists().then_some(operator);
            let plugins = &inner.plugins;
            let version = plugins.loader.load(&plugins.shelf, &path, operator.as_deref())?;
            let name = version.name().to_owned();
            plugins.offer(version, Origin { file: &path, is_watched: false })?;
            Ok(name)
        };
        let loaded = tokio::task::spawn_blocking(load).await;
        let name = loaded.unwrap_or_else(|error| {
            Err(Refusal::new(RefusalCode::Internal, error.to_string(), "Report this as a bug."))
        })?;
        let gone = || Refusal::new(RefusalCode::Internal, "the plugin was already removed", "Load it again.");
        Ok(self.plugin(&name).await?.ok_or_else(gone)?)
    }
}
