//! Compiled code on disk, so that a start with known plugins compiles nothing.
//!
//! The loader asks it for every component. An entry is named after the plugin's file, the component made of
//! it, and the engine's compatibility hash, and is believed only if its own checksum holds. It is mapped, not
//! read: what no call needs takes no memory, and what is needed can be dropped and read again. It goes when
//! nobody wants its file.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

use crate::{
    artifact::hexadecimal,
    compile::{Compiler, Halt, Loading, Turn, failed, image},
};

/// The ending of an entry.
const ENDING: &str = "cwasm";
/// The ending of an entry that is being written.
const UNFINISHED: &str = "tmp";
/// No entry is being written for so long: a process that did not finish one is gone.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// The folder of compiled code inside the data directory.
pub struct CodeCache {
    folder: PathBuf,
    compiler: Compiler,
    next_temporary: AtomicU64,
}

impl CodeCache {
    /// Uses `folder`, which is made if it is missing. What it lacks is compiled by `compiler`.
    pub fn open(folder: &Path, compiler: Compiler) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        remove_abandoned(folder)?;
        Ok(Self { folder: folder.to_owned(), compiler, next_temporary: AtomicU64::new(0) })
    }

    /// [`Compiler::turn_to_try`] of what is compiled here.
    pub fn turn_to_try(&self, loading: &Loading<'_>) -> Option<Turn<'_>> {
        self.compiler.turn_to_try(loading)
    }

    /// The compiled form of the component `bytes`, made of the `file` with this `digest`: from the cache,
    /// else compiled and put there.
    pub fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
        (file, digest): (&Path, &str),
        loading: &Loading<'_>,
    ) -> Result<Component, Halt> {
        let component = hexadecimal(&Sha256::digest(bytes)[..8]);
        let compatibility = self.compiler.compatibility();
        let entry = self.folder.join(format!("{digest}-{component}-{compatibility}.{ENDING}"));
        if let Some(image) = read(&entry) {
            (loading.before_start)();
            match load(engine, &entry, &image) {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!(%error, entry = %entry.display(), "could not load cached code, compiling");
                }
            }
        }
        if self.compiler.works_here() {
            (loading.before_start)();
        }
        let image = self.compiler.compile(engine, bytes, file, loading)?;
        (loading.before_start)();
        let component = match self.write(&entry, &image) {
            Ok(()) => load(engine, &entry, &image),
            // The plugin runs all the same; only the next start is slower.
            Err(error) => {
                tracing::warn!(%error, entry = %entry.display(), "could not cache compiled code");
                copy(engine, &image)
            }
        };
        component.map_err(|error| failed(file, &format!("{error:#}")).into())
    }

    /// Removes the entries of all files but those with a digest in `wanted`, and what another camshaft has
    /// compiled.
    pub fn sweep(&self, wanted: &BTreeSet<String>) -> io::Result<()> {
        let is_wanted = |stem: &str| {
            let (digest, rest) = stem.split_once('-').unwrap_or((stem, ""));
            wanted.contains(digest) && rest.ends_with(self.compiler.compatibility())
        };
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_entry = path.extension().is_some_and(|ending| ending == ENDING);
            if is_entry && !is_wanted(&stem) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Writes an entry so that it is there whole or not at all. A torn one after a power cut fails its
    /// checksum.
    fn write(&self, entry: &Path, image: &[u8]) -> io::Result<()> {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.folder.join(format!(".{}-{number}.{UNFINISHED}", std::process::id()));
        let written = fs::write(&temporary, image).and_then(|()| fs::rename(&temporary, entry));
        if written.is_err() {
            // The error that counts is the one of writing.
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// Removes what processes that were killed left half written. Other processes may be writing now.
fn remove_abandoned(folder: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != UNFINISHED) {
            continue;
        }
        let written = path.metadata().and_then(|metadata| metadata.modified());
        if written.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age >= ABANDONED)) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The image of an entry, or none if the entry is missing or damaged.
fn read(entry: &Path) -> Option<Vec<u8>> {
    let image = fs::read(entry).ok()?;
    if image::code(&image).is_none() {
        tracing::warn!(entry = %entry.display(), "cached code is damaged, compiling again");
        return None;
    }
    Some(image)
}

/// The component of an entry that holds `image`: mapped, or copied where the file system forbids that
/// programs are mapped from it.
fn load(engine: &Engine, entry: &Path, image: &[u8]) -> wasmtime::Result<Component> {
    map(engine, entry).or_else(|error| {
        tracing::debug!(%error, entry = %entry.display(), "could not map cached code, copying it");
        copy(engine, image)
    })
}

/// The component of an image, in memory of its own.
fn copy(engine: &Engine, image: &[u8]) -> wasmtime::Result<Component> {
    let code = image::code(image).ok_or_else(|| wasmtime::format_err!("its compiled code is damaged"))?;
    deserialize(engine, code)
}

#[expect(unsafe_code, reason = "compiled code has to be trusted to be loaded")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: wasmtime runs these bytes as native code. They were made by this process's compiler or by the
    // program that the runtime was given as its compiler, or lie in the data directory, which belongs to the
    // runtime as its log does; and they match the checksum that the compiler wrote with them. Plugins come
    // from other places and cannot write there. The engine itself refuses code of another version or
    // configuration.
    unsafe { Component::deserialize(engine, code) }
}

#[expect(unsafe_code, reason = "compiled code has to be trusted to be loaded")]
fn map(engine: &Engine, entry: &Path) -> wasmtime::Result<Component> {
    // SAFETY: as in `deserialize`, and the file stays as it is while it is mapped: entries are only ever put
    // in place whole by a rename, and removed.
    unsafe { Component::deserialize_file(engine, entry) }
}
