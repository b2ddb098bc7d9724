//! Builds plugins in languages that include their interpreter: JavaScript and Python.
//!
//! `camshaft build` and tests use it. npm and pip install the tools into the target folder, once, at the
//! versions in `tools/`; each installing command is printed first. The component contains the author's
//! `plugin.toml` as its manifest; the host validates it.

mod imports;
mod javascript;
mod manifest;
mod python;
mod resident;
mod source_map;
mod tools;

use std::{
    env,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::{self, Command, Output},
};

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::{
    Component, Language,
    contract::CONTRACT,
    stamp::{Inputs, Stamp},
};
use manifest::AuthorsManifest;
use resident::Resident;

/// A plugin written in JavaScript or Python. Keep this value for repeated builds: a tool may stay running for
/// the next build.
#[derive(Debug)]
pub struct Script {
    folder: PathBuf,
    target_folder: Option<PathBuf>,
    resident: Resident,
}

/// Why the build of a script failed.
#[derive(Debug, Error)]
pub enum ScriptError {
    /// A required program is not installed.
    #[error("`{program}` cannot be run. {language} plugins need {needs}")]
    ProgramMissing {
        /// The program.
        program: &'static str,
        /// The language of the plugin.
        language: Language,
        /// What has to be installed.
        needs: &'static str,
        /// Why it cannot be run.
        #[source]
        error: io::Error,
    },
    /// npm or pip failed and printed the reason on stderr.
    #[error("`{command}` failed; its messages are above")]
    Install {
        /// The command.
        command: String,
    },
    /// A file of the project is missing.
    #[error("there is no {file} in {folder}: {purpose}")]
    FileMissing {
        /// The file.
        file: String,
        /// The folder that was searched.
        folder: PathBuf,
        /// The purpose of the file.
        purpose: &'static str,
    },
    /// A file of the project is invalid.
    #[error("{path} is invalid: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The mistake, with its position.
        reason: String,
    },
    /// A tool rejected the plugin's code.
    #[error("the plugin in {folder} cannot be built into a component:\n{reason}")]
    Refused {
        /// The plugin's folder.
        folder: PathBuf,
        /// The message of the tool.
        reason: String,
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

impl Script {
    /// The plugin in `folder`.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), target_folder: None, resident: Resident::default() }
    }

    /// Sets the target folder, which also contains the tools. The default is `guests` in `CARGO_TARGET_DIR`,
    /// or else in `target` of the plugin's folder.
    #[must_use]
    pub fn target_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.target_folder = Some(folder.into());
        self
    }

    /// Builds the component, by name, in `components` of the target folder. A component whose source did not
    /// change is not rebuilt.
    ///
    /// # Errors
    /// See [`ScriptError`].
    ///
    /// # Panics
    /// If `language` is Rust, which is compiled by [`crate::Toolchain`].
    pub fn build(&self, language: Language) -> Result<Component, ScriptError> {
        let manifest = AuthorsManifest::read(&self.folder)?;
        let folder = absolute(&self.folder)?;
        let target_folder = match &self.target_folder {
            Some(folder) => absolute(folder)?,
            None => default_target_folder(&folder),
        };
        let components = target_folder.join("components");
        let path = components.join(format!("{}.wasm", manifest.name));
        fs::create_dir_all(&components).map_err(file_error(&components))?;
        // Private to this process: another process may build the same plugin at the same time.
        let scratch = target_folder.join("scripts").join(format!("{}.{}", manifest.name, process::id()));
        let work = Work { folder, tools: target_folder.join("tools"), scratch, resident: &self.resident };
        let made = work.prepare().and_then(|()| work.make(language, &manifest, &path));
        // Leftovers of a failed build are useless; the next build creates the folder again.
        let _: io::Result<()> = fs::remove_dir_all(&work.scratch);
        made.map(|()| Component { name: manifest.name, path })
    }
}

/// The folders of one build.
struct Work<'w> {
    /// The plugin's folder, absolute.
    folder: PathBuf,
    /// The folder of the tools.
    tools: PathBuf,
    /// A folder for this plugin's intermediate files.
    scratch: PathBuf,
    /// The tool that stays running.
    resident: &'w Resident,
}

impl Work<'_> {
    /// Writes the contract where the tools find it.
    fn prepare(&self) -> Result<(), ScriptError> {
        let wit = self.wit();
        fs::create_dir_all(&wit).map_err(file_error(&wit))?;
        for (name, content) in CONTRACT {
            write(&wit.join(name), content)?;
        }
        Ok(())
    }

    /// Builds the component at `path`, unless it is current.
    fn make(&self, language: Language, manifest: &AuthorsManifest, path: &Path) -> Result<(), ScriptError> {
        let mut inputs = Inputs::default();
        inputs.add(manifest.text());
        CONTRACT.iter().for_each(|(_, content)| inputs.add(content));
        match language {
            Language::JavaScript => {
                let plugin = javascript::plugin(self, manifest, &mut inputs)?;
                self.renew(path, &inputs, manifest, plugin)
            }
            Language::Python => {
                let plugin = python::plugin(self, manifest, &mut inputs)?;
                self.renew(path, &inputs, manifest, plugin)
            }
            Language::Rust => panic!("Rust is compiled by a toolchain, not by `Script`"),
        }
    }

    /// Calls `componentize` to write the component, unless the one at `path` has the same inputs.
    fn renew(
        &self,
        path: &Path,
        inputs: &Inputs,
        manifest: &AuthorsManifest,
        componentize: impl FnOnce(&Path) -> Result<(), ScriptError>,
    ) -> Result<(), ScriptError> {
        let stamp = Stamp::new(path, inputs);
        if stamp.holds() {
            return Ok(());
        }
        let draft = self.scratch.join("component.wasm");
        componentize(&draft)?;
        let mut component = fs::read(&draft).map_err(file_error(&draft))?;
        manifest.embed(&mut component);
        // Write to a draft and rename it, so that readers of the path never see a partial component.
        fs::write(&draft, &component).map_err(file_error(&draft))?;
        fs::rename(&draft, path).map_err(file_error(path))?;
        stamp.put(&component).map_err(file_error(path))
    }

    fn wit(&self) -> PathBuf {
        self.scratch.join("wit")
    }

    /// A required file of the plugin.
    fn source(&self, file: &str, purpose: &'static str) -> Result<PathBuf, ScriptError> {
        let path = self.folder.join(file);
        if path.is_file() {
            return Ok(path);
        }
        Err(ScriptError::FileMissing { file: file.to_owned(), folder: self.folder.clone(), purpose })
    }

    /// Runs a tool on the plugin's code. `essence` extracts the part of its output that is meant for the
    /// author.
    fn run(
        &self,
        command: &mut Command,
        program: Program,
        essence: impl FnOnce(&str) -> String,
    ) -> Result<(), ScriptError> {
        let Output { status, stdout, stderr } =
            command.current_dir(&self.folder).output().map_err(|error| program.missing(error))?;
        if status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&stderr).into_owned() + &String::from_utf8_lossy(&stdout);
        Err(self.refused(essence(&said)))
    }

    fn refused(&self, reason: String) -> ScriptError {
        ScriptError::Refused { folder: self.folder.clone(), reason }
    }
}

/// A program that must be installed.
#[derive(Clone, Copy)]
struct Program {
    name: &'static str,
    language: Language,
    needs: &'static str,
}

impl Program {
    /// A command for the program, without Node or Python settings from the environment.
    fn command(self) -> Command {
        let mut command = Command::new(self.name);
        for foreign in ["NODE_OPTIONS", "NODE_PATH", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"] {
            command.env_remove(foreign);
        }
        // A tool's own backtrace does not help the plugin's author.
        command.env("RUST_BACKTRACE", "0").stdin(process::Stdio::null());
        command
    }

    const fn missing(self, error: io::Error) -> ScriptError {
        ScriptError::ProgramMissing { program: self.name, language: self.language, needs: self.needs, error }
    }
}

fn default_target_folder(folder: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").filter(|set| set.as_os_str() != OsStr::new(""));
    let target = target.map_or_else(|| folder.join("target"), PathBuf::from);
    // A relative path is relative to the working directory of the command.
    std::path::absolute(&target).unwrap_or(target).join("guests")
}

fn absolute(path: &Path) -> Result<PathBuf, ScriptError> {
    std::path::absolute(path).map_err(file_error(path))
}

fn read(path: &Path) -> Result<String, ScriptError> {
    fs::read_to_string(path).map_err(file_error(path))
}

/// Parses a JSON file.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ScriptError> {
    serde_json::from_str(&read(path)?)
        .map_err(|error| ScriptError::Invalid { path: path.to_path_buf(), reason: error.to_string() })
}

fn write(path: &Path, content: &str) -> Result<(), ScriptError> {
    fs::write(path, content).map_err(file_error(path))
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> ScriptError {
    let path = path.to_path_buf();
    move |error| ScriptError::File { path, error }
}
