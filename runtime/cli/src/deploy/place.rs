//! Where a plugin's files go: directly into the directory, if it is on this machine, or to the runtime, which
//! writes them.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    client::{Client, path},
    failure::Failure,
};

/// The files to install.
pub struct Files {
    stem: String,
    wasm: Vec<u8>,
    toml: Option<Vec<u8>>,
    /// SHA-256 of the `.wasm`, in hexadecimal.
    pub digest: String,
    /// SHA-256 of the operator's file, if there is one.
    pub operator_digest: Option<String>,
}

#[cfg(test)]
impl Files {
    /// A file of this digest, without content.
    pub fn of(stem: &str, digest: &str) -> Self {
        Self { stem: stem.into(), wasm: Vec::new(), toml: None, digest: digest.into(), operator_digest: None }
    }
}

/// The destination of the files.
pub enum Place {
    /// This directory, which the runtime watches.
    Here(PathBuf),
    /// The runtime, over HTTP.
    There,
}

impl Files {
    /// Reads both files. In the directory they are named after `stem`.
    pub fn read(wasm: &Path, toml: Option<&Path>, stem: String) -> Result<Self, Failure> {
        let read = |path: &Path| fs::read(path).map_err(|error| Failure::read(path.display(), &error));
        let (wasm, toml) = (read(wasm)?, toml.map(read).transpose()?);
        let (digest, operator_digest) = (hexadecimal(&wasm), toml.as_deref().map(hexadecimal));
        Ok(Self { stem, wasm, toml, digest, operator_digest })
    }

    /// The name of the `.wasm` in the directory.
    pub fn plugin(&self) -> String {
        format!("{}.wasm", self.stem)
    }

    /// Name and content of each file. The operator's file comes first, so that the plugin never runs without
    /// it.
    fn each(&self) -> impl Iterator<Item = (String, &[u8])> {
        let toml = self.toml.as_deref().map(|content| (format!("{}.toml", self.stem), content));
        toml.into_iter().chain([(self.plugin(), self.wasm.as_slice())])
    }
}

impl Place {
    /// The directory itself if the runtime and the directory are on this machine, unless `send` is set.
    pub fn of(client: &Client, directory: &str, send: bool) -> Self {
        let here = Path::new(directory);
        let is_here = client.is_local() && !directory.is_empty() && here.is_dir();
        if is_here && !send { Self::Here(here.to_owned()) } else { Self::There }
    }

    /// Installs the files. Each appears complete or not at all.
    pub fn put(&self, client: &Client, files: &Files) -> Result<(), Failure> {
        match self {
            Self::Here(folder) => copy(folder, files),
            Self::There => files
                .each()
                .try_for_each(|(name, content)| client.put_file(&path(&["plugin-files", &name]), content)),
        }
    }
}

/// Writes both files under temporary names before renaming either, so that they appear at almost the same
/// time.
fn copy(folder: &Path, files: &Files) -> Result<(), Failure> {
    let mut written = Vec::new();
    for (name, content) in files.each() {
        let (partial, target) =
            (folder.join(format!(".{name}.{}.partial", std::process::id())), folder.join(&name));
        let outcome = write(&partial, content);
        written.push((partial, target.clone()));
        if let Err(error) = outcome {
            remove(&written);
            return Err(Failure::write(target.display(), &error));
        }
    }
    for (partial, target) in &written {
        if let Err(error) = fs::rename(partial, target) {
            remove(&written);
            return Err(Failure::write(target.display(), &error));
        }
    }
    Ok(())
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Removes the partial files after a failure. Files that were already renamed stay.
fn remove(written: &[(PathBuf, PathBuf)]) {
    for (partial, _) in written {
        let _: io::Result<()> = fs::remove_file(partial);
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_appear_whole_and_leave_nothing_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let (wasm, toml) = (folder.path().join("a.wasm"), folder.path().join("a.toml"));
        fs::write(&wasm, "code").unwrap();
        fs::write(&toml, "[config]").unwrap();
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        let files = Files::read(&wasm, Some(&toml), "stock".to_owned()).unwrap();
        copy(&plugins, &files).unwrap();
        let mut names: Vec<_> = fs::read_dir(&plugins)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["stock.toml", "stock.wasm"]);
        assert_eq!(fs::read(plugins.join("stock.wasm")).unwrap(), b"code");
        // A folder has one of the two names: the other file must not appear either.
        let plugins = folder.path().join("blocked");
        fs::create_dir_all(plugins.join("stock.toml")).unwrap();
        assert!(copy(&plugins, &files).is_err());
        assert_eq!(fs::read_dir(&plugins).unwrap().count(), 1);
    }
}
