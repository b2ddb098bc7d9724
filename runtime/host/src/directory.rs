//! The plugins directory: which files are there, which of them run, and what changed.
//!
//! A state machine without a clock or a thread: the composition gives it listings and the time, on every
//! wake-up of the [`Watcher`] and every second or two besides, loads what it asks for, as long as that may
//! take, and carries out the [`Change`]s. It decides nothing about consumers.

mod change;
mod listing;
mod overlooked;
mod watched;
mod watcher;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use camshaft_event::Timestamp;

use crate::{Manifest, Refusal, RefusalCode};
pub use change::{Candidate, Change, Load, Ticket};
pub use listing::{Files, Listing, Stamp};
pub use overlooked::Overlooked;
use watched::{Judged, Watched};
pub use watcher::Watcher;

/// A file counts once it has not changed for so long.
const SETTLE_MS: u64 = 100;
/// A file that looks unfinished gets so long to be finished before it is refused.
const PATIENCE_MS: u64 = 2_000;
/// How often a file is read again that could not be read: what kept it from that may be outside of it.
const UNREADABLE_MS: u64 = 5_000;
/// A plugin whose file is gone runs on so long: a file that is replaced may be missing for a moment.
const GRACE_MS: u64 = 1_000;

/// What is known of one plugins directory. `P` is a loaded plugin.
pub struct Directory<P> {
    path: PathBuf,
    missing: bool,
    files: BTreeMap<String, Watched>,
    running: BTreeMap<String, Running>,
    /// Files that have no effect: since when each is there, and whether that was told.
    overlooked: BTreeMap<Overlooked, (Timestamp, bool)>,
    next_ticket: Ticket,
    /// When it was scanned last.
    scanned: Timestamp,
    plugin: std::marker::PhantomData<fn() -> P>,
}

struct Running {
    stem: String,
    /// Digest and manifest; unknown until the file of a [claimed](Directory::claim) name was loaded.
    loaded: Option<(String, Manifest)>,
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
            overlooked: BTreeMap::new(),
            next_ticket: Ticket(0),
            scanned: Timestamp::default(),
            plugin: std::marker::PhantomData,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the name of a plugin that ran before for the file that it came from: no other file may take it
    /// while that one is there.
    pub fn claim(&mut self, name: &str, stem: &str) {
        let running = Running { stem: stem.to_owned(), loaded: None, gone_since: None };
        self.running.insert(name.to_owned(), running);
    }

    /// Whether a plugin of this name runs from a file that is there, or keeps its place for that.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.running.contains_key(name)
    }

    /// Whether the directory could not be read when it was last looked at.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        self.missing
    }

    /// Loads a file again that was refused, or whose plugin could not be run, as if it had changed.
    pub fn retry(&mut self, file: &Path, now: Timestamp) {
        let Some(stem) = file.file_stem().and_then(|stem| stem.to_str()) else { return };
        let Some(watched) = self.files.get_mut(stem).filter(|watched| !watched.is_open()) else { return };
        (watched.judged, watched.next_try) = (Judged::NotYet, now);
        for running in self.running.values_mut().filter(|running| running.stem == stem) {
            running.loaded = None;
        }
    }

    /// Compares `listing` with what is known; nothing, if the directory cannot be read.
    pub fn scan(&mut self, listing: Option<&Listing>, now: Timestamp) -> Vec<Change<P>> {
        self.follow_clock(now);
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
        self.overlook(&listing.overlooked, now, &mut changes);
        self.expire(now, &mut changes);
        changes
    }

    /// Moves what waits for a time back with a wall clock that was set back: it waits no longer for that.
    /// Scans are seconds apart at most, so no more than these are added to its wait.
    fn follow_clock(&mut self, now: Timestamp) {
        let back_ms = self.scanned.ms_since(now);
        self.scanned = now;
        if back_ms == 0 {
            return;
        }
        let back = |at: &mut Timestamp| at.0 = at.0.saturating_sub(back_ms);
        for watched in self.files.values_mut() {
            back(&mut watched.since);
            back(&mut watched.next_try);
        }
        self.running.values_mut().filter_map(|running| running.gone_since.as_mut()).for_each(back);
    }

    /// What is to be loaded now: each `.wasm`, and its operator's file if there is one, that is new or
    /// changed and has settled. The caller answers each by [`Directory::loaded`], in any order. One that is
    /// handed out while an earlier one of the same stem is not answered replaces that.
    pub fn loads(&mut self, now: Timestamp) -> Vec<Load> {
        if self.missing {
            return Vec::new();
        }
        let mut loads = Vec::new();
        for (stem, watched) in &mut self.files {
            let is_wanted = matches!(watched.judged, Judged::NotYet | Judged::Unreadable(_));
            if is_wanted && watched.next_try <= now {
                self.next_ticket.0 += 1;
                if let Judged::Unreadable(reason) = &watched.judged {
                    watched.unreadable = Some(reason.clone());
                }
                watched.judged = Judged::Loading(self.next_ticket);
                let operator = watched.files.operator.is_some();
                loads.push(Load {
                    ticket: self.next_ticket,
                    file: self.path.join(format!("{stem}.wasm")),
                    operator: operator.then(|| self.path.join(format!("{stem}.toml"))),
                });
            }
        }
        loads
    }

    /// Takes what came of a load, or its refusal. Nothing comes of one whose file was changed since it was
    /// handed out, as far as [`Directory::scan`] has seen: so scan first.
    pub fn loaded(
        &mut self,
        ticket: Ticket,
        outcome: Result<Candidate<P>, Refusal>,
        now: Timestamp,
    ) -> Vec<Change<P>> {
        let mut changes = Vec::new();
        let is_current = |watched: &Watched| watched.judged == Judged::Loading(ticket);
        let stem = self.files.iter().find(|(_, watched)| is_current(watched)).map(|(stem, _)| stem.clone());
        match (stem, outcome) {
            (None, _) => {}
            (Some(stem), Ok(candidate)) => self.take(&stem, candidate, &mut changes),
            (Some(stem), Err(refusal)) => self.refuse(&stem, refusal, now, &mut changes),
        }
        changes
    }

    /// The files of which a load is under way.
    pub fn loading(&self) -> impl Iterator<Item = PathBuf> {
        let is_loading = |watched: &Watched| matches!(watched.judged, Judged::Loading(_));
        let loading = self.files.iter().filter(move |(_, watched)| is_loading(watched));
        loading.map(|(stem, _)| self.wasm_path(stem))
    }

    /// The files that have no effect, as far as that was told.
    pub fn overlooked(&self) -> impl Iterator<Item = &Overlooked> {
        self.overlooked.iter().filter(|(_, (_, is_told))| *is_told).map(|(overlooked, _)| overlooked)
    }

    /// Whether every file that was seen has been judged.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.files.values().any(Watched::is_open)
    }

    /// When the next scan is due even if nothing moves in the directory.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let unsettled = self.files.values().filter(|watched| watched.judged == Judged::NotYet);
        let settling = unsettled.map(|watched| watched.next_try);
        settling.chain(self.leaving().map(|(_, _, since)| since.plus_ms(GRACE_MS))).min()
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

    /// Tells of files that have no effect once they are there for a while: a plugin and its operator's file
    /// come one after the other.
    fn overlook(&mut self, listed: &[Overlooked], now: Timestamp, changes: &mut Vec<Change<P>>) {
        self.overlooked.retain(|known, _| listed.contains(known));
        for overlooked in listed {
            let (since, is_told) = self.overlooked.entry(overlooked.clone()).or_insert((now, false));
            if !*is_told && now.ms_since(*since) >= PATIENCE_MS {
                *is_told = true;
                changes.push(Change::Overlooked(overlooked.clone()));
            }
        }
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
        let file = self.wasm_path(stem);
        let before = self.running.get(&name);
        match before.map(|before| (before, before.loaded.as_ref())) {
            None | Some((_, None)) => changes.push(Change::Added { file, plugin }),
            Some((_, Some((was, _)))) if *was != digest => changes.push(Change::Replaced { file, plugin }),
            Some((_, Some((_, was)))) if *was != manifest => {
                changes.push(Change::ConfigChanged { file, plugin });
            }
            Some((before, _)) if before.stem != stem => {
                let from = self.wasm_path(&before.stem);
                changes.push(Change::Renamed { name: name.clone(), from, file });
            }
            // Only touched.
            Some(_) => {}
        }
        let loaded = Some((digest, manifest));
        self.running.insert(name, Running { stem: stem.to_owned(), loaded, gone_since: None });
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
        let unfinished =
            [RefusalCode::TruncatedWasm, RefusalCode::NotWasm, RefusalCode::Io].contains(&refusal.code);
        match self.files.get_mut(stem) {
            Some(watched) if unfinished && watched.quiet_ms(now) < PATIENCE_MS => {
                watched.judged = Judged::NotYet;
                watched.next_try = now.plus_ms(SETTLE_MS);
            }
            Some(watched) if refusal.code == RefusalCode::Io => {
                watched.next_try = now.plus_ms(UNREADABLE_MS);
                let reason = refusal.message.clone();
                if watched.unreadable.take().as_ref() == Some(&reason) {
                    // It was told already.
                    watched.judged = Judged::Unreadable(reason);
                } else {
                    self.report(stem, Judged::Unreadable(reason), refusal, changes);
                }
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
        let leaving = self.leaving().filter(|(_, _, since)| now.ms_since(*since) >= GRACE_MS);
        let expired: Vec<(String, PathBuf)> =
            { leaving }.map(|(name, running, _)| (name.clone(), self.wasm_path(&running.stem))).collect();
        for (name, file) in expired {
            self.running.remove(&name);
            changes.push(Change::Removed { name, file });
        }
    }

    /// Plugins whose file is gone, and since when. Not those that may have moved to a file that appeared when
    /// theirs went, as long as nobody knows what that is.
    fn leaving(&self) -> impl Iterator<Item = (&String, &Running, Timestamp)> {
        self.running.iter().filter_map(|(name, running)| {
            let since = running.gone_since?;
            let is_new = |watched: &Watched| {
                watched.is_open() && watched.since >= since && watched.since.ms_since(since) < GRACE_MS
            };
            let has_owner = |stem: &str| self.running.values().any(|other| other.stem == stem);
            let moved = self.files.iter().any(|(stem, watched)| is_new(watched) && !has_owner(stem));
            (!moved).then_some((name, running, since))
        })
    }

    fn wasm_path(&self, stem: &str) -> PathBuf {
        self.path.join(format!("{stem}.wasm"))
    }
}

fn duplicate(name: &str, file: &Path, owner: &Path) -> Refusal {
    Refusal::new(
        RefusalCode::DuplicatePluginName,
        format!("\"{}\" uses the name \"{name}\" of plugin file \"{}\"", file.display(), owner.display()),
        "Remove one of the two files; the runtime then loads the other.",
    )
}

#[cfg(test)]
mod tests;
