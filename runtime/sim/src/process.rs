//! A process of the runtime without its threads: what a crash ends. Each method is one step of one of the
//! threads that `compose` runs, and does what that thread does.

mod worker;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};

use camshaft_engine::{
    Batch, Clock, Committed, EngineOptions, FactCopy, Finished, LogWriter, PublishRefusal, QueuedRecord,
    ReadError, Reading, Receipts, RecoverError, Retention, RetentionOptions, Sequencer, SharedSequencer,
    StateReader, Trimmed,
};
use camshaft_event::{Event, Offset, Sequence, Timestamp, Transaction};
use camshaft_log::testing::MemoryDisk;
use camshaft_log::{FileLog, Kept, LogError, LogReader, Options, Recovery};
use camshaft_tables::{PortionBounds, Tables, forget_before, sweep_state};

use crate::clock::SimClock;
use crate::store::SimStore;
pub(crate) use worker::Worker;

/// Large enough that a segment holds the largest transactions of all workers, small enough to see many.
pub(crate) const SEGMENT_BYTES: u64 = 160 * 1024;

/// Bytes that a lagging consumer reads at once.
const READ_BYTES: u32 = 4_096;

/// What outlives a process.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) disk: MemoryDisk,
    pub(crate) store: Arc<SimStore>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) options: Arc<EngineOptions>,
    pub(crate) retention: RetentionOptions,
    /// The time that the last process has written down, in milliseconds; 0 if none has.
    pub(crate) kept_time: Arc<AtomicU64>,
}

pub(crate) struct Process {
    pub(crate) recovery: Recovery,
    /// Whether the log's disk had no room when it was last looked at.
    pub(crate) is_full: bool,
    shared: SharedSequencer<SimStore>,
    reader: Arc<dyn StateReader>,
    log: LogWriter,
    copy: FactCopy,
    /// What the writer has taken and not written yet.
    queued: Vec<QueuedRecord>,
    store: Arc<SimStore>,
    clock: Arc<SimClock>,
    options: Arc<EngineOptions>,
    retention: Retention,
    kept_time: Arc<AtomicU64>,
}

impl Process {
    /// Recovers from what the machine holds.
    pub(crate) fn start(machine: &Machine) -> Result<Self, RecoverError> {
        let tables = Tables::open(Arc::clone(&machine.store))?;
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            verify_from: Some(tables.snapshot().sequence.next().0),
            first_offset: 0,
            ..Options::default()
        };
        let (log, recovery) = FileLog::open(Arc::new(machine.disk.clone()), options)?;
        let mut log = LogWriter::new(Box::new(log), false);
        let is_full = log.reserve()?.is_some();
        let reader = log.reader();
        let mut sequencer = Sequencer::recover(Arc::clone(&machine.options), tables, &*reader, &mut |_| {})?;
        sequencer.set_room(reader.reserved_bytes());
        let facts = Arc::new(Kept::open(Arc::new(machine.disk.clone()), reader.identity())?);
        let shared = SharedSequencer::new(sequencer, Arc::clone(&reader), Arc::clone(&facts));
        let kept = Some(machine.kept_time.load(Ordering::Relaxed)).filter(|ms| *ms > 0).map(Timestamp);
        let retention =
            Retention::new(machine.retention, kept, &reader.bounds(), Reading::of(&*machine.clock));
        machine.kept_time.store(retention.to_keep().0, Ordering::Relaxed);
        Ok(Self {
            retention,
            kept_time: Arc::clone(&machine.kept_time),
            recovery,
            is_full,
            reader: Arc::new(shared.clone()),
            shared,
            log,
            copy: FactCopy::new(facts),
            queued: Vec::new(),
            store: Arc::clone(&machine.store),
            clock: Arc::clone(&machine.clock),
            options: Arc::clone(&machine.options),
        })
    }

    /// The sequencer as threads share it.
    pub(crate) fn shared(&self) -> &SharedSequencer<SimStore> {
        &self.shared
    }

    /// Enters the critical section.
    pub(crate) fn sequencer(&self) -> MutexGuard<'_, Sequencer<SimStore>> {
        let mut sequencer = self.shared.lock();
        sequencer.tell_time(Reading::of(&*self.clock));
        sequencer
    }

    pub(crate) fn log(&self) -> Arc<dyn LogReader> {
        self.log.reader()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    // --- a producer's request ---

    pub(crate) fn publish(&self, events: Vec<Event>) -> Result<Receipts, PublishRefusal> {
        let mut probe = self.shared.probe(events)?;
        let now = self.now();
        self.sequencer().publish(&mut probe, now)
    }

    pub(crate) fn send(&self, commands: Vec<Event>) -> Result<Receipts, PublishRefusal> {
        let mut probe = self.shared.probe_commands(commands)?;
        let now = self.now();
        self.sequencer().publish(&mut probe, now)
    }

    // --- a worker ---

    pub(crate) fn take(&self) -> Option<Batch> {
        let now = self.now();
        self.sequencer().take(now).expect("the tables can be read")
    }

    /// A worker that retries with the jitter of this seed.
    pub(crate) fn worker(&self, seed: u64) -> Worker {
        Worker::new(Arc::clone(&self.options), Arc::clone(&self.reader), Arc::clone(&self.clock), seed)
    }

    // --- a sink ---

    pub(crate) fn take_call(&self) -> Option<Batch> {
        let now = self.now();
        self.sequencer().take_call(now).expect("the tables can be read")
    }

    pub(crate) fn commit_call(&self, finished: Box<Finished>) -> Result<Committed, Box<Finished>> {
        let now = self.now();
        self.sequencer().commit_call(finished, now).expect("the tables can be read")
    }

    // --- a worker again ---

    pub(crate) fn commit(&self, finished: Finished) -> Committed {
        self.sequencer().commit(finished, self.now()).expect("the tables can be read")
    }

    // --- the writer ---

    /// A transaction that is not written yet.
    pub(crate) fn queued(&mut self, sequence: Sequence) -> Option<Transaction> {
        let records = self.sequencer().take_queue();
        self.queued.extend(records);
        let record = self.queued.iter().find(|record| record.sequence == sequence)?;
        Some(decode(&record.payload()))
    }

    /// All transactions that are not written yet.
    pub(crate) fn unwritten(&mut self) -> Vec<Transaction> {
        let records = self.sequencer().take_queue();
        self.queued.extend(records);
        self.queued.iter().map(|record| decode(&record.payload())).collect()
    }

    /// Appends what is queued, and returns it.
    pub(crate) fn append(&mut self) -> Result<Vec<Transaction>, LogError> {
        let mut records = std::mem::take(&mut self.queued);
        records.extend(self.sequencer().take_queue());
        self.log.append(&records)?;
        Ok(records.iter().map(|record| decode(&record.payload())).collect())
    }

    /// Syncs what was appended, and says so.
    pub(crate) fn sync(&mut self) -> Result<(), LogError> {
        self.log.sync()?;
        self.is_full = self.log.reserve()?.is_some();
        self.log.announce(&mut self.sequencer());
        Ok(())
    }

    /// Copies facts and trims the log as far as snapshot and consumers allow; whether that was anything.
    pub(crate) fn trim(&mut self) -> Result<bool, LogError> {
        self.look();
        self.kept_time.store(self.retention.to_keep().0, Ordering::Relaxed);
        let first = self.log().bounds().first_sequence;
        let Some(before) = self.retention.to_trim(&*self.log(), &self.shared)? else { return Ok(false) };
        let before = self.copy.copy(&*self.log(), &self.shared, before)?.before;
        let trimmed = match self.log.trim(before)? {
            Trimmed::To(now_first) => now_first > first,
            Trimmed::NotNow(error) => return Err(error),
        };
        self.log.announce(&mut self.sequencer());
        Ok(trimmed)
    }

    /// Looks at the clocks, for what depends on age.
    pub(crate) fn look(&mut self) {
        let bounds = self.log().bounds();
        self.retention.look(Reading::of(&*self.clock), &bounds);
    }

    /// Whether everything appended is synced, so that another sync has nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.log().synced() == self.log.appended().0
    }

    /// The log's transactions from this one on.
    pub(crate) fn transactions_from(&self, mut next: u64) -> Vec<Transaction> {
        let mut found = Vec::new();
        loop {
            let batch = self.log().read_from(next, 1 << 20).expect("what was recovered can be read");
            if batch.is_empty() {
                return found;
            }
            next += batch.len() as u64;
            found.extend(batch.iter().map(|record| decode(record.payload)));
        }
    }

    /// A consumer's whole state; none if it is damaged.
    pub(crate) fn state(&self, name: &str) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
        let sequencer = self.sequencer();
        let Some(space) = sequencer.state_space(name) else { return Some(BTreeMap::new()) };
        let bounds = PortionBounds { entries: 100, bytes: 1 << 20 };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let portion = sequencer.tables().state_portion(space, b"", after.as_deref(), bounds);
            let portion = match portion {
                Err(_) if self.store.has_spoiled(space.consumer) => return None,
                portion => portion.expect("the tables can be read"),
            };
            found.extend(portion.entries);
            let Some(last) = portion.after else { break };
            after = Some(last);
        }
        let bytes: usize = found.iter().map(|(key, found)| key.len() + found.value.len()).sum();
        assert_eq!(sequencer.tables().state_bytes(space), bytes as u64, "the size of the state of {name}");
        Some(found.into_iter().map(|(key, found)| (key, found.value)).collect())
    }

    /// Whether a consumer's state has this key, as far as it can be read.
    pub(crate) fn has_state(&self, name: &str, key: &[u8]) -> bool {
        let sequencer = self.sequencer();
        let found = sequencer.state_space(name).map(|space| sequencer.tables().state(space, key));
        matches!(found, Some(Ok(Some(_))))
    }

    /// A consumer's dead letters that can be read.
    pub(crate) fn dead_letters(&self, name: &str) -> Vec<Offset> {
        let mut found = Vec::new();
        let listed = self.shared.each_dead_letter(name, Offset(0), &|_| true, &mut |entry| {
            found.push(entry.offset);
            ControlFlow::Continue(())
        });
        assert!(listed.expect("the tables can be read").is_continue(), "it goes to the end");
        found
    }

    /// The events that a consumer holds.
    pub(crate) fn held_events(&self, name: &str) -> Vec<Offset> {
        let mut found = Vec::new();
        let listed = self.shared.each_held(name, Offset(0), &mut |entry| {
            found.push(entry.offset);
            ControlFlow::Continue(())
        });
        assert!(listed.expect("the tables can be read").is_continue(), "it goes to the end");
        found
    }

    // --- reader, timekeeper, flusher ---

    /// Serves one read of the log for a lagging consumer; whether one was wanted.
    pub(crate) fn read(&self) -> Result<bool, LogError> {
        let now = self.now();
        let wanted = self.sequencer().next_read(now).expect("the tables can be read");
        let Some(read) = wanted else { return Ok(false) };
        let found = match read.read(&*self.log(), READ_BYTES) {
            Ok(found) => found,
            // Only a disk that died fails to read: all of it, so the process ends with it.
            Err(ReadError::Log(error @ LogError::Io { .. })) => return Err(error),
            Err(error) => {
                return match read.damage(&*self.log(), error) {
                    Ok(damage) => {
                        let noted = self.sequencer().read_damaged(&read, damage, self.now());
                        noted.expect("the tables can be read");
                        Ok(true)
                    }
                    Err(_) if !self.sequencer().is_current(&read) => Ok(true),
                    Err(ReadError::Log(error)) => Err(error),
                    Err(error) => panic!("a lagging consumer reads nonsense: {error}"),
                };
            }
        };
        let now = self.now();
        self.sequencer().feed(&read, found, now).expect("the tables can be read");
        Ok(true)
    }

    pub(crate) fn tick(&self) -> Option<Timestamp> {
        let now = self.now();
        self.sequencer().tick(now).expect("the tables can be read")
    }

    pub(crate) fn sweep(&mut self, max_entries: usize) {
        let first_offset = self.sequencer().first_offset();
        forget_before(&*self.store, first_offset);
        // A store that is full is swept another time.
        let _ = sweep_state(&*self.store, max_entries);
    }
}

fn decode(payload: &[u8]) -> Transaction {
    Transaction::decode(payload).expect("what the sequencer encodes can be decoded")
}
