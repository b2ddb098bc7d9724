//! The packages of the workspace: which one a file belongs to, and which ones a package is built of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command;

/// All packages of the workspace.
pub(super) struct Packages(Vec<Package>);

pub(super) struct Package {
    pub(super) name: String,
    /// Relative to the root.
    pub(super) folder: PathBuf,
    /// Packages that its library or program is built of, the workspace's and others. Those of its tests are
    /// not in it.
    dependencies: Vec<String>,
}

impl Packages {
    /// Asks cargo.
    pub(super) fn read() -> Result<Self> {
        let output = command::cargo(&["metadata", "--no-deps", "--format-version", "1"]).output();
        let output = output.context("cargo could not be started")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata = serde_json::from_slice(&output.stdout)?;
        Self::of(&metadata).context("cargo metadata has another form than expected")
    }

    fn of(metadata: &Value) -> Option<Self> {
        let root = Path::new(metadata["workspace_root"].as_str()?);
        let package = |value: &Value| {
            let folder = Path::new(value["manifest_path"].as_str()?).parent()?.strip_prefix(root).ok()?;
            let dependencies = value["dependencies"].as_array()?.iter();
            let dependencies = dependencies.filter(|dependency| dependency["kind"] != "dev");
            Some(Package {
                name: value["name"].as_str()?.to_owned(),
                folder: folder.to_owned(),
                dependencies: dependencies.filter_map(|it| it["name"].as_str().map(str::to_owned)).collect(),
            })
        };
        metadata["packages"].as_array()?.iter().map(package).collect::<Option<_>>().map(Self)
    }

    /// The package in whose folder the file lies; the innermost one, since `runtime/` is a package and holds
    /// others.
    pub(super) fn owner(&self, file: &Path) -> Option<&Package> {
        let owners = self.0.iter().filter(|package| file.starts_with(&package.folder));
        owners.max_by_key(|package| package.folder.components().count())
    }

    /// These packages and all packages of the workspace that they are built of.
    pub(super) fn built_of<'a>(&'a self, names: &[&'a str]) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut next: Vec<&str> = names.to_vec();
        while let Some(name) = next.pop() {
            let Some(package) = self.0.iter().find(|package| package.name == name) else { continue };
            if found.insert(name) {
                next.extend(package.dependencies.iter().map(String::as_str));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_package_owns_a_file() {
        let packages = Packages::read().unwrap();
        for (file, owner) in [
            ("runtime/src/bus.rs", Some("camshaft")),
            ("runtime/engine/src/run.rs", Some("camshaft-engine")),
            ("runtime/engineering.rs", Some("camshaft")),
            ("sdk/macros/src/lib.rs", Some("camshaft-sdk-macros")),
            ("Cargo.lock", None),
        ] {
            assert_eq!(packages.owner(Path::new(file)).map(|package| &*package.name), owner, "{file}");
        }
    }

    #[test]
    fn a_package_is_built_of_its_dependencies_and_theirs_but_not_of_those_of_its_tests() {
        let packages = Packages::read().unwrap();
        let engine = packages.built_of(&["camshaft-engine"]);
        let expected =
            ["camshaft-engine", "camshaft-event", "camshaft-log", "camshaft-sabotage", "camshaft-tables"];
        assert_eq!(engine, expected.into());
        assert!(!packages.built_of(&["camshaft-cli"]).contains("camshaft-test-guests"));
    }
}
