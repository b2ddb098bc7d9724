//! The hot path without wasm, threads and disks, for counting its instructions: `cargo xtask instructions`.
//!
//! Each stage is a function of its own name, so that the counter can be told to count in it alone; at the end
//! it tells how many events went through each, as JSON. What a stage needs is made ready before it; a
//! scripted handler does what most do: one state read, one write, one event published.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use camshaft_engine::{
    Attempt, Batch, Clock, Committed, ConsumerSpec, EngineOptions, Finished, Handler, LagRead, LogEvents,
    Receipts, Sequencer, SharedSequencer, StateReader, WorkerContext, run_batch,
};
use camshaft_event::cloudevents::{parse_batch, print_batch};
use camshaft_event::{
    Answer, AttemptContext, Event, NewEvent, Policy, Role, Sequence, Start, Subscription, Timestamp,
};
use camshaft_log::testing::MemoryDisk;
use camshaft_log::{FileLog, Kept, Log, LogReader, NewRecord, Options};
use camshaft_tables::Tables;
use camshaft_tables::store::MemoryStore;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Publishes that are counted; as many come before, so that tables and queues are not empty.
const PUBLISHES: usize = 50;

/// Events in each.
const EVENTS: usize = 64;

/// State keys that the events touch.
const KEYS: usize = 1_000;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

/// The one of the `camshaft` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Shared = SharedSequencer<MemoryStore>;

fn main() {
    let mut runtime = Runtime::new();
    (0..PUBLISHES).for_each(|number| runtime.publish(number));
    while runtime.handle() {}
    for number in PUBLISHES..2 * PUBLISHES {
        let events = stage_parse(json(number).as_bytes());
        let receipts = stage_publish(&runtime.shared, events, NOW);
        assert_eq!(receipts.receipts.len(), EVENTS);
        runtime.append();
    }
    let mut handled = 0;
    while let Some(batch) = stage_take(&runtime.shared, NOW) {
        handled += batch.len();
        let finished = stage_run(batch, runtime.context(), &mut Scripted);
        assert!(matches!(stage_commit(&runtime.shared, finished, NOW), Committed::At(_)));
        runtime.append();
    }
    assert_eq!(handled, PUBLISHES * EVENTS);
    // One that comes late has to read the log.
    runtime
        .shared
        .lock()
        .attach(ConsumerSpec { name: "late".to_owned(), ..spec() }, NOW)
        .expect("it is sound");
    let read = runtime.shared.lock().next_read(NOW).expect("the tables can be read");
    let read = read.expect("the late one has nothing yet");
    let found = stage_read(&read, &*runtime.log.reader());
    assert_eq!(found.events.len(), 2 * PUBLISHES * EVENTS);
    // In the log lie as many published ones, which it does not want.
    let (counted, read) = (PUBLISHES * EVENTS, 4 * PUBLISHES * EVENTS);
    println!(
        "{{\"parse\":{counted},\"publish\":{counted},\"take\":{counted},\"run\":{counted},\"commit\":{counted},\"read\":{read}}}"
    );
}

/// A producer's batch is read from its JSON.
#[inline(never)]
fn stage_parse(json: &[u8]) -> Vec<Event> {
    black_box(parse_batch(black_box(json)).expect("the events are sound"))
}

/// A producer's events are checked, encoded and given their place.
#[inline(never)]
fn stage_publish(shared: &Shared, events: Vec<Event>, now: Timestamp) -> Receipts {
    let mut probe = shared.probe(black_box(events)).expect("the events are sound");
    shared.lock().publish(&mut probe, now).expect("there is room")
}

/// A worker is given a batch.
#[inline(never)]
fn stage_take(shared: &Shared, now: Timestamp) -> Option<Batch> {
    black_box(shared.lock().take(now).expect("the tables can be read"))
}

/// A worker lets the handler handle the batch, and encodes what comes of it.
#[inline(never)]
fn stage_run(batch: Batch, context: WorkerContext<'_>, handler: &mut Scripted) -> Finished {
    black_box(run_batch(batch, context, handler))
}

/// The batch's transaction is validated and applied.
#[inline(never)]
fn stage_commit(shared: &Shared, finished: Finished, now: Timestamp) -> Committed {
    black_box(shared.commit(finished, now).expect("the tables can be read"))
}

/// The log is read and decoded.
#[inline(never)]
fn stage_read(read: &LagRead, log: &dyn LogReader) -> LogEvents {
    black_box(read.read(log, 64 << 20).expect("the log is sound"))
}

struct Runtime {
    shared: Shared,
    reader: Arc<dyn StateReader>,
    options: Arc<EngineOptions>,
    log: FileLog,
    appended: Sequence,
    random: ChaCha8Rng,
}

impl Runtime {
    fn new() -> Self {
        let options = Arc::new(EngineOptions::default());
        let tables = Tables::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
        let (mut log, _) =
            FileLog::open(Arc::new(MemoryDisk::new()), Options { first_offset: 0, ..Options::default() })
                .expect("an empty disk opens");
        log.prepare().expect("the disk has room");
        let reader = log.reader();
        let mut sequencer = Sequencer::recover(Arc::clone(&options), tables, &*reader, &mut |_| {})
            .expect("an empty log is recovered");
        sequencer.set_room(reader.reserved_bytes());
        sequencer.attach(spec(), NOW).expect("the consumer is sound");
        assert!(
            sequencer.next_read(NOW).is_ok_and(|read| read.is_none()),
            "what there is, is in memory: the consumer follows from here on"
        );
        let kept = Kept::open(Arc::new(MemoryDisk::new()), reader.identity()).expect("an empty folder opens");
        let shared = SharedSequencer::new(sequencer, Arc::clone(&reader), Arc::new(kept));
        let reader: Arc<dyn StateReader> = Arc::new(shared.clone());
        let random = ChaCha8Rng::seed_from_u64(1);
        Self { shared, reader, options, log, appended: Sequence(0), random }
    }

    fn context(&mut self) -> WorkerContext<'_> {
        WorkerContext {
            options: &self.options,
            reader: &self.reader,
            clock: &Still,
            random: &mut self.random,
        }
    }

    fn publish(&mut self, number: usize) {
        let mut probe = self.shared.probe(events(number)).expect("the events are sound");
        self.shared.lock().publish(&mut probe, NOW).expect("there is room");
        self.append();
    }

    /// What the writer thread does.
    fn append(&mut self) {
        let records = self.shared.lock().take_queue();
        for record in records {
            let payload = [record.head.as_slice(), record.body.as_slice()].concat();
            let (first_offset, count) = (record.first_offset.0, record.count);
            let new = NewRecord { first_offset, count, timestamp_ms: record.at.0, payload: &payload };
            self.appended = Sequence(self.log.append(self.appended.0, new).expect("the disk has room"));
        }
        let durable = Sequence(self.log.sync().expect("the disk is sound"));
        self.log.prepare().expect("the disk has room");
        let mut sequencer = self.shared.lock();
        sequencer.set_durable(durable);
        sequencer.set_room(self.log.reader().reserved_bytes());
    }

    fn handle(&mut self) -> bool {
        let Some(batch) = self.shared.lock().take(NOW).expect("the tables can be read") else { return false };
        let finished = run_batch(batch, self.context(), &mut Scripted);
        self.shared.commit(finished, NOW).expect("the tables can be read");
        self.append();
        true
    }
}

struct Scripted;

impl Handler for Scripted {
    fn call(&mut self, mut attempt: Attempt) -> (Answer, Attempt) {
        let event = attempt.share_event();
        let key = event.partitionkey.as_deref().unwrap_or_default().as_bytes();
        let count = attempt.get(key).expect("the state can be read").map_or(0, |count| count.len());
        attempt.set(key, &vec![1; count % 8 + 1]).expect("the value is small");
        let event_type = "test.updated".to_owned();
        let published = NewEvent { event_type, data: event.data.clone(), ..NewEvent::default() };
        attempt.publish(published).expect("the event is sound");
        (Answer::Done, attempt)
    }
}

/// Time that does not pass.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn elapsed_us(&self) -> u64 {
        0
    }
}

fn spec() -> ConsumerSpec {
    let types = vec!["test.event".parse().expect("the pattern is sound")];
    ConsumerSpec {
        name: "updates".to_owned(),
        role: Role::Handler,
        subscriptions: vec![Subscription {
            handler: "update".to_owned(),
            types,
            filter: None,
            commands: false,
        }],
        publishes: None,
        policy: Policy::default(),
        start: Start::Earliest,
        config: BTreeMap::new(),
        grants: Vec::new(),
        digest: String::new(),
        version: String::new(),
        state_revision: 0,
        code: 0,
    }
}

/// The same as a producer posts it.
fn json(number: usize) -> String {
    let document = || format!("{:?}", "x".repeat(254)).into_bytes();
    let events: Vec<Event> = events(number)
        .into_iter()
        .map(|event| Event { datacontenttype: None, data: document(), ..event })
        .collect();
    print_batch(&events)
}

/// A producer's publish with this number.
fn events(number: usize) -> Vec<Event> {
    let numbers = number * EVENTS..(number + 1) * EVENTS;
    numbers
        .map(|number| Event {
            id: number.to_string(),
            source: "/bench".to_owned(),
            event_type: "test.event".to_owned(),
            partitionkey: Some(format!("key-{}", number % KEYS)),
            datacontenttype: Some("application/octet-stream".to_owned()),
            data: vec![7; 256],
            ..Event::default()
        })
        .collect()
}
