//! Two threads that read, compile and try out plugin files beside whatever runs, however long that takes.
//!
//! The thread that watches the directory asks and takes the answers; nothing here decides what is run. A file
//! whose compiler takes long gives way to others (`queue`), and one that ended the process is not tried again
//! (`quarantine`).

mod queue;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camshaft_host::directory::{Load, Ticket};
use camshaft_host::{Content, Halt, Haste, Host, Loading, Refusal, RefusalCode, Source};

use super::quarantine::Quarantine;
use super::shelf::Shelf;
use super::version::Version;
use super::versions::Versions;
use crate::compose::{Bell, Core, Thread, priority};
use queue::{Queue, Task};

/// One may load something slow; the other goes on with the rest.
const THREADS: usize = 2;

/// How often a thread without work looks whether the runtime drains.
const LOOK: Duration = Duration::from_secs(2);

/// What came of a load.
pub(super) type Loaded = (Ticket, Result<Version, Refusal>);

/// What is to be loaded, and what was.
pub(in crate::bus) struct Loader {
    core: Arc<Core>,
    host: Host,
    hook: LoadHook,
    versions: Arc<Versions>,
    quarantine: Quarantine,
    asked: Queue,
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

impl Loader {
    pub(super) fn new(
        core: Arc<Core>,
        host: Host,
        hook: LoadHook,
        versions: Arc<Versions>,
        quarantine: Quarantine,
    ) -> Self {
        Self {
            core,
            host,
            hook,
            versions,
            quarantine,
            asked: Queue::new(THREADS),
            answered: Mutex::default(),
            work: Bell::default(),
        }
    }

    /// Starts the threads. They end when the runtime drains.
    pub(super) fn start(self: &Arc<Self>, core: &Arc<Core>, shelf: &Arc<Shelf>) -> io::Result<()> {
        for number in 0..THREADS {
            let (loader, shelf) = (Arc::clone(self), Arc::clone(shelf));
            core.spawn(Thread::Loader(number), move |core| {
                priority::step_back();
                loader.run(core, &shelf);
            })?;
        }
        Ok(())
    }

    /// Asks for `load`, instead of an older one of the same file that nobody has begun with.
    pub(super) fn ask(&self, load: Load) {
        self.asked.add(load);
        self.work.ring();
    }

    /// What was loaded since the last call.
    pub(super) fn answers(&self) -> Vec<Loaded> {
        std::mem::take(&mut *self.answered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes the threads, so that they see that the runtime drains. What they load counts as loaded.
    pub(super) fn close(&self) {
        self.quarantine.close();
        self.work.ring();
    }

    /// Lets a file be loaded that was quarantined, and the version that is pinned instead.
    pub(super) fn lift_quarantine(&self, file: &Path, pinned: Option<&str>) -> Result<(), Refusal> {
        let source = self.host.read(file, None)?;
        let digests = [Some(source.content().digest.as_str()), pinned];
        digests.into_iter().flatten().try_for_each(|digest| self.quarantine.lift(digest)).map_err(|error| {
            let message = format!("the quarantine of \"{}\" cannot be lifted: {error}", file.display());
            Refusal::new(
                RefusalCode::Io,
                message,
                "Check the permissions of the data directory and its disk.",
            )
        })
    }

    /// Loads a file at once, on the caller's thread. What runs already is not compiled again.
    pub(super) fn load(
        &self,
        shelf: &Shelf,
        file: &Path,
        operator: Option<&Path>,
    ) -> Result<Version, Refusal> {
        self.load_as(shelf, file, operator, &Manner::WHOLE).map_err(|halt| halt.into_refusal(file))
    }

    fn load_as(
        &self,
        shelf: &Shelf,
        file: &Path,
        operator: Option<&Path>,
        manner: &Manner<'_>,
    ) -> Result<Version, Halt> {
        let source = self.host.read(file, operator)?;
        if let Some(running) = shelf.version(source.content()) {
            return Ok(running);
        }
        self.hook.before_compile(file);
        self.load_source(&source, manner)
    }

    /// Removes compiled code, but for that of versions with these digests.
    pub(super) fn sweep_code(&self, wanted: &BTreeSet<String>) {
        if let Err(error) = self.host.sweep_code(wanted) {
            tracing::warn!(%error, "could not remove the compiled code of old versions");
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
            let message = format!("the kept copy of version {} cannot be read: {error}", content.digest);
            Refusal::new(RefusalCode::Io, message, "Copy the version into the plugins directory again.")
        })?;
        self.load_source(&source, &Manner::WHOLE).map_err(|halt| halt.into_refusal(file))
    }

    fn load_source(&self, source: &Source, manner: &Manner<'_>) -> Result<Version, Halt> {
        let is_new = !self.versions.knows(source.content());
        let watched = self.quarantine.admit(&source.content().digest, source.file(), is_new)?;
        let Manner { haste, is_abandoned, becomes_slow } = *manner;
        let loading = Loading { haste, before_start: &|| watched.begin(), is_abandoned, becomes_slow };
        // Start code ends at its deadline, also where no handler is called.
        let _deadlines = self.core.count_deadlines();
        let plugin = self.host.load_source(source, &loading)?;
        let prepared = plugin.prepare()?;
        Ok(Version { plugin, prepared, lease: Arc::new(self.versions.keep(source)) })
    }

    fn run(&self, core: &Core, shelf: &Shelf) {
        loop {
            let seen = self.work.count();
            if core.is_draining() {
                return;
            }
            let Some(task) = self.asked.next() else {
                self.work.wait(seen, Some(LOOK));
                continue;
            };
            let outcome = self.do_task(core, shelf, &task);
            let (ticket, file) = (task.load.ticket, task.load.file.clone());
            let gave_way = matches!(outcome, Err(Halt::GaveWay));
            self.asked.end(task, gave_way);
            // What waited for a slow one to end may go on.
            self.work.ring();
            if gave_way {
                tracing::debug!(file = %file.display(), "a slow plugin yielded to others");
                continue;
            }
            let outcome = outcome.map_err(|halt| halt.into_refusal(&file));
            self.answered.lock().unwrap_or_else(PoisonError::into_inner).push((ticket, outcome));
            core.plugins.ring();
        }
    }

    fn do_task(&self, core: &Core, shelf: &Shelf, task: &Task) -> Result<Version, Halt> {
        let Load { ticket, file, operator } = &task.load;
        let is_abandoned = || core.is_draining() || !self.asked.is_newest(file, *ticket);
        let becomes_slow = || self.asked.becomes_slow(task);
        let manner = Manner { haste: task.haste(), is_abandoned: &is_abandoned, becomes_slow: &becomes_slow };
        self.load_as(shelf, file, operator.as_deref(), &manner)
    }
}

/// How a file is loaded.
struct Manner<'m> {
    haste: Haste,
    is_abandoned: &'m dyn Fn() -> bool,
    becomes_slow: &'m dyn Fn() -> bool,
}

impl Manner<'_> {
    /// To the end.
    const WHOLE: Manner<'static> =
        Manner { haste: Haste::Whole, is_abandoned: &|| false, becomes_slow: &|| true };
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
