//! The world of a test: a sequencer over a log on a disk in memory and tables over a store in memory, and handlers
//! that are closures. What the runtime's threads do are methods here, called in whatever order a test wants.

mod calls;
mod clock;
mod declare;
mod inspect;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut, Range};
use std::rc::Rc;
use std::sync::{Arc, MutexGuard};

use camshaft_engine::{
    Attached, Attempt, Batch, Committed, ConsumerSpec, EngineOptions, Finished, Handler, PublishRefusal,
    Reading, Receipts, RecoverError, Sequencer, SharedSequencer, StateReader, WorkerContext, run_batch,
};
use camshaft_event::{Answer, Event, Offset, Sequence, Timestamp};
use camshaft_log::testing::{MemoryDisk, Random};
use camshaft_log::{FileLog, Log, LogReader, NewRecord, Options};
use camshaft_tables::store::{MemoryStore, Store};
use camshaft_tables::{Tables, forget_before, sweep_state};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub use calls::{InFlight, sink};
pub use clock::ManualClock;
pub use declare::{append, done, event, key_in, note, publish, reject, retry, spec, trap};

/// What a consumer runs.
pub type Script = Box<dyn FnMut(&Event, &mut Attempt) -> Answer>;

struct Plugin {
    spec: ConsumerSpec,
    script: Script,
    is_attached: bool,
}

/// One call of a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub consumer: String,
    pub offset: Offset,
    pub id: String,
    pub attempt: u32,
}

/// All calls of handlers, in order; also what crashed or lost.
pub type Calls = Rc<RefCell<Vec<Call>>>;

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
    log: FileLog,
    appended: Sequence,
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

/// Rounds after which a world that should have come to rest never will.
const MOST_ROUNDS: usize = 20_000;

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
        let (mut log, _) = FileLog::open(Arc::new(self.disk.clone()), options)?;
        let _ = log.prepare();
        let reader = log.reader();
        let mut sequencer = Sequencer::recover(Arc::clone(&self.options), tables, &*reader, &mut |_| {})?;
        sequencer.set_room(reader.reserved_bytes());
        let appended = sequencer.sequenced().sequence;
        let shared = SharedSequencer::new(sequencer);
        let reader: Arc<dyn StateReader> = Arc::new(shared.clone());
        self.running = Some(Running { shared, reader, log, appended });
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
        let plugin = Plugin { spec: spec.clone(), script: Box::new(script), is_attached: true };
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

    // --- a worker ---

    pub fn take(&mut self) -> Option<Batch> {
        let now = self.now();
        self.sequencer().take(now).unwrap()
    }

    pub fn run(&mut self, batch: Batch) -> Finished {
        let mut scripted = Scripted {
            plugins: &mut self.plugins,
            calls: &self.calls,
            clock: &self.clock,
            shortages: &self.shortages,
        };
        let context = WorkerContext {
            options: &self.options,
            reader: &self.running.as_ref().unwrap().reader,
            clock: &*self.clock,
            random: &mut self.random,
        };
        run_batch(batch, context, &mut scripted)
    }

    /// Runs a batch that finds an instance for so many of its events, and none for the next one.
    pub fn run_short_after(&mut self, batch: Batch, calls: usize) -> Finished {
        struct Short<'w>(Scripted<'w>, usize);
        impl Handler for Short<'_> {
            fn get_ready(&mut self, _: &Attempt) -> bool {
                self.1 > 0
            }

            fn call(&mut self, attempt: Attempt) -> (Answer, Attempt) {
                self.1 -= 1;
                self.0.call(attempt)
            }
        }
        let scripted = Scripted {
            plugins: &mut self.plugins,
            calls: &self.calls,
            clock: &self.clock,
            shortages: &self.shortages,
        };
        let context = WorkerContext {
            options: &self.options,
            reader: &self.running.as_ref().unwrap().reader,
            clock: &*self.clock,
            random: &mut self.random,
        };
        run_batch(batch, context, &mut Short(scripted, calls))
    }

    pub fn commit(&mut self, finished: Finished) -> Committed {
        let now = self.now();
        self.sequencer().commit(finished, now).unwrap()
    }

    /// Takes, runs and commits one batch, if there is one.
    pub fn step(&mut self) -> Option<Committed> {
        let batch = self.take()?;
        let finished = self.run(batch);
        Some(self.commit(finished))
    }

    // --- the writer ---

    /// Appends what is queued; whether there was anything.
    pub fn append(&mut self) -> bool {
        let records = self.sequencer().take_queue();
        let running = self.running();
        for record in &records {
            let payload = [record.head.as_slice(), record.body.as_slice()].concat();
            let new = NewRecord {
                first_offset: record.first_offset.0,
                count: record.count,
                timestamp_ms: record.at.0,
                payload: &payload,
            };
            running.appended = Sequence(running.log.append(running.appended.0, new).unwrap());
        }
        !records.is_empty()
    }

    /// Syncs what was appended, and says so.
    pub fn sync_appended(&mut self) {
        let running = self.running();
        let durable = Sequence(running.log.sync().unwrap());
        let _ = running.log.prepare();
        let reader = running.log.reader();
        let mut sequencer = running.shared.lock();
        sequencer.set_durable(durable);
        sequencer.set_room(reader.reserved_bytes());
        sequencer.set_first_offset(Offset(reader.bounds().first_offset));
    }

    /// One group commit; whether there was anything to write.
    pub fn sync(&mut self) -> bool {
        let appended = self.append();
        self.sync_appended();
        appended
    }

    /// Trims the log as far as snapshot and consumers allow.
    pub fn trim(&mut self) {
        let needed = self.sequencer().needed(self.now());
        let running = self.running();
        let reader = running.log.reader();
        // Something pins what is gone already: a consumer that came back after too long.
        let pinned_offset = needed.next_offset.0.max(reader.bounds().first_offset);
        let pinned = reader.find_offset(pinned_offset).unwrap();
        let before = pinned.unwrap_or(reader.bounds().last_sequence).min(needed.sequence.next().0);
        running.log.trim(before).unwrap();
        self.sync_appended();
    }

    // --- reader, timekeeper, flusher ---

    /// Serves one read of the log for a lagging consumer; whether one was wanted.
    pub fn read(&mut self) -> bool {
        let Some(read) = self.sequencer().next_read() else { return false };
        let (log, now) = (self.running().log.reader(), self.now());
        match read.read(&*log, 4_096) {
            Ok(found) => self.sequencer().feed(&read, found),
            Err(error) => {
                let damage = read.damage(&*log, error).unwrap();
                self.sequencer().read_damaged(&read, damage, now).unwrap();
            }
        }
        true
    }

    pub fn tick(&mut self) -> Option<Timestamp> {
        let now = self.now();
        self.sequencer().tick(now).unwrap()
    }

    /// Writes a snapshot, after a sync; whether there was anything new.
    pub fn flush(&mut self) -> bool {
        let Some(frozen) = self.sequencer().freeze() else { return false };
        self.sync();
        frozen.write(&*self.store).unwrap();
        self.sequencer().flushed().unwrap();
        true
    }

    /// Deletes old state values, and forgets events before the log's begin; how many of the former there were.
    pub fn sweep(&mut self, max_entries: usize) -> usize {
        forget_before(&*self.store, self.sequencer().first_offset());
        sweep_state(&*self.store, max_entries).unwrap()
    }

    // --- all of them ---

    /// Lets everybody work until nobody has anything to do at this moment.
    pub fn settle(&mut self) {
        for _ in 0..MOST_ROUNDS {
            self.tick();
            let mut has_worked = self.read();
            has_worked |= self.step().is_some();
            has_worked |= self.step_call().is_some();
            has_worked |= self.sync();
            // A sync may have made room for a worker.
            if !has_worked && !self.has_something() {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// The same, and on to the next moment at which something is due, until nothing is.
    pub fn settle_all(&mut self) {
        for _ in 0..MOST_ROUNDS {
            self.settle();
            match self.sequencer().next_due() {
                Some(due) => self.clock.set(due.max(self.now())),
                None => return,
            }
        }
        panic!("something is due for ever");
    }

    fn has_something(&self) -> bool {
        let sequencer = self.sequencer();
        sequencer.has_work() || sequencer.has_calls()
    }
}

struct Scripted<'w> {
    plugins: &'w mut BTreeMap<String, Plugin>,
    calls: &'w Calls,
    clock: &'w ManualClock,
    shortages: &'w Cell<usize>,
}

impl Handler for Scripted<'_> {
    fn get_ready(&mut self, _: &Attempt) -> bool {
        let left = self.shortages.get();
        self.shortages.set(left.saturating_sub(1));
        left == 0
    }

    fn call(&mut self, mut attempt: Attempt) -> (Answer, Attempt) {
        use camshaft_event::AttemptContext;
        let event = attempt.share_event();
        let consumer = attempt.consumer().to_owned();
        let (offset, number) = (attempt.offset(), attempt.attempt());
        self.calls.borrow_mut().push(Call {
            consumer: consumer.clone(),
            offset,
            id: event.id.clone(),
            attempt: number,
        });
        let plugin = self.plugins.get_mut(&consumer).unwrap();
        let answer = (plugin.script)(&event, &mut attempt);
        self.clock.spend();
        (answer, attempt)
    }
}
