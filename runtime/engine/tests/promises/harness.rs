//! The world of a test: a sequencer over a log on a disk in memory and tables over a store in memory, and
//! handlers that are closures. What the runtime's threads do are methods here, called in whatever order a
//! test wants.

mod aggregates;
mod calls;
mod clock;
mod declare;
mod handlers;
mod inspect;
mod send;
mod work;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{Arc, MutexGuard};

use camshaft_engine::{
    Attached, Attempt, ConsumerSpec, EngineOptions, FactCopy, LogWriter, PublishRefusal, Reading, Receipts,
    RecoverError, Sequencer, SharedSequencer, StateReader,
};
use camshaft_event::{Answer, Event, Offset, Timestamp};
use camshaft_log::testing::{MemoryDisk, Random};
use camshaft_log::{FileLog, Kept, LogReader, Options};
use camshaft_tables::Tables;
use camshaft_tables::store::{MemoryStore, Store};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub use aggregates::{MOVED, account, bank, bracketed, fact, folded, list, move_all};
pub use calls::{InFlight, sink};
pub use clock::ManualClock;
pub use declare::{append, done, event, key_in, note, publish, reject, retry, spec, trap};
pub use handlers::Calls;
use handlers::{Plugin, Scripted};
pub use send::{accepted, command, owner, refusal};

pub struct World {
    pub disk: MemoryDisk,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<ManualClock>,
    pub calls: Calls,
    pub options: Arc<EngineOptions>,
    /// Whether a start checks the whole log, also what the snapshot covers.
    pub verifies_all: bool,
    /// How many of the next calls find no instance.
    pub shortages: Cell<usize>,
    segment_bytes: u64,
    plugins: BTreeMap<String, Plugin>,
    random: ChaCha8Rng,
    chance: Random,
    running: Option<Running>,
    is_entered: Cell<bool>,
}

/// What a crash ends.
struct Running {
    shared: SharedSequencer<MemoryStore>,
    reader: Arc<dyn StateReader>,
    log: LogWriter,
    kept: Arc<Kept>,
    copy: FactCopy,
}

/// The critical section while a test is in it.
pub struct Entered<'w> {
    guard: MutexGuard<'w, Sequencer<MemoryStore>>,
    is_entered: &'w Cell<bool>,
}

impl Deref for Entered<'_> {
    type Target = Sequencer<MemoryStore>;

    fn deref(&self) -> &Sequencer<MemoryStore> {
        &self.guard
    }
}

impl DerefMut for Entered<'_> {
    fn deref_mut(&mut self) -> &mut Sequencer<MemoryStore> {
        &mut self.guard
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.is_entered.set(false);
    }
}

/// Small, so that crashes are cheap; it holds a few of the tests' largest transactions.
const SEGMENT_BYTES: u64 = 256 * 1024;

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A world whose engine has other bounds than the tests' usual ones.
    pub fn with(change: impl FnOnce(&mut EngineOptions)) -> Self {
        Self::with_segments(SEGMENT_BYTES, change)
    }

    /// The same, with log segments of another size.
    pub fn with_segments(segment_bytes: u64, change: impl FnOnce(&mut EngineOptions)) -> Self {
        let mut options = EngineOptions {
            max_transaction_bytes: 32 * 1024,
            max_event_bytes: 16 * 1024,
            max_state_value_bytes: 16 * 1024,
            ..EngineOptions::default()
        };
        change(&mut options);
        let mut world = Self {
            disk: MemoryDisk::new(),
            store: Arc::new(MemoryStore::new()),
            verifies_all: true,
            segment_bytes,
            clock: Arc::new(ManualClock::default()),
            calls: Calls::default(),
            options: Arc::new(options),
            shortages: Cell::default(),
            plugins: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(1),
            chance: Random::from_seed(1),
            running: None,
            is_entered: Cell::new(false),
        };
        world.restart();
        world
    }

    /// Other chances: of backoff, and of what survives a crash.
    pub fn seed(&mut self, seed: u64) {
        self.random = ChaCha8Rng::seed_from_u64(seed);
        self.chance = Random::from_seed(seed);
    }

    // --- the process ---

    /// Ends the process: what was written to the log stays, what was only queued does not.
    pub fn kill(&mut self) {
        self.running = None;
        self.disk = self.disk.after_kill();
    }

    /// Ends the process and the power: of what was not synced, chance decides.
    pub fn crash(&mut self) {
        self.running = None;
        self.disk = self.disk.survivor(&mut self.chance);
    }

    /// Recovers from store and log, and attaches what was attached before.
    pub fn restart(&mut self) {
        self.recover();
        for plugin in self.plugins.values().filter(|plugin| plugin.is_attached) {
            self.sequencer().attach(plugin.spec.clone(), self.now()).unwrap();
        }
    }

    /// Recovers from store and log; nothing is attached.
    pub fn recover(&mut self) {
        self.try_recover().unwrap();
    }

    pub fn try_recover(&mut self) -> Result<(), RecoverError> {
        self.running = None;
        let tables = Tables::open(Arc::clone(&self.store)).unwrap();
        // What the snapshot covers is read by consumers only, as in a real runtime.
        let snapshot = tables.snapshot().sequence;
        let verify_from = (!self.verifies_all).then(|| snapshot.next().0);
        let options =
            Options { segment_bytes: self.segment_bytes, verify_from, first_offset: 0, ..Options::default() };
        let (log, _) = FileLog::open(Arc::new(self.disk.clone()), options)?;
        let mut log = LogWriter::new(Box::new(log), false);
        // A full disk is part of some tests.
        _ = log.reserve();
        let reader = log.reader();
        let mut sequencer = Sequencer::recover(Arc::clone(&self.options), tables, &*reader, &mut |_| {})?;
        sequencer.set_room(reader.reserved_bytes());
        let kept = Arc::new(Kept::open(Arc::new(self.disk.clone()), reader.identity())?);
        let shared = SharedSequencer::new(sequencer, Arc::clone(&reader), Arc::clone(&kept));
        let reader: Arc<dyn StateReader> = Arc::new(shared.clone());
        let copy = FactCopy::new(Arc::clone(&kept));
        self.running = Some(Running { shared, reader, log, kept, copy });
        Ok(())
    }

    /// A world with the same disk, store and time, in which no process runs yet.
    pub fn copy(&self) -> Self {
        let store = MemoryStore::new();
        store
            .write(&mut self.stored().iter().map(|(key, value)| (key.as_slice(), Some(value.as_slice()))))
            .unwrap();
        let clock = ManualClock::default();
        clock.set(self.now());
        Self {
            disk: self.disk.after_kill(),
            store: Arc::new(store),
            verifies_all: self.verifies_all,
            segment_bytes: self.segment_bytes,
            clock: Arc::new(clock),
            calls: Calls::default(),
            options: Arc::clone(&self.options),
            shortages: Cell::default(),
            plugins: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(1),
            chance: Random::from_seed(1),
            running: None,
            is_entered: Cell::new(false),
        }
    }

    fn running(&mut self) -> &mut Running {
        self.running.as_mut().unwrap()
    }

    /// Enters the critical section; twice in one expression is a mistake of the test.
    pub fn sequencer(&self) -> Entered<'_> {
        assert!(!self.is_entered.replace(true), "the critical section is entered twice");
        let mut guard = self.running.as_ref().unwrap().shared.lock();
        guard.tell_time(Reading::of(&*self.clock));
        Entered { guard, is_entered: &self.is_entered }
    }

    pub fn shared(&self) -> SharedSequencer<MemoryStore> {
        self.running.as_ref().unwrap().shared.clone()
    }

    pub fn log(&self) -> Arc<dyn LogReader> {
        self.running.as_ref().unwrap().log.reader()
    }

    pub fn kept(&self) -> Arc<Kept> {
        Arc::clone(&self.running.as_ref().unwrap().kept)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now_ms()
    }

    // --- consumers ---

    pub fn attach(
        &mut self,
        spec: ConsumerSpec,
        script: impl FnMut(&Event, &mut Attempt) -> Answer + 'static,
    ) -> Attached {
        let attached = self.sequencer().attach(spec.clone(), self.now()).unwrap();
        let plugin = Plugin { spec: spec.clone(), script: Box::new(script), is_attached: true, evolve: None };
        self.plugins.insert(spec.name, plugin);
        attached
    }

    /// Detaches a consumer; its handler stays for what is in flight.
    pub fn detach(&mut self, name: &str) {
        self.plugins.get_mut(name).unwrap().is_attached = false;
        self.sequencer().detach(name, self.now()).unwrap();
    }

    // --- a producer ---

    pub fn try_publish(&mut self, events: Vec<Event>) -> Result<Receipts, PublishRefusal> {
        let mut probe = self.shared().probe(events)?;
        let now = self.now();
        self.sequencer().publish(&mut probe, now)
    }

    pub fn publish(&mut self, events: Vec<Event>) -> Receipts {
        self.try_publish(events).unwrap()
    }

    /// Publishes one event of type `thing.happened`.
    pub fn put(&mut self, id: &str, key: &str) -> Offset {
        self.publish(vec![event(id, key)]).receipts[0].offset
    }

    /// Publishes events with the numbers as ids, all of one key.
    pub fn put_range(&mut self, ids: Range<usize>, key: &str) {
        for id in ids {
            self.put(&id.to_string(), key);
        }
    }

    /// The same, each of its own key.
    pub fn put_apart(&mut self, ids: Range<usize>) {
        for id in ids {
            self.put(&id.to_string(), &id.to_string());
        }
    }
}
