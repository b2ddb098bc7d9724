//! What runs, what waits, what was refused and what is being loaded, for operators to see.
//!
//! Whoever activates writes it, one at a time; the views read it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use camshaft_event::{ActivationId, Timestamp};
use camshaft_host::directory::Overlooked;
use camshaft_host::{Content, Refusal};

use super::version::Version;
use crate::compose::CodeNumber;

/// All plugins, the files that were refused, and those that are being loaded.
#[derive(Default)]
pub(in crate::bus) struct Shelf {
    running: Mutex<BTreeMap<String, Running>>,
    /// What the file of a plugin holds that may not run, where nothing can run instead.
    withheld: Mutex<BTreeMap<String, Withheld>>,
    refused: Mutex<BTreeMap<PathBuf, Refused>>,
    loading: Mutex<BTreeSet<PathBuf>>,
    /// Files of the directory that have no effect.
    overlooked: Mutex<Vec<Overlooked>>,
    /// Held by whoever changes what runs, from the question what may run to the shelf's new content.
    changing: Mutex<()>,
}

/// A plugin that handles events.
pub(super) struct Running {
    pub(super) version: Version,
    pub(super) code: CodeNumber,
    pub(super) activation: ActivationId,
    pub(super) activated_at: Timestamp,
    /// The file that it comes from, or came from.
    pub(super) file: PathBuf,
    /// Whether that lies in the plugins directory.
    pub(super) is_watched: bool,
    /// What that file holds, if it may not run now.
    pub(super) waiting: Option<Waiting>,
    /// What ran before, as long as the engine may go back to it.
    pub(super) before: Vec<(CodeNumber, Version)>,
}

/// A version that was found to be in order and does not run.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) version: Version,
    pub(super) because: Because,
}

/// A version that may not run now, of a plugin of which nothing runs. Its consumer keeps its place.
#[derive(Clone)]
pub(super) struct Withheld {
    pub(super) version: Version,
    pub(super) file: PathBuf,
    pub(super) is_watched: bool,
}

/// Why a version waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// The plugin is pinned to another one.
    Pinned { digest: String },
    /// It ran, and was taken back.
    RolledBack { activation: ActivationId, at: Timestamp, by: &'static str },
}

pub(super) struct Refused {
    /// The plugin that runs from the file, or would.
    pub(super) plugin: Option<String>,
    pub(super) refusal: Refusal,
    pub(super) at: Timestamp,
}

impl Shelf {
    pub(super) fn running(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs of this content, if something does.
    pub(super) fn version(&self, content: &Content) -> Option<Version> {
        let running = self.running();
        running.values().map(|running| &running.version).find(|version| version.content() == content).cloned()
    }

    pub(super) fn withheld(&self) -> MutexGuard<'_, BTreeMap<String, Withheld>> {
        self.withheld.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn refused(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn loading(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn overlooked(&self) -> MutexGuard<'_, Vec<Overlooked>> {
        self.overlooked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
