//! The Cargo workspace of a plugin's folder, read from `cargo metadata` before anything is compiled.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::compile::{BuildError, Guests, cargo};

/// A workspace. A package outside any workspace is its own workspace.
#[derive(Debug, Deserialize)]
pub struct Workspace {
    /// The target folder of its builds. `cargo metadata` applies CARGO_TARGET_DIR, configuration files and
    /// the workspace's root.
    #[serde(rename = "target_directory")]
    pub target_folder: PathBuf,
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    crate_types: Vec<String>,
}

impl Workspace {
    /// Reads the workspace of the package in `folder`.
    ///
    /// # Errors
    /// Cargo cannot be run, or cannot read the package and prints the reason on stderr.
    pub fn of(folder: &Path) -> Result<Self, BuildError> {
        let mut command = Command::new(cargo());
        command.args(["metadata", "--format-version=1", "--no-deps"]).current_dir(folder);
        let output = command.stderr(Stdio::inherit()).output().map_err(BuildError::CargoMissing)?;
        serde_json::from_slice(&output.stdout)
            .map_err(|_| BuildError::Compile { folder: folder.to_path_buf() })
    }

    /// Whether any requested package compiles to a plugin.
    pub fn has_guest(&self, guests: &Guests) -> bool {
        let own = std::path::absolute(guests.folder.join("Cargo.toml")).unwrap_or_default();
        let is_asked_for = |package: &&Package| match guests.packages.as_slice() {
            // Cargo resolves symbolic links.
            [] => {
                package.manifest_path == own
                    || own.canonicalize().is_ok_and(|own| own == package.manifest_path)
            }
            names => names.contains(&package.name),
        };
        self.packages.iter().filter(is_asked_for).any(|package| package.is_guest(guests.examples))
    }

    /// The folders of all plugins in the workspace.
    pub fn guests(&self) -> Vec<PathBuf> {
        let guests = self.packages.iter().filter(|package| package.is_guest(false));
        guests.filter_map(|package| package.manifest_path.parent().map(Path::to_path_buf)).collect()
    }
}

impl Package {
    fn is_guest(&self, examples: bool) -> bool {
        let is_wasm = |target: &Target| {
            target.crate_types.iter().any(|kind| kind == "cdylib")
                && target.kind.iter().any(|kind| kind == "example") == examples
        };
        self.targets.iter().any(is_wasm)
    }
}
