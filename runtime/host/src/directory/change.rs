//! What the plugins directory hands out: files to be loaded, and what is to be done.
//!
//! The composition answers loads in any order, and carries changes out in theirs.

use std::path::PathBuf;

use super::Overlooked;
use crate::{Manifest, Refusal};

/// The number of a [`Load`]; never given twice by one directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Files to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// What the answer refers to.
    pub ticket: Ticket,
    /// The `.wasm`.
    pub file: PathBuf,
    /// The operator's file, if there was one.
    pub operator: Option<PathBuf>,
}

/// A file that was loaded; what a [`Change`] hands on if it is taken.
pub struct Candidate<P> {
    /// Its manifest, the operator's file included.
    pub manifest: Manifest,
    /// Digest of the `.wasm`.
    pub digest: String,
    /// The plugin.
    pub plugin: P,
}

/// What happened in the directory and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Change<P> {
    /// A plugin appeared: attach its consumer.
    Added {
        /// Its `.wasm`.
        file: PathBuf,
        /// The plugin.
        plugin: P,
    },
    /// A running plugin has new code: take over.
    Replaced {
        /// Its `.wasm`, perhaps under another name than before.
        file: PathBuf,
        /// The new plugin.
        plugin: P,
    },
    /// A running plugin has the same code and another manifest: take over.
    ConfigChanged {
        /// Its `.wasm`.
        file: PathBuf,
        /// The plugin with the new settings.
        plugin: P,
    },
    /// A running plugin's file has another name. Nothing else changed.
    Renamed {
        /// The plugin's name.
        name: String,
        /// Where it was.
        from: PathBuf,
        /// Where it is.
        file: PathBuf,
    },
    /// A running plugin's file is gone: detach its consumer.
    Removed {
        /// The plugin's name.
        name: String,
        /// Where it was.
        file: PathBuf,
    },
    /// A file was not taken. What ran before runs on.
    Refused {
        /// The `.wasm`.
        file: PathBuf,
        /// The plugin that still runs from what this file was before.
        running: Option<String>,
        /// Why.
        refusal: Refusal,
    },
    /// A refusal no longer stands: the file is gone, or was taken after all.
    Withdrawn {
        /// The `.wasm`.
        file: PathBuf,
    },
    /// A file has no effect, though it was probably meant to.
    Overlooked(Overlooked),
    /// The directory itself is gone or cannot be read. What ran runs on.
    DirectoryMissing,
    /// The directory is back; watch it anew.
    DirectoryBack,
}
