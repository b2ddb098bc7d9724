//! Records which folder each result of a local package in a target folder was compiled from.
//!
//! Cargo does not distinguish two packages with the same name, version and path in their workspace. If
//! several plugins share a target folder, cargo returns the code of the other folder if that is newer. So the
//! folder of each result is recorded here, and a result that cargo did not rebuild must come from the folder
//! that is being built.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::compile::{BuildError, package_name};

/// The records of one target folder. While this value lives, no other build can use the folder: a result must
/// not change before it is read.
pub struct Origins {
    folder: PathBuf,
    _lock: File,
}

/// A package whose result was compiled from another folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistaken {
    /// Its name.
    pub name: String,
    /// The folder that it was compiled from.
    pub other: String,
}

/// A line of cargo's messages about a compiled artifact.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    package_id: String,
    manifest_path: PathBuf,
    fresh: bool,
    filenames: Vec<PathBuf>,
}

impl Origins {
    /// Opens the records of `target_folder`, after other builds there have finished.
    ///
    /// # Errors
    /// The folder cannot be created or locked.
    pub fn of(target_folder: &Path) -> Result<Self, BuildError> {
        let folder = target_folder.join("origins");
        let lock = fs::create_dir_all(&folder).and_then(|()| File::create(folder.join("lock")));
        match lock.and_then(|lock| lock.lock().map(|()| lock)) {
            Ok(lock) => Ok(Self { folder, _lock: lock }),
            Err(error) => Err(BuildError::File { path: folder, error }),
        }
    }

    /// Returns the local packages for which, by cargo's messages, a result from another folder was reused;
    /// none if there are none. Records the folders of new results.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn mistaken(&self, messages: &[u8]) -> Result<Option<Vec<Mistaken>>, BuildError> {
        let lines = messages.split(|byte| *byte == b'\n');
        let artifacts = lines.filter_map(|line| serde_json::from_slice::<Artifact>(line).ok());
        let is_local = |artifact: &Artifact| {
            artifact.reason == "compiler-artifact" && artifact.package_id.starts_with("path+")
        };
        let mut mistaken = Vec::new();
        for artifact in artifacts.filter(is_local) {
            let Some(name) = artifact.filenames.first().and_then(|file| file.file_name()) else { continue };
            let path = self.folder.join(name);
            let folder = artifact.manifest_path.to_string_lossy();
            let written = fs::read_to_string(&path).unwrap_or_default();
            if written == folder {
                continue;
            }
            if artifact.fresh {
                let name = package_name(&artifact.package_id).to_owned();
                mistaken.push(Mistaken { name, other: written });
            } else {
                fs::write(&path, &*folder).map_err(|error| BuildError::File { path, error })?;
            }
        }
        Ok(Some(mistaken).filter(|mistaken| !mistaken.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{RecvTimeoutError, channel},
        thread,
        time::Duration,
    };

    use super::*;

    fn message(folder: &str, fresh: bool) -> Vec<u8> {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"path+file://{folder}#twin@0.1.0",
            "manifest_path":"{folder}/Cargo.toml","fresh":{fresh},"filenames":["/t/release/twin.wasm"]}}"#
        )
        .replace('\n', "")
        .into_bytes()
    }

    #[test]
    fn a_result_that_was_not_made_anew_has_to_be_of_the_same_folder() {
        let target = tempfile::tempdir().unwrap();
        let origins = Origins::of(target.path()).unwrap();
        assert_eq!(origins.mistaken(&message("/a/twin", false)).unwrap(), None);
        assert_eq!(origins.mistaken(&message("/a/twin", true)).unwrap(), None);
        let other = "/a/twin/Cargo.toml".to_owned();
        let mistaken = Mistaken { name: "twin".to_owned(), other };
        assert_eq!(origins.mistaken(&message("/b/twin", true)).unwrap(), Some(vec![mistaken]));
        assert_eq!(origins.mistaken(&message("/b/twin", false)).unwrap(), None);
        assert!(origins.mistaken(&message("/a/twin", true)).unwrap().is_some());
    }

    #[test]
    fn a_second_build_in_a_target_folder_waits_until_the_first_one_has_finished() {
        let target = tempfile::tempdir().unwrap();
        let first = Origins::of(target.path()).unwrap();
        let (send, second) = channel();
        thread::scope(|scope| {
            scope.spawn(|| send.send(Origins::of(target.path()).is_ok()).unwrap());
            // While the first build has the folder, the second one neither gets it nor fails.
            let early = second.recv_timeout(Duration::from_millis(200));
            assert_eq!(early, Err(RecvTimeoutError::Timeout));
            drop(first);
            assert_eq!(second.recv(), Ok(true));
        });
    }

    #[test]
    fn packages_of_a_registry_are_the_same_wherever_they_are_used() {
        let target = tempfile::tempdir().unwrap();
        let origins = Origins::of(target.path()).unwrap();
        let text = String::from_utf8(message("/r", true)).unwrap().replace("path+file", "registry+https");
        assert_eq!(origins.mistaken(text.as_bytes()).unwrap(), None);
    }
}
