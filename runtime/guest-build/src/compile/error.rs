//! Why a build of guests failed.

use std::{io, path::PathBuf, process::ExitStatus};

use thiserror::Error;

use crate::componentize::ComponentizeError;

/// Why a build of guests failed.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Cargo cannot be started.
    #[error("cargo cannot be run")]
    CargoMissing(#[source] io::Error),
    /// The folder is not a Cargo package.
    #[error("there is no Cargo.toml in {folder}. Name the folder of a plugin's package.")]
    NoPackage {
        /// The folder.
        folder: PathBuf,
    },
    /// Compilation failed; cargo printed the reason on stderr.
    #[error("the guests in {folder} do not compile; cargo's messages are above")]
    Compile {
        /// Where cargo ran.
        folder: PathBuf,
    },
    /// A signal ended cargo or a compiler before it was done.
    #[error("cargo was ended by {signal} in {folder}")]
    Ended {
        /// Where cargo ran.
        folder: PathBuf,
        /// The signal, such as `signal: 9 (SIGKILL)`.
        signal: ExitStatus,
    },
    /// None of the requested packages is a plugin. Nothing was compiled.
    #[error("{folder} contains no plugin. Add `[lib] crate-type = [\"cdylib\"]` to its Cargo.toml.")]
    NoGuest {
        /// The folder that was searched.
        folder: PathBuf,
        /// The folders of plugins in the same workspace.
        others: Vec<PathBuf>,
    },
    /// A compiled module is not a plugin.
    #[error("{name} compiles but is not a plugin. Check that it uses camshaft-sdk.")]
    Componentize {
        /// The guest.
        name: String,
        /// Why it is not a plugin.
        #[source]
        error: ComponentizeError,
    },
    /// Cargo keeps using code of another folder for the plugin.
    #[error(
        "cargo uses the build of \"{package}\" from {other} for {folder}, even after its results were removed"
    )]
    Mistaken {
        /// The package.
        package: String,
        /// Where cargo ran.
        folder: PathBuf,
        /// The folder whose code cargo used.
        other: String,
    },
    /// A file of the build cannot be read or written.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}
