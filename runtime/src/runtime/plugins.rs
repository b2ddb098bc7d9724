//! Plugins: what the watched directory offers is attached, what it takes away is detached.
//!
//! The thread here carries out what [`Directory`] finds; the shelf remembers it for operators.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camshaft_engine::{Attached, ConsumerError, ConsumerSpec};
use camshaft_event::{ActivationId, Timestamp, TypePattern};
use camshaft_host::directory::{Change, Directory, Watcher};
use camshaft_host::{Host, OperatorFile, Plugin, Refusal};

use super::Runtime;
use crate::compose::{Bell, Code, CodeNumber, Core};
use crate::view::{LastError, LimitsView, PluginStatus, PluginView, RefusalView, SubscriptionView};

/// How often the directory is looked at where no notification comes.
const POLL: Duration = Duration::from_secs(2);

/// How soon a change is tried again that the engine could not take.
const AGAIN: Duration = Duration::from_millis(100);

/// All plugins, and the files that were refused.
#[derive(Default)]
pub(super) struct Shelf {
    running: Mutex<BTreeMap<String, Running>>,
    refused: Mutex<BTreeMap<PathBuf, Refused>>,
}

struct Running {
    plugin: Plugin,
    file: PathBuf,
    code: CodeNumber,
    activation: ActivationId,
    activated_at: Timestamp,
}

struct Refused {
    running: Option<String>,
    refusal: Refusal,
}

impl Shelf {
    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
            let operator = operator.exists().then(|| OperatorFile::read(&operator)).transpose()?;
            let plugin = inner.host.load(&path, operator.as_ref())?;
            let name = plugin.manifest().name.clone();
            activate(&inner.core, &inner.shelf, plugin, path)?;
            Ok(name)
        };
        let loaded = tokio::task::spawn_blocking(load).await;
        let name = loaded
            .unwrap_or_else(|error| Err(Refusal::new("internal", error.to_string(), "This is a bug.")))?;
        self.plugin(&name)
            .ok_or_else(|| Refusal::new("internal", "the plugin is gone already", "Load it again."))
    }

    /// All plugins that run, and all files that were refused, by name.
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
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// One plugin that runs, or a refused file by its stem.
    #[must_use]
    pub fn plugin(&self, name: &str) -> Option<PluginView> {
        self.running_view(name).or_else(|| self.plugins().into_iter().find(|view| view.name == name))
    }

    fn running_view(&self, name: &str) -> Option<PluginView> {
        let last_error = self.last_error(name);
        let refused = self.0.shelf.refused();
        let last_refusal = refused
            .iter()
            .find(|(_, refused)| refused.running.as_deref() == Some(name))
            .map(|(file, refused)| refusal_view(file, &refused.refusal));
        let running = self.0.shelf.running();
        let Running { plugin, file, activation, activated_at, .. } = running.get(name)?;
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
            subscriptions: manifest.subscriptions.iter().map(SubscriptionView::from).collect(),
            publishes: manifest.publishes.iter().cloned().collect(),
            capabilities: manifest.capabilities.iter().cloned().collect(),
            grants: manifest.grants.iter().cloned().collect(),
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

/// The thread that watches the directory until the runtime drains.
pub(super) fn watch(core: &Arc<Core>, host: &Host, shelf: &Shelf, moved: &Arc<Bell>) {
    let path = core.config.plugins.clone();
    let mut directory = Directory::<Plugin>::new(&path);
    let rung = Arc::clone(moved);
    let mut watcher = Watcher::new(&path, move || rung.ring())
        .inspect_err(
            |error| tracing::warn!(%error, "no notifications for the plugins directory; it is polled"),
        )
        .ok();
    let mut settled = false;
    loop {
        let seen = moved.count();
        if core.is_draining() {
            return;
        }
        let now = core.now();
        for change in directory.scan_disk(host, now) {
            if matches!(change, Change::DirectoryBack)
                && let Some(Err(error)) = watcher.as_mut().map(Watcher::renew)
            {
                tracing::warn!(%error, "no notifications for the plugins directory; it is polled");
            }
            carry_out(core, shelf, change);
        }
        let due = directory.due();
        if !settled && due.is_none() {
            settled = true;
            detach_unattended(core);
        }
        let wait = due.map_or(POLL, |at| Duration::from_millis(at.ms_since(core.now()).max(10)).min(POLL));
        moved.wait(seen, Some(wait));
    }
}

/// Consumers of plugins that went while the runtime was not there.
fn detach_unattended(core: &Core) {
    // Its own statement: in the loop's head the lock would be held through the loop.
    let unattended = core.sequencer.lock().unattended();
    for name in unattended {
        tracing::info!(consumer = name, "its plugin is gone since the last run: detached");
        detach(core, &name);
    }
}

fn carry_out(core: &Core, shelf: &Shelf, change: Change<Plugin>) {
    match change {
        Change::Added { file, plugin }
        | Change::Replaced { file, plugin }
        | Change::ConfigChanged { file, plugin } => {
            shelf.refused().remove(&file);
            if let Err(refusal) = activate(core, shelf, plugin, file.clone()) {
                note_refusal(core, shelf, file, None, refusal);
            }
        }
        Change::Renamed { name, file, .. } => {
            if let Some(running) = shelf.running().get_mut(&name) {
                running.file = file;
            }
        }
        Change::Removed { name, .. } => {
            let removed = shelf.running().remove(&name);
            detach(core, &name);
            if let Some(running) = removed {
                tracing::info!(plugin = name, "detached");
                core.code.remove(running.code);
            }
        }
        Change::Refused { file, running, refusal } => note_refusal(core, shelf, file, running, refusal),
        Change::Withdrawn { file } => {
            shelf.refused().remove(&file);
        }
        Change::DirectoryMissing => {
            tracing::warn!(directory = %core.config.plugins.display(), "the plugins directory is gone; what runs runs on");
        }
        Change::DirectoryBack => tracing::info!("the plugins directory is back"),
    }
}

fn activate(core: &Core, shelf: &Shelf, plugin: Plugin, file: PathBuf) -> Result<(), Refusal> {
    let code = core.code.add(Code::Plugin(Box::new(plugin.prepare()?)));
    let name = plugin.manifest().name.clone();
    match attach(core, &spec(&plugin, code)) {
        Ok(Attached { activation, is_new }) => {
            let version = &plugin.manifest().version;
            tracing::info!(
                plugin = name,
                version,
                digest = plugin.digest(),
                activation = activation.0,
                is_new,
                "activated"
            );
            let activated_at = core.now();
            let running = Running { plugin, file, code, activation, activated_at };
            if let Some(before) = shelf.running().insert(name, running) {
                core.code.remove(before.code);
            }
            Ok(())
        }
        Err(error) => {
            core.code.remove(code);
            Err(Refusal::new(
                "internal",
                format!("plugin \"{name}\" could not be attached: {error}"),
                "See the log.",
            ))
        }
    }
}

/// Attaches `spec`, waiting where the engine has no room now.
pub(super) fn attach(core: &Core, spec: &ConsumerSpec) -> Result<Attached, ConsumerError> {
    retrying(core, || core.step_due(|sequencer| sequencer.attach(spec.clone(), core.now())))
}

fn detach(core: &Core, name: &str) {
    match retrying(core, || core.step(|sequencer| sequencer.detach(name, core.now()))) {
        Ok(()) | Err(ConsumerError::NotFound { .. } | ConsumerError::Unready(_)) => {}
        Err(error) => core.fail(error),
    }
}

fn retrying<T>(core: &Core, mut act: impl FnMut() -> Result<T, ConsumerError>) -> Result<T, ConsumerError> {
    loop {
        match act() {
            Err(ConsumerError::Unready(_)) if !core.is_draining() => std::thread::sleep(AGAIN),
            other => return other,
        }
    }
}

fn note_refusal(core: &Core, shelf: &Shelf, file: PathBuf, running: Option<String>, refusal: Refusal) {
    tracing::warn!(file = %file.display(), code = refusal.code, hint = refusal.hint, "refused a plugin: {refusal}");
    let now = core.now();
    core.step(|sequencer| {
        if let Err(error) =
            sequencer.announce_refusal(&file.display().to_string(), refusal.code, &refusal.message, now)
        {
            tracing::warn!(%error, "the refusal could not be announced");
        }
    });
    shelf.refused().insert(file, Refused { running, refusal });
}

/// What the engine is told about a plugin.
pub(crate) fn spec(plugin: &Plugin, code: CodeNumber) -> ConsumerSpec {
    let manifest = plugin.manifest();
    let publishes = manifest.publishes.iter().filter_map(|pattern| pattern.parse::<TypePattern>().ok());
    ConsumerSpec {
        name: manifest.name.clone(),
        subscriptions: manifest.subscriptions.clone(),
        publishes: Some(publishes.collect()),
        policy: manifest.policy.clone(),
        start: manifest.start,
        config: manifest.config.clone(),
        grants: manifest.grants.iter().cloned().collect(),
        digest: plugin.digest().to_owned(),
        version: manifest.version.clone(),
        code,
    }
}

fn refused_view(file: &Path, refused: &Refused) -> PluginView {
    PluginView {
        name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        status: PluginStatus::Refused,
        version: None,
        description: None,
        digest: None,
        file: file.display().to_string(),
        activation: None,
        activated_at: None,
        last_refusal: Some(refusal_view(file, &refused.refusal)),
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
