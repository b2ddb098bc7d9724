//! What git says about the change under test: its commit, and the files that differ from a base.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// A change and where it stands in history.
#[derive(Debug)]
pub(super) struct Change {
    /// The hash of the head commit, in hexadecimal.
    pub(super) head: String,
    /// Files that differ between the base and the working tree, relative to the root. A renamed file is there
    /// by both names. Files that git does not track count too, unless it ignores them.
    pub(super) files: Vec<PathBuf>,
}

impl Change {
    /// Reads the change of the checkout in `root`: from the revision `since`, or else from the newest commit
    /// that is at least a day older than the head commit, since one change may be many commits. `None` where
    /// there is no such commit: outside git, in a shallow clone, in a young repository.
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
            None => match a_day_before(root) {
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

/// The newest ancestor of the head commit that was committed at least a day before it.
fn a_day_before(root: &Path) -> Option<String> {
    let committed = git(root, &["show", "--no-patch", "--format=%ct", "HEAD"])?;
    let before = committed.trim().parse::<u64>().ok()?.checked_sub(DAY_SECONDS)?;
    let found = git(root, &["rev-list", "--max-count=1", &format!("--before={before}"), "HEAD"])?;
    (!found.trim().is_empty()).then_some(found)
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

    /// Commits all files of the repository in `root`, so many hours after a fixed moment.
    fn commit(root: &Path, hours: u64) {
        let identity =
            ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        git(root, &["add", "--all"]).unwrap();
        let mut commit = Command::new("git");
        commit.args(identity).args(["commit", "--quiet", "--message", "change"]).current_dir(root);
        let at = format!("{} +0000", 1_700_000_000 + hours * 3_600);
        let status = commit.env("GIT_COMMITTER_DATE", &at).env("GIT_AUTHOR_DATE", &at).status().unwrap();
        assert!(status.success());
    }

    fn names(change: &Change) -> Vec<&str> {
        change.files.iter().map(|file| file.to_str().unwrap()).collect()
    }

    #[test]
    fn a_change_is_all_of_the_last_day_with_files_that_are_not_committed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git(root, &["init", "--quiet"]).unwrap();
        for name in ["kept", "old", "edited"] {
            fs::write(root.join(name), name).unwrap();
        }
        commit(root, 0);
        fs::rename(root.join("old"), root.join("new")).unwrap();
        commit(root, 30);
        fs::write(root.join("later"), "").unwrap();
        commit(root, 40);
        fs::write(root.join("edited"), "differs").unwrap();
        fs::write(root.join("untracked"), "").unwrap();
        let change = Change::read(root, None).unwrap().unwrap();
        assert_eq!(names(&change), ["edited", "later", "new", "old", "untracked"]);
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
        commit(root, 0);
        fs::write(root.join("second"), "").unwrap();
        commit(root, 23);
        assert!(Change::read(root, None).unwrap().is_none(), "nothing is a day old");
        let error = Change::read(root, Some("v9")).unwrap_err().to_string();
        assert!(error.contains("'v9'"), "{error}");
    }
}
