//! Compiles guests with one call of cargo, and makes components of the results.
//!
//! The compilation has its own target folder and environment, so a surrounding build such as `cargo test`
//! cannot affect it.

mod error;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub use error::BuildError;
use serde::Deserialize;

use crate::{
    TARGET,
    componentize::{ComponentizeError, componentize},
    origins::{Mistaken, Origins},
    stamp::{Inputs, Stamp},
    toolchain::Toolchain,
    workspace::Workspace,
};

/// Variables of a surrounding build, or of the user's environment, that would change the compilation.
const FOREIGN_VARIABLES: [&str; 12] = [
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_INCREMENTAL",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
];

/// Makes the SDK capture the plugin's printed output.
const CAPTURE_FLAGS: &str = "--cfg\x1fcamshaft_output";

/// The SDK's crate name.
const SDK_CRATE: &str = "camshaft_sdk";

/// Guests of one package or workspace that are built together.
#[derive(Clone, Debug)]
pub struct Guests {
    pub(crate) folder: PathBuf,
    pub(crate) packages: Vec<String>,
    pub(crate) examples: bool,
    debug: bool,
    target_folder: Option<PathBuf>,
}

/// A built guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Name of the package or of the example.
    pub name: String,
    /// Path of the component, which is valid.
    pub path: PathBuf,
}

impl Guests {
    /// The plugin whose `Cargo.toml` is in `folder`.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { folder, packages: Vec::new(), examples: false, debug: false, target_folder: None }
    }

    /// Builds these packages of the folder's workspace instead of the folder's own package, with one call of
    /// cargo.
    #[must_use]
    pub fn packages<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.packages = names.into_iter().map(Into::into).collect();
        self
    }

    /// Builds the examples instead of the libraries: each example is a separate plugin.
    #[must_use]
    pub fn examples(mut self) -> Self {
        self.examples = true;
        self
    }

    /// Includes debug information in the components: they become much larger, and backtraces contain source
    /// lines. Function names are included in any case.
    #[must_use]
    pub fn with_debug_info(mut self) -> Self {
        self.debug = true;
        self
    }

    /// Sets the target folder. The default is `guests` in `CARGO_TARGET_DIR`, or else in the workspace's
    /// target folder, so that all guests share one standard library.
    #[must_use]
    pub fn target_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.target_folder = Some(folder.into());
        self
    }
}

impl Toolchain {
    /// Compiles guests in release mode, and writes each component, by name, to `components` in the target
    /// folder. Cargo's progress goes to stderr. The file of an unchanged component is not touched.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, guests: &Guests) -> Result<Vec<Component>, BuildError> {
        if !guests.folder.join("Cargo.toml").exists() {
            return Err(BuildError::NoPackage { folder: guests.folder.clone() });
        }
        let workspace = Workspace::of(&guests.folder)?;
        if !workspace.has_guest(guests) {
            return Err(BuildError::NoGuest { folder: guests.folder.clone(), others: workspace.guests() });
        }
        let target_folder =
            guests.target_folder.clone().unwrap_or_else(|| workspace.target_folder.join("guests"));
        let origins = Origins::of(&target_folder)?;
        let said = self.compile(guests, &target_folder, &origins)?;
        let mut modules: Vec<(String, PathBuf)> =
            said.split(|byte| *byte == b'\n').filter_map(module).collect();
        modules.sort();
        if modules.is_empty() {
            return Err(BuildError::NoGuest { folder: guests.folder.clone(), others: workspace.guests() });
        }
        let components = target_folder.join("components");
        modules.into_iter().map(|(name, module)| wrap(&components, name, &module)).collect()
    }

    /// Runs cargo, and returns its messages. Ensures that each local package was compiled from the requested
    /// folder.
    fn compile(
        &self,
        guests: &Guests,
        target_folder: &Path,
        origins: &Origins,
    ) -> Result<Vec<u8>, BuildError> {
        let said = self.run_cargo(guests, target_folder)?;
        let Some(mistaken) = origins.mistaken(&said)? else { return Ok(said) };
        for package in mistaken {
            let mut clean = Command::new(cargo());
            clean.args(["clean", "--quiet", "--release", "--target", TARGET, "--package", &package.name]);
            clean.current_dir(&guests.folder).env("CARGO_TARGET_DIR", target_folder).stdin(Stdio::null());
            clean.status().map_err(BuildError::CargoMissing)?;
        }
        let said = self.run_cargo(guests, target_folder)?;
        match origins.mistaken(&said)?.and_then(|mistaken| mistaken.into_iter().next()) {
            None => Ok(said),
            Some(Mistaken { name: package, other }) => {
                Err(BuildError::Mistaken { package, folder: guests.folder.clone(), other })
            }
        }
    }

    fn run_cargo(&self, guests: &Guests, target_folder: &Path) -> Result<Vec<u8>, BuildError> {
        let output = self.cargo(guests, target_folder).output().map_err(BuildError::CargoMissing)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let folder = guests.folder.clone();
        match output.status.code() {
            Some(_) => Err(BuildError::Compile { folder }),
            None => Err(BuildError::Ended { folder, signal: output.status }),
        }
    }

    /// The cargo command, with messages for this program on stdout and for people on stderr.
    fn cargo(&self, guests: &Guests, target_folder: &Path) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(&guests.folder).stdin(Stdio::null()).stderr(Stdio::inherit());
        command.args(["build", "--release", "--target", TARGET]);
        command.args(["--message-format", "json-render-diagnostics"]);
        command.arg(if guests.examples { "--examples" } else { "--lib" });
        for package in &guests.packages {
            command.args(["--package", package]);
        }
        for variable in FOREIGN_VARIABLES {
            command.env_remove(variable);
        }
        // If this variable is set, even to an empty value, it overrides every other source of compiler flags.
        let captures = self.captures_output(target_folder);
        command.env("CARGO_ENCODED_RUSTFLAGS", if captures { CAPTURE_FLAGS } else { "" });
        if captures {
            // Only the SDK uses an unstable function of the standard library.
            command.env("RUSTC_BOOTSTRAP", SDK_CRATE);
        }
        command.env("CARGO_TARGET_DIR", target_folder);
        // Readable backtraces need function names, which are kept. The standard library's debug information
        // alone would be ten times as large as the code.
        let (debug, strip) = if guests.debug { ("full", "none") } else { ("none", "debuginfo") };
        command.env("CARGO_PROFILE_RELEASE_DEBUG", debug);
        command.env("CARGO_PROFILE_RELEASE_STRIP", strip);
        command.env("CARGO_PROFILE_RELEASE_PANIC", "abort");
        if let Some(rustc) = &self.rustc {
            command.env("RUSTC", rustc);
        }
        if let Some(linker) = &self.build_std {
            command.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1");
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &linker.0);
        }
        command
    }
}

pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The guest's name and core module, if this line of cargo's messages describes a guest.
fn module(line: &[u8]) -> Option<(String, PathBuf)> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        package_id: Option<String>,
        target: Option<Target>,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        kind: Vec<String>,
        crate_types: Vec<String>,
        name: String,
    }
    let message: Message = serde_json::from_slice(line).ok()?;
    let target = message.target.filter(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))?;
    if message.reason != "compiler-artifact" {
        return None;
    }
    let module = message.filenames.into_iter().find(|file| file.extension().is_some_and(|e| e == "wasm"))?;
    let example = target.kind.iter().any(|kind| kind == "example");
    let package = message.package_id.as_deref().map(package_name);
    Some((package.filter(|_| !example).map_or(target.name, str::to_owned), module))
}

/// The name in a package id, which is `…/<name>#<version>` or `…/<folder>#<name>@<version>`.
pub(crate) fn package_name(id: &str) -> &str {
    let (path, version) = id.rsplit_once('#').unwrap_or((id, ""));
    match version.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

/// The component of an empty module. It contains the name and version of the encoder.
fn encoder() -> Result<Vec<u8>, ComponentizeError> {
    componentize(b"\0asm\x01\0\0\0")
}

/// Converts the module to a component, unless it exists. Its path depends only on its name.
fn wrap(components: &Path, name: String, module: &Path) -> Result<Component, BuildError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |error| BuildError::File { path, error }
    };
    let bytes = fs::read(module).map_err(failed(module))?;
    let path = components.join(format!("{name}.wasm"));
    let refused = |error| BuildError::Componentize { name: name.clone(), error };
    let mut inputs = Inputs::default();
    inputs.add(encoder().map_err(refused)?);
    inputs.add(&bytes);
    let stamp = Stamp::new(&path, &inputs);
    if stamp.holds() {
        return Ok(Component { name, path });
    }
    let component = componentize(&bytes).map_err(refused)?;
    if !fs::read(&path).is_ok_and(|present| present == component) {
        // Write to a draft and rename it, so that readers of the path never see a partial component.
        let draft = components.join(format!("{name}.{}.tmp", std::process::id()));
        fs::create_dir_all(components).map_err(failed(components))?;
        fs::write(&draft, &component).map_err(failed(&draft))?;
        fs::rename(&draft, &path).map_err(failed(&path))?;
    }
    stamp.put(&component).map_err(failed(&path))?;
    Ok(Component { name, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_named_after_its_package_or_its_example() {
        let message = |id: &str, kind: &str, name: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{id}","filenames":["/t/{name}.wasm"],
                "target":{{"kind":["{kind}"],"crate_types":["cdylib"],"name":"{name}"}}}}"#
            )
        };
        for (id, kind, name, expected) in [
            ("path+file:///p/carrier-stats#1.0.0", "cdylib", "carrier_stats", "carrier-stats"),
            ("path+file:///p/fixed#carrier-stats@1.1.0", "cdylib", "carrier_stats", "carrier-stats"),
            ("path+file:///p/guests#0.1.0", "example", "loops-forever", "loops-forever"),
        ] {
            let (found, path) = module(message(id, kind, name).as_bytes()).unwrap();
            assert_eq!(found, expected);
            assert_eq!(path, Path::new(&format!("/t/{name}.wasm")));
        }
    }

    #[test]
    fn a_component_is_made_anew_only_of_another_module_or_where_it_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let module = folder.path().join("module.wasm");
        let make = |bytes: &[u8]| {
            fs::write(&module, bytes).unwrap();
            wrap(folder.path(), "stock".to_owned(), &module).unwrap().path
        };
        let empty = b"\0asm\x01\0\0\0";
        let component = make(empty);
        let first = fs::read(&component).unwrap();
        // A valid stamp is trusted: the component is not built again for comparison.
        let mut inputs = Inputs::default();
        inputs.add(encoder().unwrap());
        inputs.add(empty);
        fs::write(&component, "stamped").unwrap();
        Stamp::new(&component, &inputs).put(b"stamped").unwrap();
        make(empty);
        assert_eq!(fs::read(&component).unwrap(), b"stamped");
        fs::write(&component, "changed").unwrap();
        make(empty);
        assert_eq!(fs::read(&component).unwrap(), first);
        let with_a_section = b"\0asm\x01\0\0\0\0\x03\x01nx";
        make(with_a_section);
        assert_ne!(fs::read(&component).unwrap(), first);
    }

    #[test]
    fn other_messages_of_cargo_announce_no_guest() {
        let library = br#"{"reason":"compiler-artifact","package_id":"x#1","filenames":["/t/libserde.rlib"],
            "target":{"kind":["lib"],"crate_types":["lib"],"name":"serde"}}"#;
        let warning = br#"{"reason":"compiler-message","package_id":"x#1","filenames":["/t/x.wasm"],
            "target":{"kind":["cdylib"],"crate_types":["cdylib"],"name":"x"}}"#;
        let finished = br#"{"reason":"build-finished","success":true}"#;
        for line in [&library[..], warning, finished, b"", b"warning"] {
            assert_eq!(module(line), None);
        }
    }
}
