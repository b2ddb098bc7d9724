//! Wakes the scan when something moves in the plugins directory.
//!
//! It says only that something moved: what, the scan finds out. Systems lose such events, so the caller scans
//! from time to time all the same. The thread behind it is the notification library's.

use std::path::{Path, PathBuf};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode,
    event::{AccessKind, AccessMode},
};

/// Watches one directory while it lives.
pub struct Watcher {
    inner: RecommendedWatcher,
    path: PathBuf,
}

impl Watcher {
    /// Calls `wake` after each change in the directory at `path`. `wake` must return at once.
    ///
    /// # Errors
    /// The system offers no notifications, or the directory is not there; the caller can still poll.
    pub fn new(path: &Path, wake: impl Fn() + Send + 'static) -> Result<Self, notify::Error> {
        let inner = notify::recommended_watcher(move |event: Result<Event, notify::Error>| {
            if event.map_or(true, |event| is_change(event.kind)) {
                wake();
            }
        })?;
        let mut watcher = Self { inner, path: path.to_owned() };
        watcher.renew()?;
        Ok(watcher)
    }

    /// Watches anew, after the directory was gone and is back.
    ///
    /// # Errors
    /// As [`Watcher::new`].
    pub fn renew(&mut self) -> Result<(), notify::Error> {
        use notify::Watcher as _;
        // There may be nothing left to give up.
        let _ = self.inner.unwatch(&self.path);
        self.inner.watch(&self.path, RecursiveMode::NonRecursive)
    }
}

/// Reading is no change; the scan itself reads.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}
