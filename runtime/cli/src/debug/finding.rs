//! Finds the plugin to run: the named file, or the exact version that failed.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use camshaft_wire::ErrorCode;
use sha2::{Digest, Sha256};

use super::{super::failure::Failure, export::Export};

/// A plugin's file.
pub enum Component {
    Named(PathBuf),
    /// Unpacked from an export; the file is deleted when this is dropped.
    Unpacked(tempfile::NamedTempFile),
}

impl Component {
    /// The named file, or else a file with the digest of the failed attempt.
    pub fn find(export: &Export, named: Option<&Path>) -> Result<Self, Failure> {
        if let Some(named) = named {
            return Ok(Self::Named(named.to_owned()));
        }
        if let Some(wasm) = export.wasm() {
            let unpacked = tempfile::NamedTempFile::with_suffix(".wasm");
            let written = unpacked.and_then(|mut file| file.write_all(&wasm).map(|()| file));
            return written.map(Self::Unpacked).map_err(|error| Failure::write("a temporary file", &error));
        }
        let digest = &export.letter.digest;
        let candidates = export.files.iter();
        let found =
            { candidates }.find(|file| fs::read(file).is_ok_and(|wasm| hexadecimal(&wasm) == *digest));
        found.cloned().map(Self::Named).ok_or_else(|| {
            let message = format!(
                "the plugin that failed, \"{}\" {} {digest}, was not found",
                export.letter.summary.consumer, export.letter.version
            );
            Failure::new(ErrorCode::NotDebuggable, message)
                .hint("Name a file of this plugin with --wasm; it may be another version.")
        })
    }

    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Unpacked(file) => file.path(),
        }
    }
}

fn hexadecimal(wasm: &[u8]) -> String {
    Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect()
}
