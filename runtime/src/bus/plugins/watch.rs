//! The thread that watches the plugins directory: what it offers is attached, what it takes away is detached.
//!
//! It waits for no file: the loader answers when it has one, and what runs is changed in one step of the
//! engine.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use camshaft_host::Refusal;
use camshaft_host::directory::{Candidate, Change, Directory, Listing, Overlooked, Watcher};

use super::Plugins;
use super::activate::{Engine, Origin};
use super::shelf::Refused;
use super::version::Version;
use crate::compose::Core;

/// How often the directory is looked at where no notification comes.
const POLL: Duration = Duration::from_secs(2);

/// The thread that watches the directory until the runtime drains.
pub(super) fn watch(core: &Arc<Core>, plugins: &Plugins) {
    let path = core.config.plugins.clone();
    let mut directory = Directory::<Version>::new(&path);
    for (name, file) in plugins.restore() {
        if let Some(stem) = file.file_stem().and_then(|stem| stem.to_str()) {
            directory.claim(&name, stem);
        }
    }
    let rung = Arc::clone(core);
    let mut watcher = Watcher::new(&path, move || rung.plugins.ring())
        .inspect_err(|error| tracing::warn!(%error, "no notifications for the plugins directory, polling it"))
        .ok();
    let mut settled = false;
    // What there was when compiled code was last removed.
    let mut swept = BTreeSet::new();
    loop {
        let seen = core.plugins.count();
        if core.is_draining() {
            return plugins.loader.close();
        }
        plugins.hear_verdicts();
        for change in look(plugins, &mut directory) {
            if matches!(change, Change::DirectoryBack)
                && let Some(Err(error)) = watcher.as_mut().map(Watcher::renew)
            {
                tracing::warn!(%error, "no notifications for the plugins directory, polling it");
            }
            carry_out(plugins, change);
        }
        let due = directory.due();
        if !settled && !directory.is_missing() && directory.is_settled() && due.is_none() {
            settled = true;
            detach_unattended(plugins, &directory);
        }
        // Not before: what a file in the directory needs is not known until it was loaded.
        let kept = if settled { plugins.versions.digests() } else { BTreeSet::default() };
        if kept != swept {
            plugins.loader.sweep_code(&kept);
            swept = kept;
        }
        let wait = due.map_or(POLL, |at| Duration::from_millis(at.ms_since(core.now()).max(10)).min(POLL));
        core.plugins.wait(seen, Some(wait));
    }
}

/// Compares the directory with what is known. The answers of the loader come first and are taken last: a file
/// that was changed while it was loaded is then seen to be.
fn look(plugins: &Plugins, directory: &mut Directory<Version>) -> Vec<Change<Version>> {
    let answers = plugins.loader.answers();
    let now = plugins.core.now();
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
    for file in plugins.take_retries() {
        directory.retry(&file, now);
    }
    for load in directory.loads(now) {
        plugins.loader.ask(load);
    }
    *plugins.shelf.loading() = directory.loading().collect();
    *plugins.shelf.overlooked() = directory.overlooked().cloned().collect();
    changes
}

/// Detaches consumers without code: their files were removed while the runtime was stopped, or no closure has
/// subscribed yet. A consumer whose file exists and cannot run keeps its place.
fn detach_unattended(plugins: &Plugins, directory: &Directory<Version>) {
    let unattended = plugins.steps.peek(Engine::unattended);
    for name in unattended.into_iter().filter(|name| !directory.holds(name)) {
        if plugins.detach_unattended(&name) {
            tracing::info!(consumer = name, "detached: it has no plugin file, and no closure subscribed");
        }
    }
}

fn carry_out(plugins: &Plugins, change: Change<Version>) {
    let shelf = &plugins.shelf;
    match change {
        Change::Added { file, plugin: version }
        | Change::Replaced { file, plugin: version }
        | Change::ConfigChanged { file, plugin: version } => {
            shelf.refused().remove(&file);
            let name = version.name().to_owned();
            let offered = plugins.offer(version, Origin { file: &file, is_watched: true });
            if let Err(refusal) = offered {
                note_refusal(plugins, file, Some(name), refusal);
            }
        }
        Change::Renamed { name, file, .. } => plugins.moved_to(&name, file),
        Change::Removed { name, .. } => plugins.end(&name),
        Change::Refused { file, running, refusal } => note_refusal(plugins, file, running, refusal),
        Change::Withdrawn { file } => {
            shelf.refused().remove(&file);
        }
        Change::Overlooked(Overlooked { file, message, hint }) => {
            tracing::warn!(file = %file.display(), hint, "a file has no effect: {message}");
        }
        Change::DirectoryMissing => {
            let directory = plugins.core.config.plugins.display();
            tracing::warn!(%directory, "the plugins directory is missing; loaded plugins keep running");
        }
        Change::DirectoryBack => tracing::info!("the plugins directory is back"),
    }
}

fn note_refusal(plugins: &Plugins, file: PathBuf, plugin: Option<String>, refusal: Refusal) {
    tracing::warn!(file = %file.display(), code = %refusal.code, hint = refusal.hint, "refused a plugin: {refusal}");
    let now = plugins.core.now();
    plugins.steps.step(|sequencer| {
        if let Err(error) =
            sequencer.announce_refusal(&file.display().to_string(), refusal.code, &refusal.message, now)
        {
            tracing::warn!(%error, "could not announce the refusal");
        }
    });
    plugins.shelf.refused().insert(file, Refused { plugin, refusal, at: now });
}
