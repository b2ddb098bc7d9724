//! Files uploaded from another machine. Each is written into the watched directory under a name that the
//! watcher ignores, and renamed when it is complete. The watcher then loads it like any other file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use camshaft_host::OperatorFile;
use sha2::{Digest, Sha256};

use crate::view::PluginFileView;
use crate::{DeployError, Runtime, io_reason};

/// Longest name of a file, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Tells files apart that come at the same time.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file that is being uploaded. If it is dropped before [`PluginFile::finish`], nothing remains of it.
pub struct PluginFile {
    name: String,
    target: PathBuf,
    partial: PathBuf,
    file: File,
    digest: Sha256,
    bytes: u64,
    limit: u64,
    is_plugin: bool,
}

impl Runtime {
    /// Begins an upload of the file `name` into the plugins directory: a plugin's `.wasm`, or the operator's
    /// `.toml` beside one. The server calls it and then writes the content in parts.
    ///
    /// # Errors
    /// Settings that do not allow it, an invalid name, a directory that cannot be written, or a runtime that
    /// ends.
    pub fn receive_plugin_file(&self, name: &str) -> Result<PluginFile, DeployError> {
        let core = &self.0.core;
        core.check_open()?;
        let config = &core.config;
        if !config.allow_deploy {
            return Err(DeployError::Off { reason: "`allow_deploy` is not set" });
        }
        if config.token.is_none() {
            return Err(DeployError::Off { reason: "it has no token, so senders cannot be authenticated" });
        }
        let is_plugin = is_plugin(name)?;
        let limit = if is_plugin { config.limits.max_plugin_bytes } else { OperatorFile::MAX_BYTES };
        PluginFile::begin(&config.plugins, name, is_plugin, limit)
    }

    /// The absolute path of the watched directory.
    #[must_use]
    pub fn plugins_directory(&self) -> PathBuf {
        let plugins = &self.0.core.config.plugins;
        std::path::absolute(plugins).unwrap_or_else(|_| plugins.clone())
    }
}

/// Whether `name` is that of a plugin, or of an operator's file.
fn is_plugin(name: &str) -> Result<bool, DeployError> {
    let wrong = || DeployError::Name { name: name.to_owned() };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !begins || name.len() > MAX_NAME_BYTES || !name.bytes().all(fits) {
        return Err(wrong());
    }
    match name.rsplit_once('.') {
        Some((_, "wasm")) => Ok(true),
        Some((_, "toml")) => Ok(false),
        _ => Err(wrong()),
    }
}

impl PluginFile {
    fn begin(folder: &Path, name: &str, is_plugin: bool, limit: u64) -> Result<Self, DeployError> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let partial = folder.join(format!(".{name}.{}-{number}.partial", std::process::id()));
        let file = File::create(&partial).map_err(|error| unwritable(&partial, &error))?;
        Ok(Self {
            name: name.to_owned(),
            target: folder.join(name),
            partial,
            file,
            digest: Sha256::new(),
            bytes: 0,
            limit,
            is_plugin,
        })
    }

    /// Appends `part`. Blocks.
    ///
    /// # Errors
    /// A file that is too large, or a failed write.
    pub fn write(&mut self, part: &[u8]) -> Result<(), DeployError> {
        self.bytes += part.len() as u64;
        if self.bytes > self.limit {
            let (file, limit, is_plugin) = (self.name.clone(), self.limit, self.is_plugin);
            return Err(DeployError::TooLarge { file, limit, is_plugin });
        }
        self.digest.update(part);
        self.file.write_all(part).map_err(|error| unwritable(&self.target, &error))
    }

    /// Completes the upload: renames the file to its name in the watched directory. Blocks.
    ///
    /// # Errors
    /// An operator's file that is not valid, that has `grants`, `http` or `secrets`, or that would replace
    /// such a file; or a failed write.
    pub fn finish(self) -> Result<PluginFileView, DeployError> {
        if !self.is_plugin {
            self.refuse_gifts()?;
        }
        let written = self.file.sync_all().and_then(|()| fs::rename(&self.partial, &self.target));
        written.map_err(|error| unwritable(&self.target, &error))?;
        let digest = self.digest.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(PluginFileView { file: self.name.clone(), digest, bytes: self.bytes })
    }

    fn refuse_gifts(&self) -> Result<(), DeployError> {
        let text = fs::read_to_string(&self.partial).map_err(|error| unwritable(&self.target, &error))?;
        // Refusals call it by its name here, not by that of this copy.
        if let Some(key) = OperatorFile::parse(Path::new(&self.name), &text)?.gives()? {
            return Err(DeployError::Gives { file: self.name.clone(), key });
        }
        if !self.target.exists() {
            return Ok(());
        }
        let file = self.name.clone();
        match OperatorFile::read(&self.target).and_then(|there| there.gives()) {
            Ok(Some(key)) => Err(DeployError::Replaces { file, key }),
            Ok(None) => Ok(()),
            // Once its mistake is mended it may give. What is wrong with it is not told: that could quote a
            // secret.
            Err(_) => Err(DeployError::ReplacesUnread { file }),
        }
    }
}

impl Drop for PluginFile {
    fn drop(&mut self) {
        // After the rename there is nothing of that name.
        let _: io::Result<()> = fs::remove_file(&self.partial);
    }
}

fn unwritable(path: &Path, error: &io::Error) -> DeployError {
    DeployError::Unwritable { path: path.to_owned(), reason: io_reason(error) }
}
