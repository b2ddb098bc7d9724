//! Compiled code on disk, so that a start with known plugins compiles nothing.
//!
//! The loader asks it for every component. An entry is named after the plugin's file, the component made of it, and the
//! engine's compatibility hash, and is believed only if its own checksum holds. It is mapped, not read: what no call
//! needs takes no memory, and what is needed can be dropped and read again. It goes when nobody wants its file.

use std::{
    collections::BTreeSet,
    fs,
    hash::{Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

use crate::{Refusal, artifact::hexadecimal, instance::catch_panic, refusal::codes};

/// Last bytes of every entry. The number changes with the layout: code, SHA-256 of the code, magic. The code is first
/// since it is mapped from the file's start.
const MAGIC: &[u8; 8] = b"camcode2";
const CHECKSUM_BYTES: usize = 32;
/// The ending of an entry.
const ENDING: &str = "cwasm";

/// The folder of compiled code inside the data directory.
pub struct CodeCache {
    folder: PathBuf,
    compatibility: String,
    next_temporary: AtomicU64,
}

impl CodeCache {
    /// Uses `folder`, which is made if it is missing.
    pub fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let compatibility = hexadecimal(&hasher.0.finalize()[..8]);
        Ok(Self { folder: folder.to_owned(), compatibility, next_temporary: AtomicU64::new(0) })
    }

    /// The compiled form of the component `bytes`, made of the `file` with this `digest`: from the cache, else compiled
    /// and put there.
    pub fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
        file: &Path,
        digest: &str,
    ) -> Result<Component, Refusal> {
        let component = hexadecimal(&Sha256::digest(bytes)[..8]);
        let entry = self.folder.join(format!("{digest}-{component}-{}.{ENDING}", self.compatibility));
        if let Some(component) = read(engine, &entry) {
            return Ok(component);
        }
        let code = compile(engine, bytes, file)?;
        let component = match self.write(&entry, &code) {
            Ok(()) => load(engine, &entry, &code),
            // The plugin runs all the same; only the next start is slower.
            Err(error) => {
                tracing::warn!(%error, entry = %entry.display(), "compiled code could not be cached");
                deserialize(engine, &code)
            }
        };
        component.map_err(|error| compile_failed(file, &format!("{error:#}")))
    }

    /// Removes the entries of all files but those with a digest in `wanted`, and what another camshaft has compiled.
    pub fn sweep(&self, wanted: &BTreeSet<String>) -> io::Result<()> {
        let is_wanted = |stem: &str| {
            let (digest, rest) = stem.split_once('-').unwrap_or((stem, ""));
            wanted.contains(digest) && rest.ends_with(&self.compatibility)
        };
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            if path.extension().is_some_and(|ending| ending == ENDING) && !is_wanted(&stem) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Writes an entry so that it is there whole or not at all. A torn one after a power cut fails its checksum.
    fn write(&self, entry: &Path, code: &[u8]) -> io::Result<()> {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.folder.join(format!(".{}-{number}.tmp", std::process::id()));
        let mut file = fs::File::create(&temporary)?;
        let written = file
            .write_all(code)
            .and_then(|()| file.write_all(&Sha256::digest(code)))
            .and_then(|()| file.write_all(MAGIC))
            .and_then(|()| fs::rename(&temporary, entry));
        if written.is_err() {
            // The error that counts is the one of writing.
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// The component of an entry, or none if the entry is missing or damaged.
fn read(engine: &Engine, entry: &Path) -> Option<Component> {
    let bytes = fs::read(entry).ok()?;
    let (code, checksum) = bytes.strip_suffix(MAGIC)?.split_last_chunk::<CHECKSUM_BYTES>()?;
    if Sha256::digest(code).as_slice() != checksum {
        tracing::warn!(entry = %entry.display(), "cached code is damaged and is compiled again");
        return None;
    }
    load(engine, entry, code)
        .inspect_err(
            |error| tracing::warn!(%error, entry = %entry.display(), "cached code is compiled again"),
        )
        .ok()
}

/// The component of an entry that holds `code`: mapped, or copied where the file system forbids that programs are mapped
/// from it.
fn load(engine: &Engine, entry: &Path, code: &[u8]) -> wasmtime::Result<Component> {
    map(engine, entry).or_else(|error| {
        tracing::debug!(%error, entry = %entry.display(), "cached code cannot be mapped and is copied");
        deserialize(engine, code)
    })
}

fn compile(engine: &Engine, bytes: &[u8], file: &Path) -> Result<Vec<u8>, Refusal> {
    // A guest must never be able to stop the host, not even by a mistake in the compiler.
    match catch_panic(|| engine.precompile_component(bytes)) {
        Ok(Ok(code)) => Ok(code),
        Ok(Err(error)) if error.is::<wasmparser::Error>() => Err(Refusal::new(
            codes::INVALID_COMPONENT,
            format!("\"{}\" is not a component that can run here: {error:#}", file.display()),
            "Build it again with a current toolchain and without experimental WebAssembly features.",
        )),
        Ok(Err(error)) => Err(compile_failed(file, &format!("{error:#}"))),
        Err(panic) => Err(compile_failed(file, &panic)),
    }
}

fn compile_failed(file: &Path, reason: &str) -> Refusal {
    Refusal::new(
        codes::COMPILE_FAILED,
        format!("\"{}\" could not be compiled: {reason}", file.display()),
        "Build it again with a current toolchain; if that does not help, report it with the file.",
    )
}

#[expect(unsafe_code, reason = "compiled code can only be loaded by trusting it")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: wasmtime runs these bytes as native code. They were made by `compile` of this process, or lie in
    // the data directory, which belongs to the runtime as its log does, and match the checksum that the
    // runtime wrote with them. Plugins come from other places and cannot write there. The engine itself
    // refuses code of another version or configuration.
    unsafe { Component::deserialize(engine, code) }
}

#[expect(unsafe_code, reason = "compiled code can only be loaded by trusting it")]
fn map(engine: &Engine, entry: &Path) -> wasmtime::Result<Component> {
    // SAFETY: as in `deserialize`, and the file stays as it is while it is mapped: entries are only ever put in place
    // whole by a rename, and removed.
    unsafe { Component::deserialize_file(engine, entry) }
}

/// Lets `Hash` feed SHA-256, whose result is the same in every process.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("the digest is taken from the inner hasher")
    }
}
