//! Two threads that read, compile and try out plugin files beside whatever runs, however long that takes.
//!
//! The thread that watches the directory asks and takes the answers; nothing here decides what is run.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camshaft_engine::Attempt;
use camshaft_host::directory::{Load, Ticket};
use camshaft_host::{Content, Host, Plugin, Prepared, Refusal, Source};

use crate::compose::{Bell, Core};

/// One may compile something large for a minute; the other goes on with the rest.
const THREADS: usize = 2;

/// How often a thread without work looks whether the runtime drains.
const LOOK: Duration = Duration::from_secs(2);

/// What may be run at once: compiled, tried out, its imports resolved.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) plugin: Plugin,
    pub(super) prepared: Prepared<Attempt>,
    pub(super) content: Content,
}

/// What came of a load.
pub(super) type Loaded = (Ticket, Result<Version, Refusal>);

/// What is to be loaded, and what was.
pub(in crate::runtime) struct Loader {
    host: Host,
    hook: LoadHook,
    asked: Mutex<VecDeque<Load>>,
    answered: Mutex<Vec<Loaded>>,
    /// Rung when something is asked for.
    work: Bell,
    /// Rung when something is answered.
    moved: Arc<Bell>,
}

/// What a test does while a file is loaded. In the program it is nothing.
#[derive(Clone, Default)]
pub struct LoadHook {
    /// Called between reading a file and compiling it.
    #[cfg(feature = "test-load-hook")]
    pub before_compile: Option<Arc<dyn Fn(&Path) + Send + Sync>>,
}

impl Loader {
    pub(in crate::runtime) fn new(host: Host, hook: LoadHook, moved: Arc<Bell>) -> Self {
        Self { host, hook, asked: Mutex::default(), answered: Mutex::default(), work: Bell::default(), moved }
    }

    /// Starts the threads. They end when the runtime drains.
    pub(in crate::runtime) fn start(self: &Arc<Self>, core: &Arc<Core>) -> std::io::Result<()> {
        for number in 0..THREADS {
            let loader = Arc::clone(self);
            core.spawn(&format!("loader-{number}"), move |core| loader.run(core))?;
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

    /// Loads a file at once, on the caller's thread.
    pub(super) fn load(&self, file: &Path, operator: Option<&Path>) -> Result<Version, Refusal> {
        let source = self.host.read(file, operator)?;
        self.hook.before_compile(file);
        self.prepare(&source)
    }

    fn prepare(&self, source: &Source) -> Result<Version, Refusal> {
        let plugin = self.host.load_source(source)?;
        let prepared = plugin.prepare()?;
        Ok(Version { plugin, prepared, content: source.content().clone() })
    }

    fn run(&self, core: &Core) {
        loop {
            let seen = self.work.count();
            if core.is_draining() {
                return;
            }
            let Some(Load { ticket, file, operator }) = self.next() else {
                self.work.wait(seen, Some(LOOK));
                continue;
            };
            let outcome = self.load(&file, operator.as_deref());
            self.answered.lock().unwrap_or_else(PoisonError::into_inner).push((ticket, outcome));
            self.moved.ring();
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
