//! Tools that npm and pip install into a separate folder, once, and completely or not at all.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use super::{Program, ScriptError, file_error, write};

/// A set of packages that is installed together.
pub struct Tools<'t> {
    /// Name of the folder.
    pub name: &'t str,
    /// Files that define the packages, with names and contents. The folder is current if it contains the same
    /// files.
    pub pins: &'t [(&'t str, &'t str)],
    /// The program that installs them.
    pub program: Program,
    /// The arguments of the program, which runs in the folder.
    pub arguments: &'t [&'t str],
    /// A description with the size, printed with the command.
    pub what: &'t str,
}

impl Tools<'_> {
    /// The folder in `tools`, with everything installed.
    pub fn folder(&self, tools: &Path) -> Result<PathBuf, ScriptError> {
        let folder = tools.join(self.name);
        if self.is_current(&folder) {
            return Ok(folder);
        }
        // Install into a draft and rename it, so that an interrupted installation is never used.
        let draft = tools.join(format!("{}.{}.partial", self.name, process::id()));
        fs::create_dir_all(&draft).map_err(file_error(&draft))?;
        let installed = self.install(&draft).and_then(|()| self.put(&draft, &folder));
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(file_error(&draft))?;
        }
        installed.map(|()| folder)
    }

    fn is_current(&self, folder: &Path) -> bool {
        self.pins
            .iter()
            .all(|(name, content)| fs::read(folder.join(name)).is_ok_and(|found| found == content.as_bytes()))
    }

    fn install(&self, folder: &Path) -> Result<(), ScriptError> {
        for (name, content) in self.pins {
            write(&folder.join(name), content)?;
        }
        let mut command = self.program.command();
        command.args(self.arguments).current_dir(folder);
        announce_and_run(self.program, &mut command, folder, self.what)
    }

    /// Moves the draft to its final path, unless another process was faster.
    fn put(&self, draft: &Path, folder: &Path) -> Result<(), ScriptError> {
        if !self.is_current(folder) && folder.exists() {
            fs::remove_dir_all(folder).map_err(file_error(folder))?;
        }
        match fs::rename(draft, folder) {
            Err(_) if self.is_current(folder) => Ok(()),
            other => other.map_err(file_error(folder)),
        }
    }
}

/// Prints on stderr what will be installed, and installs it.
pub fn announce_and_run(
    program: Program,
    command: &mut Command,
    folder: &Path,
    what: &str,
) -> Result<(), ScriptError> {
    let line = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    eprintln!("installing {what}: `{line}` in {}", folder.display());
    // The installer's output goes to stderr, because stdout is for this program's data.
    let stdout = std::io::stderr();
    let status = command.stdout(stdout).status().map_err(|error| program.missing(error))?;
    if status.success() { Ok(()) } else { Err(ScriptError::Install { command: line }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    const fn tools<'t>(name: &'t str, arguments: &'t [&'t str]) -> Tools<'t> {
        let program = Program { name: "sh", language: Language::JavaScript, needs: "a shell" };
        Tools { name, pins: &[("pins", "1")], program, arguments, what: "a test" }
    }

    #[test]
    fn tools_are_installed_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let good = tools("good", &["-c", "echo again >> runs"]);
        for _ in 0..2 {
            let installed = good.folder(folder.path()).unwrap();
            assert_eq!(fs::read_to_string(installed.join("runs")).unwrap(), "again\n");
        }
        fs::write(folder.path().join("good/pins"), "an older version").unwrap();
        fs::write(folder.path().join("good/left over"), "").unwrap();
        let renewed = good.folder(folder.path()).unwrap();
        assert!(!renewed.join("left over").exists(), "another version is installed anew");
    }

    #[test]
    fn a_failed_installation_leaves_nothing_and_names_its_command() {
        let folder = tempfile::tempdir().unwrap();
        let bad = tools("bad", &["-c", "exit 1"]);
        let error = bad.folder(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c exit 1` failed; its messages are above");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
