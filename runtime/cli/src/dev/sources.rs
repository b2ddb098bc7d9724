//! Detects edits: changes of files in the plugin's folder, except files that tools write there.

use std::{
    fs,
    path::{Component, Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, SystemTime},
};

use camshaft_wire::ErrorCode;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::ModifyKind};

use super::super::failure::Failure;

/// An edit ends when nothing has changed for this long: editors write a file in several steps.
const SETTLED: Duration = Duration::from_millis(50);

/// A modification time older than this is not the time of the edit, for example if an old file was moved
/// there.
const RECENT: Duration = Duration::from_secs(10);

/// Folders that tools write.
const TOOLS: [&str; 6] = ["target", "node_modules", "__pycache__", "venv", "dist", "build"];

/// Extensions of files that tools write beside sources: build results, and the output of `dev` itself if it
/// goes to a file.
const WRITTEN: [&str; 3] = ["wasm", "log", "tmp"];

/// The watched files.
pub struct Sources {
    changes: Receiver<PathBuf>,
    _watcher: RecommendedWatcher,
}

/// One change, or several changes at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Time of the last change.
    pub at: SystemTime,
}

impl Sources {
    /// Watches the plugin in `folder`, and the files `others` in any folder.
    pub fn watch(folder: &Path, others: Vec<PathBuf>) -> Result<Self, Failure> {
        let absolute =
            |path: &Path| fs::canonicalize(path).map_err(|error| Failure::read(path.display(), &error));
        let folder = absolute(folder)?;
        let others: Vec<PathBuf> = others.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?;
        let (sender, changes) = mpsc::channel();
        let (root, wanted) = (folder.clone(), others.clone());
        let told = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if !matches!(
                event.kind,
                EventKind::Create(_)
                    | EventKind::Remove(_)
                    | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Name(_) | ModifyKind::Any)
            ) {
                return;
            }
            let mut paths = event.paths.into_iter();
            if let Some(path) = paths.find(|path| is_source(&root, path) || wanted.contains(path)) {
                // The receiver is dropped only when the process ends.
                let _: Result<(), _> = sender.send(path);
            }
        };
        let failed = |error: notify::Error| {
            Failure::new(
                ErrorCode::InputUnreadable,
                format!("\"{}\" cannot be watched: {error}", folder.display()),
            )
        };
        let mut watcher = notify::recommended_watcher(told).map_err(failed)?;
        watcher.watch(&folder, RecursiveMode::Recursive).map_err(failed)?;
        for parent in others.iter().filter(|path| !path.starts_with(&folder)).filter_map(|path| path.parent())
        {
            watcher.watch(parent, RecursiveMode::NonRecursive).map_err(failed)?;
        }
        Ok(Self { changes, _watcher: watcher })
    }

    /// Waits for the next edit.
    pub fn wait(&self) -> Option<Edit> {
        let mut at = time_of(&self.changes.recv().ok()?);
        loop {
            match self.changes.recv_timeout(SETTLED) {
                Ok(path) => at = at.max(time_of(&path)),
                Err(RecvTimeoutError::Timeout) => return Some(Edit { at }),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

/// The modification time of the file if it is recent, or else the current time.
fn time_of(path: &Path) -> SystemTime {
    let now = SystemTime::now();
    let written = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    written.filter(|written| now.duration_since(*written).is_ok_and(|age| age < RECENT)).unwrap_or(now)
}

fn is_source(root: &Path, path: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(root) else { return false };
    let is_tools = |part: Component<'_>| {
        let name = part.as_os_str().to_string_lossy();
        // Names that start with a dot or end with a tilde are drafts of editors or tools.
        TOOLS.contains(&name.as_ref()) || name.starts_with('.') || name.ends_with('~') || name == "Cargo.lock"
    };
    let is_written =
        inside.extension().is_some_and(|ending| WRITTEN.iter().any(|written| ending == *written));
    !is_written && !inside.components().any(is_tools)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_and_what_tools_write_are_no_sources() {
        let is_source = |path: &str| is_source(Path::new("/p"), Path::new(path));
        for source in ["/p/src/lib.rs", "/p/Cargo.toml", "/p/tests/a.toml", "/p/target.rs"] {
            assert!(is_source(source), "{source}");
        }
        for other in [
            "/p/target/a",
            "/p/.git/index",
            "/p/src/.lib.rs.swp",
            "/p/src/lib.rs~",
            "/p/Cargo.lock",
            "/p/dev.log",
            "/p/stock.wasm",
            "/q/a",
        ] {
            assert!(!is_source(other), "{other}");
        }
    }

    #[test]
    fn writing_a_file_is_an_edit_with_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources::watch(folder.path(), Vec::new()).unwrap();
        let file = folder.path().join("lib.rs");
        fs::write(&file, "one").unwrap();
        let edit = sources.wait().unwrap();
        assert_eq!(edit.at, fs::metadata(&file).unwrap().modified().unwrap());
    }
}
