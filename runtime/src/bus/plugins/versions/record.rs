//! What is known of the versions of one plugin: a small file of JSON, written whole.
//!
//! The log is the truth about activations; this says which bytes each of them ran.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use camshaft_event::ActivationId;
use camshaft_host::Content;
use serde::{Deserialize, Serialize};

use super::super::version::Version;

/// How many activations of one version are remembered: more than the engine tells of.
const ACTIVATIONS: usize = 32;

/// The versions of one plugin, as they lie on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Record {
    /// The file in the plugins directory that the plugin runs from; none, if it was loaded by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) file: Option<PathBuf>,
    /// Oldest first, by when each was last activated.
    pub(in super::super) versions: Vec<Kept>,
}

/// One version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Kept {
    #[serde(flatten)]
    pub(in super::super) content: Content,
    /// The manifest's version.
    pub(in super::super) version: String,
    /// The activations that ran it, oldest first.
    #[serde(default)]
    pub(in super::super) activations: Vec<u64>,
}

impl Kept {
    pub(in super::super) fn of(version: &Version) -> Self {
        Self {
            content: version.content().clone(),
            version: version.plugin.manifest().version.clone(),
            activations: Vec::new(),
        }
    }
}

impl Record {
    /// What an activation ran. One that a crash kept from being noted is known by the `.wasm` alone.
    pub(in super::super) fn of_activation(&self, activation: ActivationId, digest: &str) -> Option<&Kept> {
        let noted = self.versions.iter().rev().find(|kept| kept.activations.contains(&activation.0));
        noted.or_else(|| self.versions.iter().rev().find(|kept| kept.content.digest == digest))
    }

    /// The newest of each `.wasm` whose digest begins with `prefix`.
    pub(in super::super) fn with_prefix(&self, prefix: &str) -> Vec<&Kept> {
        let mut found: Vec<&Kept> = Vec::new();
        for kept in self.versions.iter().rev().filter(|kept| kept.content.digest.starts_with(prefix)) {
            if !found.iter().any(|newer| newer.content.digest == kept.content.digest) {
                found.push(kept);
            }
        }
        found
    }

    pub(super) fn contents(&self) -> impl Iterator<Item = &Content> {
        self.versions.iter().map(|kept| &kept.content)
    }

    /// Whether that was not known.
    pub(super) fn note(
        &mut self,
        file: Option<&Path>,
        kept: &Kept,
        activation: Option<ActivationId>,
    ) -> bool {
        let before = self.clone();
        self.file = file.map(Path::to_owned);
        let known = self.versions.iter().position(|known| known.content == kept.content);
        let mut entry = known.map_or_else(|| kept.clone(), |at| self.versions.remove(at));
        if let Some(ActivationId(number)) = activation
            && !entry.activations.contains(&number)
        {
            entry.activations.push(number);
            let too_many = entry.activations.len().saturating_sub(ACTIVATIONS);
            entry.activations.drain(..too_many);
        }
        self.versions.push(entry);
        *self != before
    }

    /// Forgets the oldest beyond `keep`, but none that `is_needed`.
    pub(super) fn shorten(&mut self, keep: usize, is_needed: impl Fn(&Content) -> bool) {
        let mut too_many = self.versions.len().saturating_sub(keep);
        self.versions.retain(|kept| {
            let goes = too_many > 0 && !is_needed(&kept.content);
            too_many -= usize::from(goes);
            !goes
        });
    }
}

/// The records in `folder`, by plugin. One that cannot be read is as if it were not there: its plugin is
/// loaded from the plugins directory, as ever.
pub(super) fn read_all(folder: &Path) -> io::Result<BTreeMap<String, Record>> {
    let mut records = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let Some(name) = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { continue };
        match serde_json::from_slice(&fs::read(&path)?) {
            Ok(record) => drop(records.insert(name, record)),
            Err(error) => tracing::warn!(%error, file = %path.display(), "a list of versions is damaged"),
        }
    }
    Ok(records)
}

/// Writes the record of a plugin. It is durable when this returns.
pub(super) fn write(folder: &Path, name: &str, record: &Record) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(record).map_err(io::Error::other)?;
    super::write_whole(&folder.join(format!("{name}.json")), &text)?;
    // IMPORTANT: until the name is durable, too, a power cut brings the older list back.
    File::open(folder)?.sync_all()
}
