//! The thread that watches the plugins directory: what it offers is attached, what it takes away is detached.
//!
//! It waits for no file: the loader answers when it has one, and what runs is changed in one step of the engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use camshaft_engine::{Attached, ConsumerError, ConsumerSpec};
use camshaft_event::TypePattern;
use camshaft_host::directory::{Candidate, Change, Directory, Listing, Watcher};
use camshaft_host::{Plugin, Refusal};

use super::loader::{Loader, Version};
use super::shelf::{Refused, Running, Shelf};
use crate::compose::{Bell, Code, CodeNumber, Core};

/// How often the directory is looked at where no notification comes.
const POLL: Duration = Duration::from_secs(2);

/// How soon a change is tried again that the engine could not take.
const AGAIN: Duration = Duration::from_millis(100);

/// The thread that watches the directory until the runtime drains.
pub(in crate::runtime) fn watch(core: &Arc<Core>, loader: &Arc<Loader>, shelf: &Shelf, moved: &Arc<Bell>) {
    let path = core.config.plugins.clone();
    let mut directory = Directory::<Version>::new(&path);
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
            return loader.wake();
        }
        for change in look(core, loader, shelf, &mut directory) {
            if matches!(change, Change::DirectoryBack)
                && let Some(Err(error)) = watcher.as_mut().map(Watcher::renew)
            {
                tracing::warn!(%error, "no notifications for the plugins directory; it is polled");
            }
            carry_out(core, shelf, change);
        }
        let due = directory.due();
        if !settled && directory.is_settled() && due.is_none() {
            settled = true;
            detach_unattended(core);
        }
        let wait = due.map_or(POLL, |at| Duration::from_millis(at.ms_since(core.now()).max(10)).min(POLL));
        moved.wait(seen, Some(wait));
    }
}

/// Compares the directory with what is known. The answers of the loader come first and are taken last: a file that
/// was changed while it was loaded is then seen to be.
fn look(
    core: &Core,
    loader: &Loader,
    shelf: &Shelf,
    directory: &mut Directory<Version>,
) -> Vec<Change<Version>> {
    let answers = loader.answers();
    let now = core.now();
    let listing = Listing::read(directory.path());
    let mut changes = directory.scan(listing.as_ref().ok(), now);
    for (ticket, outcome) in answers {
        let outcome = outcome.map(|version| Candidate {
            manifest: version.plugin.manifest().clone(),
            digest: version.plugin.digest().to_owned(),
            plugin: version,
        });
        changes.extend(directory.loaded(ticket, outcome, now));
    }
    for load in directory.loads(now) {
        loader.ask(load);
    }
    *shelf.loading() = directory.loading().collect();
    changes
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

fn carry_out(core: &Core, shelf: &Shelf, change: Change<Version>) {
    match change {
        Change::Added { file, plugin: version }
        | Change::Replaced { file, plugin: version }
        | Change::ConfigChanged { file, plugin: version } => {
            shelf.refused().remove(&file);
            if let Err(refusal) = activate(core, shelf, version, file.clone()) {
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

pub(super) fn activate(core: &Core, shelf: &Shelf, version: Version, file: PathBuf) -> Result<(), Refusal> {
    let code = core.code.add(Code::Plugin(Box::new(version.prepared.clone())));
    let plugin = &version.plugin;
    let name = plugin.manifest().name.clone();
    match attach(core, &spec(plugin, code)) {
        Ok(Attached { activation, is_new }) => {
            tracing::info!(
                plugin = name,
                version = plugin.manifest().version,
                digest = plugin.digest(),
                activation = activation.0,
                is_new,
                "activated"
            );
            let activated_at = core.now();
            let running = Running { version, file, code, activation, activated_at };
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
pub(in crate::runtime) fn attach(core: &Core, spec: &ConsumerSpec) -> Result<Attached, ConsumerError> {
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
        grants: manifest.granted(),
        digest: plugin.digest().to_owned(),
        version: manifest.version.clone(),
        code,
    }
}
