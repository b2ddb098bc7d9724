//! What lies in the plugins directory at one moment: names, lengths, times, inodes, permissions. No content.
//!
//! Flat: folders, hidden files and what editors and copying tools leave behind are not looked at.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    io,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use camshaft_event::Timestamp;

use super::overlooked::{self, Overlooked};

/// The plugin files of a directory, by stem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Every `.wasm`, with the `.toml` of the same stem.
    pub files: BTreeMap<String, Files>,
    /// What is there and has no effect, though it was probably meant to.
    pub overlooked: Vec<Overlooked>,
}

/// A `.wasm`, and the operator's file beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The `.wasm`.
    pub wasm: Stamp,
    /// The `.toml`, if there is one.
    pub operator: Option<Stamp>,
}

/// By what a change of a file is noticed without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Time of the last change of its content, as far as that says: who copies a file may set it.
    pub modified: SystemTime,
    /// Time of the last change of anything about it, permissions and name included. Nothing but the clock
    /// sets that.
    pub changed: SystemTime,
    /// Length in bytes.
    pub length: u64,
    /// The file's identity, where the system has one.
    pub inode: u64,
}

impl Listing {
    /// Lists the directory at `path`.
    ///
    /// # Errors
    /// It is not there or cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        let (mut stamps, mut folders) = (BTreeMap::new(), Vec::new());
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // A file may be gone again by now, and a link may lead nowhere.
            let Ok(metadata) = fs::metadata(entry.path()) else { continue };
            if name.starts_with(['.', '#', '~']) {
                continue;
            }
            if metadata.is_file() {
                stamps.insert(name, Stamp::of(&metadata));
            } else if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
        let operator = |stem: &str| stamps.get(&format!("{stem}.toml")).cloned();
        let wasm = stamps.iter().filter_map(|(name, stamp)| Some((name.strip_suffix(".wasm")?, stamp)));
        let files = { wasm }
            .map(|(stem, stamp)| (stem.to_owned(), Files { wasm: stamp.clone(), operator: operator(stem) }))
            .collect();
        folders.sort();
        let overlooked = overlooked::of(path, &stamps, &folders);
        Ok(Self { files, overlooked })
    }
}

impl Files {
    /// How long ago the later of the two was changed; 0 if that lies in the future.
    #[must_use]
    pub fn age_ms(&self, now: Timestamp) -> u64 {
        let now = UNIX_EPOCH + Duration::from_millis(now.0);
        let age = |stamp: &Stamp| now.duration_since(stamp.modified.max(stamp.changed)).unwrap_or_default();
        let youngest = self.operator.iter().map(age).chain([age(&self.wasm)]).min().unwrap_or_default();
        u64::try_from(youngest.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().unwrap_or(UNIX_EPOCH),
            changed: changed(metadata),
            length: metadata.len(),
            inode: inode(metadata),
        }
    }
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> SystemTime {
    use std::os::unix::fs::MetadataExt;
    let seconds = Duration::from_secs(u64::try_from(metadata.ctime()).unwrap_or_default());
    UNIX_EPOCH + seconds + Duration::from_nanos(u64::try_from(metadata.ctime_nsec()).unwrap_or_default())
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> SystemTime {
    UNIX_EPOCH
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{File, FileTimes, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_file_with_the_time_and_length_of_another_is_another_and_so_is_one_that_may_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        let at = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let put = |content: &str| {
            // In place, as `cp -p` does it.
            let mut file = File::create(&path).unwrap();
            io::Write::write_all(&mut file, content.as_bytes()).unwrap();
            file.set_times(FileTimes::new().set_modified(at)).unwrap();
        };
        put("one");
        let one = Listing::read(folder.path()).unwrap();
        // Until the file system has another time than that of the first.
        let end = Instant::now() + Duration::from_secs(10);
        let two = loop {
            put("two");
            let listing = Listing::read(folder.path()).unwrap();
            if listing != one || Instant::now() > end {
                break listing;
            }
        };
        assert_ne!(one, two);
        let (one, two) = (&one.files["a"].wasm, &two.files["a"].wasm);
        assert_eq!((one.modified, one.length, one.inode), (two.modified, two.length, two.inode));

        fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
        let closed = Listing::read(folder.path()).unwrap();
        loop {
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            if Listing::read(folder.path()).unwrap() != closed {
                break;
            }
            assert!(Instant::now() < end, "permissions are no change");
        }
    }
}
