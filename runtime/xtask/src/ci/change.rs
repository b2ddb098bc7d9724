//! What git says about the change under test: its commit, and the files that differ from a base.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A change and where it stands in history.
#[derive(Debug)]
pub(super) struct Change {
    /// The hash of the head commit, in hexadecimal.
    pub(super) head: String,
    /// Files that differ between the base and the working tree, relative to the root. A renamed file is there by
    /// both names. Files that git does not track count too, unless it ignores them.
    pub(super) files: Vec<PathBuf>,
}

impl Change {
    /// Reads the change of the checkout in `root`: from the revision `since`, or else from the first parent of the head
    /// commit. `None` where that parent is missing: outside git, in a shallow clone, at the first commit.
    ///
    /// # Errors
    /// If `since` names no commit, or git fails halfway.
    pub(super) fn read(root: &Path, since: Option<&str>) -> Result<Option<Self>> {
        let commit = |revision: &str| {
            git(root, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
        };
        let base = match since {
            Some(revision) => match commit(revision) {
                Some(base) => base,
                None => bail!("git finds no commit '{revision}'. Name one with `--since`, or use `--all`."),
            },
            None => match commit("HEAD^") {
                Some(base) => base,
                None => return Ok(None),
            },
        };
        let Some(head) = commit("HEAD") else { return Ok(None) };
        let tracked = ["diff", "--name-only", "--no-renames", "-z", base.trim()];
        let untracked = ["ls-files", "--others", "--exclude-standard", "-z"];
        let mut files = Vec::new();
        for arguments in [&tracked[..], &untracked[..]] {
            let names =
                git(root, arguments).with_context(|| format!("`git {}` failed", arguments.join(" ")))?;
            files.extend(names.split_terminator('\0').map(PathBuf::from));
        }
        Ok(Some(Self { head: head.trim().to_owned(), files }))
    }
}

/// What git prints; `None` if it cannot be run or fails.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(root).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Commits all files of the repository in `root`.
    fn commit(root: &Path) {
        let identity =
            ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        git(root, &["add", "--all"]).unwrap();
        git(root, &[&identity[..], &["commit", "--quiet", "--message", "change"]].concat()).unwrap();
    }

    fn names(change: &Change) -> Vec<&str> {
        change.files.iter().map(|file| file.to_str().unwrap()).collect()
    }

    #[test]
    fn a_change_is_what_differs_from_the_parent_with_files_that_are_not_committed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git(root, &["init", "--quiet"]).unwrap();
        for name in ["kept", "old", "edited"] {
            fs::write(root.join(name), name).unwrap();
        }
        commit(root);
        fs::rename(root.join("old"), root.join("new")).unwrap();
        commit(root);
        fs::write(root.join("edited"), "differs").unwrap();
        fs::write(root.join("untracked"), "").unwrap();
        let change = Change::read(root, None).unwrap().unwrap();
        assert_eq!(names(&change), ["edited", "new", "old", "untracked"]);
        assert_eq!(change.head.len(), 40);
        let change = Change::read(root, Some("HEAD")).unwrap().unwrap();
        assert_eq!(names(&change), ["edited", "untracked"]);
    }

    #[test]
    fn without_history_there_is_no_change_and_an_unknown_revision_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(Change::read(root, None).unwrap().is_none(), "no repository");
        git(root, &["init", "--quiet"]).unwrap();
        fs::write(root.join("first"), "").unwrap();
        commit(root);
        assert!(Change::read(root, None).unwrap().is_none(), "no parent");
        let error = Change::read(root, Some("v9")).unwrap_err().to_string();
        assert!(error.contains("'v9'"), "{error}");
    }
}
