//! Opening: data directory, log, tables, recovery, threads.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use camshaft_engine::{EngineOptions, LogWriter, SharedSequencer};
use camshaft_host::Host;
use camshaft_log::{Disk, FileLog, Kept, LogError, LogReader, Options, RealDisk, Recovery};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::access::Steps;
use super::bell::Bell;
use super::budget::Budget;
use super::clock::MachineClock;
use super::code::CodeTable;
use super::core::Core;
use super::decided::Decided;
use super::durable::DurableWatch;
use super::instances::Instances;
use super::made::Made;
use super::marks::Marks;
use super::phase::{Reached, Thread};
use super::rebuild::Source;
use super::told::Told;
use super::{flusher, reader, sinks, ticker, timekeeper, worker, writer};
use crate::{Config, Durability, OpenError};

/// The folder of the log with the facts that outlive its retention.
pub(crate) const KEPT: &str = "kept";

/// Opens everything under `config.data` and starts the threads. `make_host` is called once the data directory
/// is locked. The steps are for the threads that run plugins.
pub(crate) fn open(
    config: Config,
    clock: MachineClock,
    make_host: impl FnOnce() -> Result<Host, OpenError>,
) -> Result<(Arc<Core>, Steps, Host), OpenError> {
    let data = config.data.clone();
    let disk = Arc::new(RealDisk::open(data.join("log")).map_err(|error| refuse_log(&data, error))?);
    let host = make_host()?;
    let source = Source { data: &data, memory: config.memory, disk: &disk };
    let tables = source.open()?;
    let log_options = Options {
        verify_from: Some(tables.snapshot().sequence.next().0),
        identity: entropy(),
        first_offset: 0,
        ..Options::default()
    };
    let (log, recovery) = FileLog::open(Arc::clone(&disk) as Arc<dyn Disk>, log_options)
        .map_err(|error| refuse_log(&data, error))?;
    report(&recovery);
    let mut log = LogWriter::new(Box::new(log), config.durability == Durability::Async);
    // A full disk is told by the writer, which looks again.
    let _: Option<LogError> = log.reserve().map_err(|error| refuse_log(&data, error))?;
    let reader = log.reader();
    let options = Arc::new(engine_options(&config, tables.max_state_key_bytes()));
    let mut sequencer = source.recover(&options, tables, &*reader)?;
    let kept = open_kept(&disk, &*reader).map_err(|error| refuse_log(&data, error))?;
    // Readers must not hold the directory after the log's end.
    drop(disk);
    sequencer.set_room(reader.reserved_bytes());
    let workers = worker_count(&config);
    let (marks, left) = Marks::open(&data.join("marks"), workers).map_err(|error| unusable(&data, &error))?;
    let suspects = sequencer.suspect(&left);
    marks.keep(&suspects);
    report_suspects(suspects.len());
    let progress = sequencer.durable();
    tracing::info!(
        sequence = progress.sequence.0,
        tail = progress.next_offset.0,
        clean = recovery.clean,
        "recovered the log"
    );
    let core = Arc::new(Core {
        config,
        sequencer: SharedSequencer::new(sequencer, Arc::clone(&reader), Arc::clone(&kept)),
        log: reader,
        kept,
        code: CodeTable::default(),
        clock,
        durable: DurableWatch::new(progress),
        work: Bell::default(),
        sinks: Bell::default(),
        write: Bell::default(),
        read: Bell::default(),
        due: Bell::default(),
        flush: Bell::default(),
        plugins: Bell::default(),
        calls: Bell::default(),
        instances: Instances::new(workers),
        made: Made::default(),
        decided: Decided::default(),
        told: Told::default(),
        marks,
        running_calls: AtomicUsize::new(0),
        trim_before: AtomicU64::new(0),
        flush_waits_for: AtomicU64::new(u64::MAX),
        gathers: AtomicUsize::new(0),
        phase: Reached::default(),
        scheduling: OnceLock::new(),
        threads: Mutex::new(Vec::new()),
    });
    start_threads(&core, &host, log)
        .map_err(|error| OpenError::Internal { reason: format!("a thread could not be started: {error}") })?;
    let steps = Steps::new(&core);
    Ok((core, steps, host))
}

/// Logs that events run again, since the last process ended while it handled them.
fn report_suspects(events: usize) {
    if events > 0 {
        tracing::warn!(
            events,
            "the last process ended while it handled events; these run again, one at a time and alone"
        );
    }
}

/// Opens the facts that outlive the log's retention.
fn open_kept(disk: &RealDisk, log: &dyn LogReader) -> Result<Arc<Kept>, LogError> {
    Ok(Arc::new(Kept::open(Arc::new(disk.folder(KEPT)?), log.identity())?))
}

/// Logs what recovery found damaged or cut.
fn report(recovery: &Recovery) {
    for file in &recovery.damaged_headers {
        tracing::warn!(file, "the header of an older log segment is damaged; the records replace it");
    }
    if let Some(reason) = &recovery.damaged_mark {
        tracing::warn!(
            reason,
            "the mark of the last clean shutdown is damaged; the records were validated without it"
        );
    }
    if let Some(cut) = &recovery.cut {
        tracing::warn!(
            file = cut.file,
            position = cut.position,
            bytes = cut.bytes,
            "cut the torn tail of the log"
        );
    }
}

fn start_threads(core: &Arc<Core>, host: &Host, log: LogWriter) -> std::io::Result<()> {
    core.spawn(Thread::Writer, move |core| writer::run(core, log))?;
    core.spawn(Thread::Reader, reader::run)?;
    core.spawn(Thread::Flusher, flusher::run)?;
    core.spawn(Thread::Timekeeper, timekeeper::run)?;
    let host = host.clone();
    core.spawn(Thread::Ticker, move |core| ticker::run(core, &host))?;
    let (threads, random) = (worker_count(&core.config), ChaCha8Rng::seed_from_u64(entropy()));
    core.spawn(Thread::Sinks, move |core| sinks::run(core, threads, random))?;
    for number in 0..worker_count(&core.config) {
        let random = ChaCha8Rng::seed_from_u64(entropy());
        core.spawn(Thread::Worker(number), move |core| worker::run(core, number, random))?;
    }
    Ok(())
}

fn worker_count(config: &Config) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    config.workers.unwrap_or_else(cores).max(1)
}

fn engine_options(config: &Config, max_state_key_bytes: usize) -> EngineOptions {
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let limits = &config.limits;
    EngineOptions {
        max_transaction_bytes: size(limits.max_transaction_bytes),
        max_attempt_bytes: size(limits.max_attempt_bytes),
        max_event_bytes: size(limits.max_event_bytes),
        max_state_key_bytes,
        max_state_value_bytes: size(limits.max_state_value_bytes),
        max_state_bytes: limits.max_state_bytes,
        max_published_events: size(limits.max_published_events),
        max_answer_bytes: size(limits.max_answer_bytes),
        max_fold_bytes: size(limits.max_fold_bytes),
        max_scopes: size(limits.max_scopes),
        max_scope_bytes: size(limits.max_scope_bytes),
        max_kept_bytes: limits.max_kept_bytes,
        max_hops: limits.max_hops,
        max_timers: size(limits.max_timers),
        max_held_events: size(limits.max_held_events),
        max_held_bytes: size(limits.max_held_bytes),
        max_overlay_bytes: Budget::of(config.memory).overlays,
        workers: worker_count(config),
        detached_retention_ms: u64::try_from(config.detached_retention.as_millis()).unwrap_or(u64::MAX),
        ..EngineOptions::default()
    }
}

/// A number that differs from start to start: for jitter and for telling logs apart, not for secrets.
fn entropy() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut bytes = since_epoch.as_nanos().to_le_bytes().to_vec();
    bytes.extend_from_slice(&std::process::id().to_le_bytes());
    bytes.extend_from_slice(format!("{:?}", std::thread::current().id()).as_bytes());
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

pub(crate) fn unusable(data: &Path, error: &dyn std::fmt::Display) -> OpenError {
    OpenError::Unusable { data: data.to_owned(), reason: error.to_string() }
}

pub(crate) fn refuse_log(data: &Path, error: LogError) -> OpenError {
    let data = data.to_owned();
    match error {
        LogError::InUse { .. } => OpenError::InUse { data },
        LogError::NewerFormat { found, supported, .. } => OpenError::NewerFormat { data, found, supported },
        LogError::Mark { .. } => OpenError::DamagedMark { data, reason: error.to_string() },
        LogError::Corrupt { .. } => OpenError::Corrupt { data, reason: format!("{error}. {}", error.hint()) },
        LogError::Poisoned { .. } => OpenError::Poisoned { reason: error.to_string() },
        other => OpenError::Unusable { data, reason: format!("{other}. {}", other.hint()) },
    }
}
