//! Two threads that read, compile and try out plugin files beside whatever runs, however long that takes.
//!
//! The thread that watches the directory asks and takes the answers; nothing here decides what is run.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camshaft_engine::Attempt;
use camshaft_host::directory::{Load, Ticket};
use camshaft_host::{Content, Host, Plugin, Prepared, Refusal, Source, codes};

use super::shelf::Shelf;
use super::versions::{Lease, Versions};
use crate::compose::{Bell, Core};

/// One may compile something large for a minute; the other goes on with the rest.
const THREADS: usize = 2;

/// How often a thread without work looks whether the runtime drains.
const LOOK: Duration = Duration::from_secs(2);

/// What may be run at once: compiled, tried out, its imports resolved, a copy of it kept.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) plugin: Plugin,
    pub(super) prepared: Prepared<Attempt>,
    lease: Arc<Lease>,
}

/// What came of a load.
pub(super) type Loaded = (Ticket, Result<Version, Refusal>);

/// What is to be loaded, and what was.
pub(in crate::runtime) struct Loader {
    host: Host,
    hook: LoadHook,
    versions: Arc<Versions>,
    asked: Mutex<VecDeque<Load>>,
    answered: Mutex<Vec<Loaded>>,
    /// Rung when something is asked for.
    work: Bell,
}

#[cfg(feature = "test-load-hook")]
type BeforeCompile = Arc<dyn Fn(&Path) + Send + Sync>;

/// What a test does while a file is loaded. In the program it is nothing.
#[derive(Clone, Default)]
pub struct LoadHook {
    /// Called between reading a file and compiling it.
    #[cfg(feature = "test-load-hook")]
    pub before_compile: Option<BeforeCompile>,
}

impl Version {
    pub(super) fn name(&self) -> &str {
        &self.plugin.manifest().name
    }

    pub(super) fn content(&self) -> &Content {
        self.lease.content()
    }
}

impl Loader {
    pub(super) fn new(host: Host, hook: LoadHook, versions: Arc<Versions>) -> Self {
        Self {
            host,
            hook,
            versions,
            asked: Mutex::default(),
            answered: Mutex::default(),
            work: Bell::default(),
        }
    }

    /// Starts the threads. They end when the runtime drains.
    pub(super) fn start(self: &Arc<Self>, core: &Arc<Core>, shelf: &Arc<Shelf>) -> io::Result<()> {
        for number in 0..THREADS {
            let (loader, shelf) = (Arc::clone(self), Arc::clone(shelf));
            core.spawn(&format!("loader-{number}"), move |core| loader.run(core, &shelf))?;
        }
        Ok(())
    }

    /// Asks for `load`, instead of an older one of the same file that nobody has begun with.
    pub(super) fn ask(&self, load: Load) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|older| older.file != load.file);
        asked.push_back(load);
        drop(asked);
        self.work.ring();
    }

    /// What was loaded since the last call.
    pub(super) fn answers(&self) -> Vec<Loaded> {
        std::mem::take(&mut *self.answered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes the threads, so that they see that the runtime drains.
    pub(super) fn wake(&self) {
        self.work.ring();
    }

    /// Loads a file at once, on the caller's thread. What runs already is not compiled again.
    pub(super) fn load(
        &self,
        shelf: &Shelf,
        file: &Path,
        operator: Option<&Path>,
    ) -> Result<Version, Refusal> {
        let source = self.host.read(file, operator)?;
        if let Some(running) = shelf.version(source.content()) {
            return Ok(running);
        }
        self.hook.before_compile(file);
        self.load_source(&source)
    }

    /// Removes compiled code, but for that of versions with these digests.
    pub(super) fn sweep_code(&self, wanted: &BTreeSet<String>) {
        if let Err(error) = self.host.sweep_code(wanted) {
            tracing::warn!(%error, "compiled code of versions that are gone could not be removed");
        }
    }

    /// Loads at once what was kept of some versions, on as many threads as load files. In the order given.
    pub(super) fn load_all_kept(&self, kept: &[(Content, PathBuf)]) -> Vec<Result<Version, Refusal>> {
        std::thread::scope(|scope| {
            let load = |part: &[(Content, PathBuf)]| -> Vec<_> {
                part.iter().map(|(content, file)| self.load_kept(content, file)).collect()
            };
            let parts = kept.chunks(kept.len().div_ceil(THREADS).max(1));
            let threads: Vec<_> = parts.map(|part| scope.spawn(move || load(part))).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<_>>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().flat_map(join).collect()
        })
    }

    /// Loads at once what was kept of a version that was read from `file`.
    pub(super) fn load_kept(&self, content: &Content, file: &Path) -> Result<Version, Refusal> {
        let source = self.versions.read(content, file).map_err(|error| {
            let message =
                format!("the copy that was kept of version {} cannot be read: {error}", content.digest);
            Refusal::new(codes::IO, message, "Drop the version into the plugins directory again.")
        })?;
        self.load_source(&source)
    }

    fn load_source(&self, source: &Source) -> Result<Version, Refusal> {
        let plugin = self.host.load_source(source)?;
        let prepared = plugin.prepare()?;
        Ok(Version { plugin, prepared, lease: Arc::new(self.versions.keep(source)) })
    }

    fn run(&self, core: &Core, shelf: &Shelf) {
        loop {
            let seen = self.work.count();
            if core.is_draining() {
                return;
            }
            let Some(Load { ticket, file, operator }) = self.next() else {
                self.work.wait(seen, Some(LOOK));
                continue;
            };
            let outcome = self.load(shelf, &file, operator.as_deref());
            self.answered.lock().unwrap_or_else(PoisonError::into_inner).push((ticket, outcome));
            core.plugins.ring();
        }
    }

    fn next(&self) -> Option<Load> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl LoadHook {
    #[cfg(feature = "test-load-hook")]
    fn before_compile(&self, file: &Path) {
        if let Some(hook) = &self.before_compile {
            hook(file);
        }
    }

    #[cfg(not(feature = "test-load-hook"))]
    #[expect(clippy::unused_self, reason = "with the test's feature there is something to call")]
    const fn before_compile(&self, _: &Path) {}
}
