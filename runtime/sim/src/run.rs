//! One run: acts of producers, workers, writer, reader, flusher and operator, and of bad luck, in an order
//! that the seed chooses; then everything is let end well, and the model says whether it did.

mod calls_made;
mod commands;
mod damage;
mod end;
mod handlers;
mod late;
mod mishaps;
mod operator;
mod producer;
mod records;
mod sinks;
mod steps;
mod suspects;
mod trimming;
mod versions;
mod witness;

use std::sync::Arc;

use camshaft_engine::{Batch, Clock, ConsumerSpec, Finished};
use camshaft_event::{Sequence, Timestamp, Transaction};
use camshaft_log::testing::{MemoryDisk, Random};
use camshaft_tables::Frozen;

use crate::Summary;
use crate::clock::SimClock;
use crate::consumers;
use crate::delivery::{Delivery, Ticket};
use crate::faults::{Fault, Faults};
use crate::process::{Machine, Process, Worker};
use crate::store::SimStore;
use crate::trace::Trace;
use calls_made::CallsMade;
use commands::Senders;
use damage::Spoiled;
use records::{CallRecord, Records};
use sinks::UnderWay;
use suspects::Ends;
use trimming::Ages;
use witness::Witness;

/// A run goes on until the log has had this many events …
const EVENTS: u64 = 220;
/// … and so many acts have been made, …
const ACTS: u64 = 2_000;
/// … but not for ever, however little comes of them.
const MOST_ACTS: u64 = 8_000;

pub(crate) struct Run {
    machine: Machine,
    process: Process,
    random: Random,
    /// The chances of handlers; none once all is to end well.
    chance: Option<Random>,
    trace: Trace,
    faults: Faults,
    consumers: Vec<Declared>,
    taken: Vec<(Batch, Ticket)>,
    /// How many batches are being run: while one is, others may be taken, run and committed.
    running: usize,
    finished: Vec<Ran>,
    under_way: Vec<UnderWay>,
    calls_made: CallsMade,
    senders: Senders,
    frozen: Option<Arc<Frozen>>,
    /// All transactions that the log ever held, except those that a crash took.
    history: Vec<Transaction>,
    ages: Ages,
    ends: Ends,
    witness: Witness,
    delivery: Delivery,
    records: Records,
    /// What the disk was told to do to the process; it ends with it.
    pending: Option<Fault>,
    acts: u64,
    versions: u64,
    /// The record of the log that is damaged now.
    spoiled: Option<Spoiled>,
    /// The offsets of all records that were damaged. Facts in them may be lost.
    once_spoiled: Vec<std::ops::Range<camshaft_event::Offset>>,
    /// Whether the log outlasts most of the run.
    keeps_long: bool,
    /// Whether the consumer that decides commands rejects all of them.
    is_closed: bool,
    /// Whether the operator seldom acts on single dead letters.
    prefers_jobs: bool,
}

/// A batch that was run.
struct Ran {
    finished: Finished,
    ticket: Ticket,
    called: CallRecord,
}

/// A consumer as its plugin's file declares it now.
struct Declared {
    spec: ConsumerSpec,
    is_attached: bool,
    /// All its versions.
    past: Vec<ConsumerSpec>,
}

impl Run {
    pub(crate) fn new(seed: u64, trace: Trace) -> Self {
        let machine = Machine {
            disk: MemoryDisk::new(),
            store: Arc::new(SimStore::default()),
            clock: Arc::new(SimClock::default()),
            options: Arc::new(consumers::options()),
            retention: consumers::retention(seed),
            kept_time: Arc::default(),
        };
        let process = Process::start(&machine).expect("an empty machine starts");
        let declared = |spec: ConsumerSpec| Declared { past: vec![spec.clone()], spec, is_attached: false };
        let consumers: Vec<Declared> = consumers::specs(seed).into_iter().map(declared).collect();
        let mut run = Self {
            machine,
            process,
            random: Random::from_seed(seed),
            chance: Some(Random::from_seed(!seed)),
            trace,
            faults: Faults::default(),
            consumers,
            taken: Vec::new(),
            running: 0,
            finished: Vec::new(),
            under_way: Vec::new(),
            calls_made: CallsMade::default(),
            senders: Senders::default(),
            frozen: None,
            history: Vec::new(),
            ages: Ages::default(),
            ends: Ends::default(),
            witness: Witness::default(),
            delivery: Delivery::default(),
            records: Records::default(),
            pending: None,
            acts: 0,
            versions: 1,
            spoiled: None,
            once_spoiled: Vec::new(),
            keeps_long: consumers::keeps_long(seed),
            is_closed: false,
            prefers_jobs: seed.is_multiple_of(4),
        };
        for at in 0..run.consumers.len() - 1 {
            run.attach(at);
        }
        run
    }

    /// Acts until enough has happened, lets everything end well, and says what came of it.
    ///
    /// # Panics
    /// With the promise that was broken.
    pub(crate) fn into_summary(mut self) -> Summary {
        while self.acts < MOST_ACTS && (self.acts < ACTS || self.tail() < EVENTS) {
            self.acts += 1;
            self.act();
            self.check_bounds();
        }
        self.end()
    }

    fn act(&mut self) {
        match self.random.below(1_000) {
            0..=89 => self.publish(),
            90..=119 => self.send(),
            120..=239 => _ = self.take(),
            240..=359 => self.run_batch(),
            360..=479 => self.commit(),
            480..=514 => _ = self.launch(),
            515..=604 => self.go_on_with_a_call(),
            605..=644 => self.append(),
            645..=704 => self.sync(),
            705..=808 => self.read_log(),
            809..=848 => self.pass_time(),
            849..=860 => self.look(),
            861..=864 => self.ask_for_commands(),
            865..=868 if self.process.sequencer().damaged().is_empty() => self.free_held(),
            865..=868 => self.deal_with_damage(),
            869..=903 => self.flush(),
            904..=915 if self.process.sequencer().damaged().is_empty() => self.intervene(),
            904..=915 => self.deal_with_damage(),
            916..=918 => self.deal_with_damage(),
            919..=924 => self.pause_or_resume(),
            925..=935 => self.come_and_go(),
            936..=943 => self.replace(),
            944..=945 => self.reset(),
            946..=948 => self.choose_version(),
            949..=952 => self.process.sweep(5),
            953..=965 => self.trim(),
            966..=975 => self.fill_or_free_the_disk(),
            976..=979 => self.flip_a_bit(),
            980..=985 => self.turn_the_clock(),
            986..=992 => self.spoil_the_disk(),
            _ => self.crash(),
        }
    }

    /// What waits in memory stays within its bounds, plus what is under way.
    fn check_bounds(&self) {
        let sequencer = self.process.sequencer();
        let options = &self.machine.options;
        let under_way = (self.taken.len() + self.finished.len() + self.under_way.len() + 2)
            * 4
            * options.max_transaction_bytes;
        let unsynced = sequencer.unsynced_bytes();
        let unsynced_bound = (options.max_unsynced_bytes + under_way) as u64;
        assert!(unsynced <= unsynced_bound, "{unsynced} bytes are not synced");
        let overlay = sequencer.tables().memory_bytes();
        assert!(overlay <= options.max_overlay_bytes + 4 * under_way, "{overlay} bytes are not flushed");
    }

    /// Events in the log.
    fn tail(&self) -> u64 {
        self.process.sequencer().sequenced().next_offset.0
    }

    fn durable(&self) -> Sequence {
        self.process.sequencer().durable().sequence
    }

    fn now(&self) -> Timestamp {
        self.machine.clock.now()
    }

    fn note(&mut self, fault: Fault) {
        self.faults.note(fault);
    }

    fn note_if(&mut self, fault: Fault, is_so: bool) {
        self.faults.note_if(fault, is_so);
    }

    fn tell(&self, line: impl FnOnce() -> String) {
        self.trace.tell(|| format!("{:>5} {:>8} ms  {}", self.acts, self.machine.clock.now().0, line()));
    }

    fn worker(&mut self) -> Worker {
        self.process.worker(self.random.next_u64())
    }

    /// One of `count` things.
    fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.random.below(count as u64)).expect("it is below a usize")
    }
}
