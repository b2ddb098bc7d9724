//! Detects whether a component is up to date with its source, by hashes in a file beside it.
//!
//! Componentizing a script takes seconds and never produces the same bytes twice. Without this check, all
//! later steps would run again for no reason, above all the compilation by the runtime. Stamps also
//! save time for Rust guests, of which test builds have many.

use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// Folders without source of a plugin, or only with source of its tests.
const NO_SOURCE: [&str; 5] = ["target", "node_modules", "__pycache__", "camshaft-data", "tests"];

/// A hash of all inputs of a component.
#[derive(Default)]
pub struct Inputs(Xxh3);

impl Inputs {
    /// Adds text or bytes.
    pub fn add(&mut self, content: impl AsRef<[u8]>) {
        let content = content.as_ref();
        self.0.update(&(content.len() as u64).to_le_bytes());
        self.0.update(content);
    }

    /// Adds the files below `folder`, by names, lengths and modification times.
    pub fn add_folder(&mut self, folder: &Path) -> io::Result<()> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        let entries = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = entries.collect::<Result<Vec<_>, _>>()?;
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_result = path.extension().is_some_and(|extension| extension == "wasm");
            if name.starts_with('.') || is_result || NO_SOURCE.contains(&&*name) {
                continue;
            }
            // The file may have been removed since, and links may be broken.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_dir() {
                self.add_folder(&path)?;
            } else {
                self.add(path.to_string_lossy().as_bytes());
                self.0.update(&metadata.len().to_le_bytes());
                self.0.update(&modified_ns(&metadata).to_le_bytes());
            }
        }
        Ok(())
    }

    fn digest(&self) -> u128 {
        self.0.digest128()
    }
}

/// The file beside a component that identifies its inputs.
pub struct Stamp<'c> {
    component: &'c Path,
    path: PathBuf,
    inputs: u128,
}

impl<'c> Stamp<'c> {
    /// The stamp that `component` has if it is built from `inputs`.
    pub fn new(component: &'c Path, inputs: &Inputs) -> Self {
        Self { component, path: component.with_extension("stamp"), inputs: inputs.digest() }
    }

    /// Whether the existing component was built from these inputs and is complete.
    pub fn holds(&self) -> bool {
        let (Ok(stamp), Ok(component)) = (fs::read_to_string(&self.path), fs::read(self.component)) else {
            return false;
        };
        stamp == self.text(&component)
    }

    /// Writes the stamp for `bytes`, the component that was just written.
    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        fs::write(&self.path, self.text(bytes))
    }

    fn text(&self, component: &[u8]) -> String {
        format!("{:032x} {:032x}\n", self.inputs, xxh3_128(component))
    }
}

fn modified_ns(metadata: &Metadata) -> u128 {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    modified.unwrap_or_default().as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(folder: &Path) -> u128 {
        let mut inputs = Inputs::default();
        inputs.add_folder(folder).unwrap();
        inputs.digest()
    }

    #[test]
    fn a_stamp_holds_for_the_same_inputs_and_the_same_component_only() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("stock.wasm");
        let mut inputs = Inputs::default();
        inputs.add("one");
        assert!(!Stamp::new(&component, &inputs).holds());
        fs::write(&component, "built").unwrap();
        Stamp::new(&component, &inputs).put(b"built").unwrap();
        assert!(Stamp::new(&component, &inputs).holds());
        fs::write(&component, "built by another").unwrap();
        assert!(!Stamp::new(&component, &inputs).holds());
        fs::write(&component, "built").unwrap();
        inputs.add("two");
        assert!(!Stamp::new(&component, &inputs).holds());
    }

    #[test]
    fn every_change_below_a_folder_counts_but_not_what_a_build_writes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir_all(folder.join("a/__pycache__")).unwrap();
        fs::write(folder.join("a/plugin.py"), "1").unwrap();
        let before = digest(folder);
        fs::write(folder.join("a/__pycache__/plugin.pyc"), "x").unwrap();
        fs::write(folder.join("stock.wasm"), "x").unwrap();
        assert_eq!(digest(folder), before);
        fs::write(folder.join("a/plugin.py"), "22").unwrap();
        let changed = digest(folder);
        assert_ne!(changed, before);
        fs::rename(folder.join("a/plugin.py"), folder.join("a/other.py")).unwrap();
        assert_ne!(digest(folder), changed);
    }
}
