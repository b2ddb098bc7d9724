//! The plugins directory: which files are there, which of them run, and what changed.
//!
//! A state machine without a clock or a thread: the composition gives it listings and the time, on every wake-up
//! of the [`Watcher`] and every second or two besides, and carries out the [`Change`]s. It decides nothing about
//! consumers.

mod change;
mod listing;
mod watcher;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use camshaft_event::Timestamp;

use crate::{Host, Manifest, OperatorFile, Plugin, Refusal, refusal::codes};
pub use change::{Candidate, Change};
pub use listing::{Files, Listing, Stamp};
pub use watcher::Watcher;

/// A file counts once it has not changed for so long.
const SETTLE_MS: u64 = 100;
/// A file that looks unfinished gets so long to be finished before it is refused.
const PATIENCE_MS: u64 = 2_000;
/// A plugin whose file is gone runs on so long: a file that is replaced may be missing for a moment.
const GRACE_MS: u64 = 1_000;

/// What is known of one plugins directory. `P` is a loaded plugin.
pub struct Directory<P> {
    path: PathBuf,
    missing: bool,
    files: BTreeMap<String, Watched>,
    running: BTreeMap<String, Running>,
    plugin: std::marker::PhantomData<fn() -> P>,
}

/// One stem: a `.wasm`, and perhaps the operator's `.toml`.
struct Watched {
    files: Files,
    /// When these files were first seen as they are.
    since: Timestamp,
    /// When they may be judged.
    next_try: Timestamp,
    judged: Judged,
    /// Whether a refusal of an earlier or the present content stands.
    refused: bool,
}

#[derive(PartialEq, Eq)]
enum Judged {
    NotYet,
    Taken,
    Refused,
    /// Another file has this name.
    Blocked(String),
}

struct Running {
    stem: String,
    digest: String,
    manifest: Manifest,
    gone_since: Option<Timestamp>,
}

impl<P> Directory<P> {
    /// The directory at `path`, of which nothing is known yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            missing: false,
            files: BTreeMap::new(),
            running: BTreeMap::new(),
            plugin: std::marker::PhantomData,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Compares `listing` with what is known. `load` is called for each `.wasm`, and its operator's file if
    /// there is one, that is new or changed and has settled.
    pub fn scan(
        &mut self,
        listing: Option<&Listing>,
        now: Timestamp,
        mut load: impl FnMut(&Path, Option<&Path>) -> Result<Candidate<P>, Refusal>,
    ) -> Vec<Change<P>> {
        let mut changes = Vec::new();
        let Some(listing) = listing else {
            // An unmounted or renamed directory is no wish to stop every plugin.
            if !std::mem::replace(&mut self.missing, true) {
                changes.push(Change::DirectoryMissing);
            }
            return changes;
        };
        if std::mem::take(&mut self.missing) {
            changes.push(Change::DirectoryBack);
        }
        self.observe(listing, now, &mut changes);
        let mut tried = BTreeSet::new();
        while let Some(stem) = self.next_to_judge(now, &tried) {
            let operator = self.files.get(&stem).is_some_and(|watched| watched.files.operator.is_some());
            let operator = operator.then(|| self.operator_path(&stem));
            match load(&self.wasm_path(&stem), operator.as_deref()) {
                Ok(candidate) => self.take(&stem, candidate, &mut changes),
                Err(refusal) => self.refuse(&stem, refusal, now, &mut changes),
            }
            tried.insert(stem);
        }
        self.expire(now, &mut changes);
        changes
    }

    /// When the next scan is due even if nothing moves in the directory.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let unsettled = self.files.values().filter(|watched| watched.judged == Judged::NotYet);
        let settling = unsettled.map(|watched| watched.next_try);
        let leaving = self.running.values().filter_map(|running| running.gone_since);
        settling.chain(leaving.map(|since| since.plus_ms(GRACE_MS))).min()
    }

    fn observe(&mut self, listing: &Listing, now: Timestamp, changes: &mut Vec<Change<P>>) {
        let gone: Vec<String> =
            self.files.keys().filter(|stem| !listing.files.contains_key(*stem)).cloned().collect();
        for stem in gone {
            if self.files.remove(&stem).is_some_and(|watched| watched.refused) {
                changes.push(Change::Withdrawn { file: self.wasm_path(&stem) });
            }
        }
        for (stem, files) in &listing.files {
            let known = self.files.get(stem);
            if known.is_none_or(|known| known.files != *files) {
                let refused = known.is_some_and(|known| known.refused);
                self.files.insert(stem.clone(), Watched::new(files, now, refused));
            }
        }
        for running in self.running.values_mut() {
            running.gone_since = match self.files.contains_key(&running.stem) {
                true => None,
                false => running.gone_since.or(Some(now)),
            };
        }
        self.unblock();
    }

    /// Files that waited for a name whose owner is gone get another chance.
    fn unblock(&mut self) {
        for watched in self.files.values_mut() {
            if let Judged::Blocked(name) = &watched.judged
                && self.running.get(name).is_none_or(|owner| owner.gone_since.is_some())
            {
                watched.judged = Judged::NotYet;
            }
        }
    }

    fn next_to_judge(&self, now: Timestamp, tried: &BTreeSet<String>) -> Option<String> {
        let ready = |watched: &Watched| watched.judged == Judged::NotYet && watched.next_try <= now;
        let mut stems = self.files.iter().filter(|(stem, watched)| ready(watched) && !tried.contains(*stem));
        stems.next().map(|(stem, _)| stem.clone())
    }

    fn take(&mut self, stem: &str, candidate: Candidate<P>, changes: &mut Vec<Change<P>>) {
        let Candidate { manifest, digest, plugin } = candidate;
        let name = manifest.name.clone();
        if let Some(owner) = self.running.get(&name)
            && owner.stem != stem
            && owner.gone_since.is_none()
        {
            let refusal = duplicate(&name, &self.wasm_path(stem), &self.wasm_path(&owner.stem));
            self.report(stem, Judged::Blocked(name), refusal, changes);
            return;
        }
        if let Some(watched) = self.files.get_mut(stem) {
            watched.judged = Judged::Taken;
            if std::mem::take(&mut watched.refused) {
                changes.push(Change::Withdrawn { file: self.wasm_path(stem) });
            }
        }
        self.drop_other_name(stem, &name, changes);
        let running = Running { stem: stem.to_owned(), digest, manifest, gone_since: None };
        let file = self.wasm_path(stem);
        match self.running.get(&name) {
            None => changes.push(Change::Added { file, plugin }),
            Some(before) if before.digest != running.digest => {
                changes.push(Change::Replaced { file, plugin });
            }
            Some(before) if before.manifest != running.manifest => {
                changes.push(Change::ConfigChanged { file, plugin });
            }
            Some(before) if before.stem != stem => {
                let from = self.wasm_path(&before.stem);
                changes.push(Change::Renamed { name: name.clone(), from, file });
            }
            // Only touched.
            Some(_) => {}
        }
        self.running.insert(name, running);
    }

    /// A file whose manifest has a new name no longer is the plugin that it was.
    fn drop_other_name(&mut self, stem: &str, name: &str, changes: &mut Vec<Change<P>>) {
        let was = self.running.iter().find(|(other, running)| running.stem == stem && *other != name);
        if let Some((other, _)) = was {
            let other = other.clone();
            self.running.remove(&other);
            changes.push(Change::Removed { name: other, file: self.wasm_path(stem) });
            self.unblock();
        }
    }

    fn refuse(&mut self, stem: &str, refusal: Refusal, now: Timestamp, changes: &mut Vec<Change<P>>) {
        let unfinished = [codes::TRUNCATED_WASM, codes::NOT_WASM, codes::IO].contains(&refusal.code);
        match self.files.get_mut(stem) {
            Some(watched) if unfinished && watched.quiet_ms(now) < PATIENCE_MS => {
                watched.next_try = now.plus_ms(SETTLE_MS);
            }
            _ => self.report(stem, Judged::Refused, refusal, changes),
        }
    }

    fn report(&mut self, stem: &str, judged: Judged, refusal: Refusal, changes: &mut Vec<Change<P>>) {
        if let Some(watched) = self.files.get_mut(stem) {
            watched.judged = judged;
            watched.refused = true;
        }
        let running = self.running.iter().find(|(_, running)| running.stem == stem);
        let running = running.map(|(name, _)| name.clone());
        changes.push(Change::Refused { file: self.wasm_path(stem), running, refusal });
    }

    fn expire(&mut self, now: Timestamp, changes: &mut Vec<Change<P>>) {
        let expired =
            |running: &Running| running.gone_since.is_some_and(|since| now.ms_since(since) >= GRACE_MS);
        for (name, running) in self.running.extract_if(.., |_, running| expired(running)) {
            let file = self.path.join(format!("{}.wasm", running.stem));
            changes.push(Change::Removed { name, file });
        }
    }

    fn wasm_path(&self, stem: &str) -> PathBuf {
        self.path.join(format!("{stem}.wasm"))
    }

    fn operator_path(&self, stem: &str) -> PathBuf {
        self.path.join(format!("{stem}.toml"))
    }
}

impl Directory<Plugin> {
    /// Reads the directory and scans it, loading with `host`.
    pub fn scan_disk(&mut self, host: &Host, now: Timestamp) -> Vec<Change<Plugin>> {
        let listing = Listing::read(&self.path);
        self.scan(listing.as_ref().ok(), now, |wasm, operator| {
            let operator = operator.map(OperatorFile::read).transpose()?;
            let plugin = host.load(wasm, operator.as_ref())?;
            Ok(Candidate { manifest: plugin.manifest().clone(), digest: plugin.digest().to_owned(), plugin })
        })
    }
}

impl Watched {
    /// Files as first seen at `now`. Those that are older than they must be are judged at once.
    fn new(files: &Files, now: Timestamp, refused: bool) -> Self {
        let next_try = now.plus_ms(SETTLE_MS.saturating_sub(files.age_ms(now)));
        Self { files: files.clone(), since: now, next_try, judged: Judged::NotYet, refused }
    }

    /// How long neither file has changed, as far as was seen, or as far as the files themselves say.
    fn quiet_ms(&self, now: Timestamp) -> u64 {
        now.ms_since(self.since).max(self.files.age_ms(now))
    }
}

fn duplicate(name: &str, file: &Path, owner: &Path) -> Refusal {
    Refusal::new(
        codes::DUPLICATE_PLUGIN_NAME,
        format!("\"{}\" claims the name \"{name}\", which \"{}\" has", file.display(), owner.display()),
        "Remove one of the two files; the other is then taken by itself.",
    )
}

#[cfg(test)]
mod tests;
