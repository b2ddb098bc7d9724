//! What runs, what was refused and what is being loaded, for operators to see.
//!
//! The thread that watches the directory and whoever loads a plugin by hand write it; the views read it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use camshaft_event::{ActivationId, Timestamp};
use camshaft_host::Refusal;

use super::loader::Version;
use crate::compose::CodeNumber;

/// All plugins, the files that were refused, and those that are being loaded.
#[derive(Default)]
pub(in crate::runtime) struct Shelf {
    running: Mutex<BTreeMap<String, Running>>,
    refused: Mutex<BTreeMap<PathBuf, Refused>>,
    loading: Mutex<BTreeSet<PathBuf>>,
}

pub(super) struct Running {
    pub(super) version: Version,
    pub(super) file: PathBuf,
    pub(super) code: CodeNumber,
    pub(super) activation: ActivationId,
    pub(super) activated_at: Timestamp,
}

pub(super) struct Refused {
    pub(super) running: Option<String>,
    pub(super) refusal: Refusal,
}

impl Shelf {
    pub(super) fn running(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn refused(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn loading(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
