//! Files that were being loaded when the process ended: counted by digest, and after two ends not tried any
//! more.
//!
//! The loader marks a file before anything of it runs in this process, and clears the mark afterwards. A mark
//! is a file in `loading/` of the data directory, named by digest; its length in bytes is the number of loads
//! that began and did not come to an end. So a process that ends needs to do nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use camshaft_host::{Refusal, RefusalCode};

/// So many ends of the process keep a file from being loaded.
const ENDS: u64 = 2;

/// The folder of marks.
pub(super) struct Quarantine {
    folder: PathBuf,
    state: Mutex<State>,
    /// A suspect is loaded alone: only then is an end of the process its own.
    loading: RwLock<()>,
}

#[derive(Default)]
struct State {
    /// How often the process ended while a file was loaded.
    ends: BTreeMap<String, u64>,
    /// How many loads of a file are under way.
    begun: BTreeMap<String, u64>,
    /// Whether the process is about to end in order.
    is_closed: bool,
}

/// One load of a file. Its mark is cleared when it is dropped.
pub(super) struct Watched<'q> {
    quarantine: &'q Quarantine,
    digest: String,
    is_suspect: bool,
    is_new: bool,
    turn: RefCell<Option<Turn<'q>>>,
}

/// Held while something of a file runs in this process.
enum Turn<'q> {
    Beside(#[expect(dead_code, reason = "held, not read")] RwLockReadGuard<'q, ()>),
    Alone(#[expect(dead_code, reason = "held, not read")] RwLockWriteGuard<'q, ()>),
}

impl Quarantine {
    /// Reads what processes before this one left in `folder`, which is made if it is missing.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut state = State::default();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (digest, ends) = (entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len());
            if ends > 0 {
                tracing::warn!(digest, ends, "the process ended while it loaded this file");
                state.ends.insert(digest, ends);
            }
        }
        Ok(Self { folder, state: Mutex::new(state), loading: RwLock::default() })
    }

    /// Allows a load of the file with this digest. `is_new` says that no version of it was ever activated;
    /// then its mark outlasts a crash of the machine, too.
    ///
    /// # Errors
    /// It is quarantined.
    pub(super) fn admit(&self, digest: &str, file: &Path, is_new: bool) -> Result<Watched<'_>, Refusal> {
        let ends = self.state().ends.get(digest).copied().unwrap_or_default();
        if ends >= ENDS {
            return Err(refusal(file, ends));
        }
        let (digest, turn) = (digest.to_owned(), RefCell::default());
        Ok(Watched { quarantine: self, digest, is_suspect: ends > 0, is_new, turn })
    }

    /// Lets a file be loaded again.
    pub(super) fn lift(&self, digest: &str) -> io::Result<()> {
        self.state().ends.remove(digest);
        match fs::remove_file(self.mark(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes all marks back: an end of the process is in order from now on.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        for digest in std::mem::take(&mut state.begun).into_keys() {
            self.take_back(&digest, state.ends.get(&digest).copied().unwrap_or_default());
        }
    }

    fn begin(&self, digest: &str, is_durable: bool) {
        let mut state = self.state();
        if state.is_closed {
            return;
        }
        *state.begun.entry(digest.to_owned()).or_default() += 1;
        let marked = OpenOptions::new().create(true).append(true).open(self.mark(digest));
        let marked = marked.and_then(|mut mark| {
            mark.write_all(b"\n")?;
            if is_durable {
                mark.sync_all()?;
                File::open(&self.folder)?.sync_all()?;
            }
            Ok(())
        });
        if let Err(error) = marked {
            // It is loaded all the same: only an end of the process would not be counted.
            tracing::warn!(%error, digest, "could not mark the load of a plugin");
        }
    }

    /// The process has outlived the load.
    fn end(&self, digest: &str) {
        let mut state = self.state();
        if state.is_closed {
            return;
        }
        if let Some(begun) = state.begun.get_mut(digest).filter(|begun| **begun > 1) {
            *begun -= 1;
            return;
        }
        state.begun.remove(digest);
        state.ends.remove(digest);
        self.take_back(digest, 0);
    }

    /// Leaves `ends` in the mark.
    fn take_back(&self, digest: &str, ends: u64) {
        let mark = self.mark(digest);
        let cleared = match ends {
            0 => fs::remove_file(&mark),
            ends => OpenOptions::new().write(true).open(&mark).and_then(|mark| mark.set_len(ends)),
        };
        if let Err(error) = cleared {
            tracing::warn!(%error, digest, "could not clear the mark of a plugin's load");
        }
    }

    fn mark(&self, digest: &str) -> PathBuf {
        self.folder.join(digest)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched<'_> {
    /// Marks the file: from now on something of it runs in this process.
    pub(super) fn begin(&self) {
        let mut turn = self.turn.borrow_mut();
        if turn.is_some() {
            return;
        }
        let loading = &self.quarantine.loading;
        *turn = Some(match self.is_suspect {
            true => Turn::Alone(loading.write().unwrap_or_else(PoisonError::into_inner)),
            false => Turn::Beside(loading.read().unwrap_or_else(PoisonError::into_inner)),
        });
        self.quarantine.begin(&self.digest, self.is_new || self.is_suspect);
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if self.turn.get_mut().is_some() {
            self.quarantine.end(&self.digest);
        }
    }
}

fn refusal(file: &Path, ends: u64) -> Refusal {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    Refusal::new(
        RefusalCode::PluginQuarantined,
        format!("the runtime ended {ends} times while it loaded \"{}\": it is quarantined", file.display()),
        format!("Replace the file, or run `camshaft plugins retry {stem}` to load it once more."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "plugins/bomb.wasm";

    fn open(folder: &Path) -> Quarantine {
        Quarantine::open(folder.to_owned()).unwrap()
    }

    /// Begins a load, and ends as a process does that is killed: nothing is cleared.
    fn end_while_loading(folder: &Path, digest: &str) {
        let quarantine = open(folder);
        let watched = quarantine.admit(digest, Path::new(FILE), true).unwrap();
        watched.begin();
        std::mem::forget(watched);
    }

    fn is_refused(quarantine: &Quarantine, digest: &str) -> bool {
        quarantine.admit(digest, Path::new(FILE), true).is_err()
    }

    #[test]
    fn two_ends_while_a_file_is_loaded_quarantine_it_until_it_is_retried() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        end_while_loading(folder, "bomb");
        assert!(!is_refused(&open(folder), "bomb"), "one end may have another cause");
        end_while_loading(folder, "bomb");
        let quarantine = open(folder);
        let refusal = quarantine.admit("bomb", Path::new(FILE), true).err().unwrap();
        assert_eq!(refusal.code, RefusalCode::PluginQuarantined);
        assert_eq!(
            refusal.message,
            "the runtime ended 2 times while it loaded \"plugins/bomb.wasm\": it is quarantined"
        );
        assert!(refusal.hint.contains("camshaft plugins retry bomb"), "{}", refusal.hint);
        assert!(!is_refused(&quarantine, "other"), "other content is another file");
        quarantine.lift("bomb").unwrap();
        assert!(!is_refused(&quarantine, "bomb"));
        assert!(!is_refused(&open(folder), "bomb"), "and it is so after a restart");
    }

    #[test]
    fn a_load_that_comes_to_its_end_clears_what_was_counted() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        end_while_loading(folder, "slow");
        let quarantine = open(folder);
        quarantine.admit("slow", Path::new(FILE), false).unwrap().begin();
        end_while_loading(folder, "slow");
        assert!(!is_refused(&open(folder), "slow"));
        // Of two loads of one file, the first that ends leaves the mark.
        let quarantine = open(&folder.join("two"));
        let (one, two) = (
            quarantine.admit("a", Path::new(FILE), false).unwrap(),
            quarantine.admit("a", Path::new(FILE), false).unwrap(),
        );
        one.begin();
        two.begin();
        drop(one);
        std::mem::forget(two);
        assert!(is_refused(&open(&folder.join("two")), "a"), "both began, and one never ended");
    }

    #[test]
    fn a_load_that_never_ran_here_is_not_marked() {
        let folder = tempfile::tempdir().unwrap();
        let quarantine = open(folder.path());
        std::mem::forget(quarantine.admit("compiled elsewhere", Path::new(FILE), true).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_end_in_order_counts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        end_while_loading(folder, "slow");
        for _ in 0..3 {
            let quarantine = open(folder);
            let watched = quarantine.admit("slow", Path::new(FILE), true).unwrap();
            watched.begin();
            quarantine.close();
            std::mem::forget(watched);
        }
        assert!(!is_refused(&open(folder), "slow"), "only the one end counts");
        end_while_loading(folder, "slow");
        assert!(is_refused(&open(folder), "slow"), "and that is not forgotten");
    }

    #[test]
    fn a_suspect_is_loaded_alone() {
        let folder = tempfile::tempdir().unwrap();
        end_while_loading(folder.path(), "suspect");
        let quarantine = open(folder.path());
        let innocent = quarantine.admit("innocent", Path::new(FILE), false).unwrap();
        innocent.begin();
        std::thread::scope(|scope| {
            let suspect = scope.spawn(|| {
                quarantine.admit("suspect", Path::new(FILE), false).unwrap().begin();
            });
            // It waits, so its mark is as the end before left it.
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert!(!suspect.is_finished());
            assert_eq!(fs::metadata(folder.path().join("suspect")).unwrap().len(), 1);
            drop(innocent);
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "both came to their ends");
    }
}
