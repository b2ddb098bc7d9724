//! The versions of plugins that were activated, kept in the data directory: they can run again whatever
//! becomes of the plugins directory.
//!
//! `<digest>.wasm` and `<digest>.toml` hold what was read, `<plugin>.json` which of it that plugin ran.
//! Loading keeps a version, activating notes it, and nothing here decides what runs.

mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camshaft_event::ActivationId;
use camshaft_host::{Content, Source};

pub(super) use record::{Kept, Record};

/// How many versions of each plugin are kept beside those that may be needed at once.
const KEPT: usize = 10;

/// The folder of kept versions.
pub(in crate::bus) struct Versions {
    folder: PathBuf,
    records: Mutex<BTreeMap<String, Record>>,
    /// How often each content is in use: it must not be swept, noted or not.
    leases: Mutex<BTreeMap<Content, usize>>,
}

/// Keeps the files of a version from being swept while it lives.
pub(super) struct Lease {
    versions: Arc<Versions>,
    content: Content,
}

impl Versions {
    /// Uses `folder`, which is made if it is missing.
    pub(in crate::bus) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        remove_unfinished(&folder)?;
        let records = record::read_all(&folder)?;
        Ok(Self { folder, records: Mutex::new(records), leases: Mutex::default() })
    }

    /// Keeps what was read. The copy is durable when this returns.
    pub(super) fn keep(self: &Arc<Self>, source: &Source) -> Lease {
        let content = source.content().clone();
        *self.leases().entry(content.clone()).or_default() += 1;
        let lease = Lease { versions: Arc::clone(self), content };
        if let Err(error) = self.write(source) {
            // It runs all the same. What is lost is the way back to it.
            let file = source.file().display();
            tracing::warn!(%error, %file, "could not keep a copy of this version: rollbacks cannot use it");
        }
        lease
    }

    /// What was kept of a version, as if it were read from `file`.
    pub(super) fn read(&self, content: &Content, file: &Path) -> io::Result<Source> {
        let wasm = fs::read(self.wasm(content))?;
        let operator = self.operator(content).map(fs::read_to_string).transpose()?;
        let source = Source::new(file.to_owned(), wasm, operator);
        match source.content() == content {
            true => Ok(source),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, "the copy is damaged")),
        }
    }

    /// What is known of the versions of one plugin.
    pub(super) fn of(&self, name: &str) -> Record {
        self.records().get(name).cloned().unwrap_or_default()
    }

    /// Whether a plugin was about to run this content before.
    pub(super) fn knows(&self, content: &Content) -> bool {
        self.records().values().flat_map(Record::contents).any(|known| known == content)
    }

    /// Notes that a plugin is about to run `kept`, or that it runs it under an activation. Durable when this
    /// returns, unless that is known already. What is not needed any more goes.
    pub(super) fn note(
        &self,
        name: &str,
        file: Option<&Path>,
        kept: &Kept,
        activation: Option<ActivationId>,
    ) {
        let mut records = self.records();
        let record = records.entry(name.to_owned()).or_default();
        if !record.note(file, kept, activation) {
            return;
        }
        let leased: BTreeSet<Content> = self.leases().keys().cloned().collect();
        record.shorten(KEPT, |content| leased.contains(content));
        let written = record::write(&self.folder, name, record);
        if let Err(error) = written.and_then(|()| self.sweep(&records)) {
            tracing::warn!(%error, plugin = name, "could not record the version of a plugin");
        }
    }

    /// Forgets what a plugin ran, whose consumer was forgotten.
    pub(super) fn forget(&self, name: &str) {
        let mut records = self.records();
        if records.remove(name).is_none() {
            return;
        }
        let removed = fs::remove_file(self.folder.join(format!("{name}.json")));
        if let Err(error) = removed.and_then(|()| self.sweep(&records)) {
            tracing::warn!(%error, plugin = name, "could not remove the versions of a removed plugin");
        }
    }

    /// The digests of all `.wasm` that are kept or in use.
    pub(super) fn digests(&self) -> BTreeSet<String> {
        let records = self.records();
        let leases = self.leases();
        let contents = records.values().flat_map(Record::contents).chain(leases.keys());
        contents.map(|content| content.digest.clone()).collect()
    }

    /// Removes the files of versions that no record names and nobody holds.
    fn sweep(&self, records: &BTreeMap<String, Record>) -> io::Result<()> {
        // Held to the end: whoever begins to keep a version now will find its files gone, and write them
        // anew.
        let leases = self.leases();
        let noted = records.values().flat_map(Record::contents);
        let wanted: BTreeSet<PathBuf> = { noted }
            .chain(leases.keys())
            .flat_map(|content| [Some(self.wasm(content)), self.operator(content)])
            .flatten()
            .collect();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            // What is being written will be wanted.
            let is_content =
                path.extension().is_some_and(|extension| extension == "wasm" || extension == "toml");
            if is_content && !wanted.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn write(&self, source: &Source) -> io::Result<()> {
        let mut is_new = write_once(&self.wasm(source.content()), source.wasm())?;
        if let (Some(path), Some(text)) = (self.operator(source.content()), source.operator()) {
            is_new |= write_once(&path, text.as_bytes())?;
        }
        if is_new {
            // IMPORTANT: the names must be durable, too, before a transaction says that this version runs.
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Where the copy of a `.wasm` is kept.
    pub(super) fn wasm(&self, content: &Content) -> PathBuf {
        self.folder.join(format!("{}.wasm", content.digest))
    }

    fn operator(&self, content: &Content) -> Option<PathBuf> {
        Some(self.folder.join(format!("{}.toml", content.operator.as_ref()?)))
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leases(&self) -> MutexGuard<'_, BTreeMap<Content, usize>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub(super) const fn content(&self) -> &Content {
        &self.content
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut leases = self.versions.leases();
        if let Some(count) = leases.get_mut(&self.content) {
            *count -= 1;
            if *count == 0 {
                leases.remove(&self.content);
            }
        }
    }
}

/// Removes what a crash left half written.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Writes a file that is there whole or not at all, unless it is there. Its name says what is in it.
fn write_once(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if path.exists() {
        return Ok(false);
    }
    write_whole(path, bytes)?;
    Ok(true)
}

/// Writes a file that is there whole or not at all, and is durable. Its name is not, yet.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Two threads may keep one content at a time.
    let number = std::thread::current().id();
    let temporary = path.with_extension(format!("{number:?}.tmp"));
    let mut file = File::create(&temporary)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let written = written.and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that counts is the one of writing.
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests;
