//! What a child process does with one store, and the figures that it prints as a line of JSON.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::process::{self, MemoryPeak};
use super::workload::{SEQUENCE_KEY, Workload, batch_number};
use super::{Engine, Settle};
use crate::measure::percentile;

/// The part of the measurement that a child process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Job {
    /// Fill an empty store, then overwrite at random while reading.
    Load,
    /// Open, read a little, write one batch.
    Open,
    /// Write batch after batch until killed, saying where it is.
    Hammer,
    /// Open, and check that the last batch is whole and the next one absent.
    Verify,
}

/// What loading a store measured.
#[derive(Serialize, Deserialize)]
pub struct Loaded {
    pub fill: Phase,
    pub steady: Phase,
    pub alone: Gets,
    pub during: Gets,
    pub log_alone: Gets,
    pub log_during: Gets,
    pub peak_anonymous_mib: f64,
    pub peak_file_mib: f64,
}

/// A number of batches, one after another.
#[derive(Serialize, Deserialize)]
pub struct Phase {
    pub entries: usize,
    pub micros_per_entry: f64,
    pub slowest_batch_seconds: f64,
    pub settled_micros_per_entry: f64,
    pub cpu_micros_per_entry: f64,
    pub disk_bytes_per_entry: f64,
    pub disk_mib: f64,
    pub largest_disk_mib: f64,
}

/// How long gets, or the log's syncs, took.
#[derive(Serialize, Deserialize)]
pub struct Gets {
    pub p50_micros: f64,
    pub p99_micros: f64,
    pub p999_micros: f64,
}

/// What opening a store measured.
#[derive(Serialize, Deserialize)]
pub struct Opened {
    pub open_ms: f64,
    pub gets: Gets,
    /// The first batch after opening, where one was written.
    pub batch_seconds: f64,
    /// The number of the last batch in it.
    pub sequence: u64,
}

/// Runs `job` on the store in `folder` and prints its figures.
pub fn run(job: Job, engine: Engine, folder: &Path, workload: &Workload) -> anyhow::Result<()> {
    match job {
        Job::Load => print_json(&load(engine, folder, workload)?),
        Job::Open => print_json(&write_cold(engine, folder, workload)?),
        Job::Hammer => hammer(engine, folder, workload),
        Job::Verify => {
            let (store, opened) = open(engine, folder, workload)?;
            verify(&*store, opened.sequence, workload)?;
            print_json(&opened)
        }
    }
}

fn print_json(figures: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(figures)?);
    Ok(())
}

fn load(engine: Engine, folder: &Path, workload: &Workload) -> anyhow::Result<Loaded> {
    let store = engine.open(folder)?;
    let loading = Loading {
        store: &*store,
        folder,
        workload,
        memory: MemoryPeak::watch(),
        flushing: AtomicBool::new(false),
    };
    let fills = workload.fill_batches();
    let fill = loading.write_batches(1..=fills)?;
    let mut alone = Vec::new();
    while alone.len() < workload.gets {
        read_some(&*store, workload, &mut alone)?;
    }
    let mut log = Log::create(folder)?;
    let log_alone = (0..100).map(|_| log.append()).collect::<anyhow::Result<Vec<f64>>>()?;
    let done = AtomicBool::new(false);
    let (mut steady, during, log_during) = thread::scope(|scope| {
        let reader = scope.spawn(|| loading.read_during_flushes(&done));
        let writer = scope.spawn(|| loading.append_during_flushes(log, &done));
        let steady = loading.write_batches(fills + 1..=fills + workload.overwrites);
        done.store(true, Ordering::Relaxed);
        let times = reader.join().expect("the reader does not panic");
        let log_times = writer.join().expect("the log's thread does not panic");
        anyhow::Ok((steady?, times?, log_times?))
    })?;
    // The kernel counts the log's pages as this process's writes, too.
    steady.disk_bytes_per_entry -= (log_during.len() * LOG_PAGE_BYTES) as f64 / steady.entries as f64;
    let (peak_anonymous_mib, peak_file_mib) = loading.memory.peak_mib();
    Ok(Loaded {
        fill,
        steady,
        alone: gets(alone),
        during: gets(during),
        log_alone: gets(log_alone),
        log_during: gets(log_during),
        peak_anonymous_mib,
        peak_file_mib,
    })
}

/// A store being loaded.
struct Loading<'a> {
    store: &'a dyn Settle,
    folder: &'a Path,
    workload: &'a Workload,
    memory: MemoryPeak,
    flushing: AtomicBool,
}

impl Loading<'_> {
    fn write_batches(&self, numbers: impl Iterator<Item = u64>) -> anyhow::Result<Phase> {
        let (mut entries, mut written, mut settling, mut slowest) = (0, 0.0, 0.0, 0.0_f64);
        let (mut cpu, mut disk_bytes, mut largest_disk_mib) = (0.0, 0, 0.0_f64);
        for number in numbers {
            // The overlay exists already when a flush begins, so neither its time nor its memory is measured.
            let changes = self.workload.changes(number);
            self.memory.look();
            self.flushing.store(true, Ordering::Relaxed);
            let before = process::Usage::now()?;
            let start = Instant::now();
            self.store.write(&mut changes.iter().map(|(key, value)| (&key[..], Some(&value[..]))))?;
            let seconds = start.elapsed().as_secs_f64();
            self.store.settle();
            settling += start.elapsed().as_secs_f64() - seconds;
            let after = process::Usage::now()?;
            self.flushing.store(false, Ordering::Relaxed);
            self.memory.look_away();
            (entries, written, slowest) = (entries + changes.len(), written + seconds, slowest.max(seconds));
            cpu += after.cpu_seconds - before.cpu_seconds;
            disk_bytes += after.written_bytes - before.written_bytes;
            largest_disk_mib = largest_disk_mib.max(process::disk_mib(self.folder)?);
        }
        let per_entry = 1.0 / entries as f64;
        Ok(Phase {
            entries,
            micros_per_entry: written * 1e6 * per_entry,
            slowest_batch_seconds: slowest,
            settled_micros_per_entry: (written + settling) * 1e6 * per_entry,
            cpu_micros_per_entry: cpu * 1e6 * per_entry,
            disk_bytes_per_entry: disk_bytes as f64 * per_entry,
            disk_mib: process::disk_mib(self.folder)?,
            largest_disk_mib,
        })
    }

    fn read_during_flushes(&self, done: &AtomicBool) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::new();
        while !done.load(Ordering::Relaxed) {
            if self.flushing.load(Ordering::Relaxed) {
                read_some(self.store, self.workload, &mut times)?;
            }
            // A worker does other things between reads; without a pause this thread would be the load.
            thread::sleep(Duration::from_millis(1));
        }
        Ok(times)
    }

    fn append_during_flushes(&self, mut log: Log, done: &AtomicBool) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::new();
        while !done.load(Ordering::Relaxed) {
            if self.flushing.load(Ordering::Relaxed) {
                times.push(log.append()?);
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(times)
    }
}

/// What one append to the log writes.
const LOG_PAGE_BYTES: usize = 4096;

/// A preallocated file on the same disk, appended to and synced as the log is: what a flush does to it is
/// what publishers feel.
struct Log {
    file: File,
    offset: u64,
}

impl Log {
    fn create(folder: &Path) -> anyhow::Result<Log> {
        let file = File::create(folder.with_extension("log"))?;
        file.write_all_at(&vec![0; 64 << 20], 0)?;
        file.sync_all()?;
        // What was written at once is cached, and dirtied by an append, in pieces far larger than a page.
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        fs::remove_file(folder.with_extension("log"))?;
        Ok(Log { file, offset: 0 })
    }

    /// Appends a page, syncs, and returns the microseconds that this took.
    fn append(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        self.file.write_all_at(&[7; LOG_PAGE_BYTES], self.offset)?;
        self.file.sync_data()?;
        self.offset = (self.offset + LOG_PAGE_BYTES as u64) % (64 << 20);
        Ok(start.elapsed().as_secs_f64() * 1e6)
    }
}

/// Times a few gets, each of another key, in microseconds.
fn read_some(store: &dyn Settle, workload: &Workload, times: &mut Vec<f64>) -> anyhow::Result<()> {
    for _ in 0..32 {
        let key = workload.read(times.len() as u64);
        let start = Instant::now();
        store.get(&key)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(())
}

fn gets(mut times: Vec<f64>) -> Gets {
    let mut part = |part| percentile(&mut times, part);
    Gets { p50_micros: part(0.5), p99_micros: part(0.99), p999_micros: part(0.999) }
}

fn open(engine: Engine, folder: &Path, workload: &Workload) -> anyhow::Result<(Box<dyn Settle>, Opened)> {
    let start = Instant::now();
    let store = engine.open(folder)?;
    let sequence = store.get(SEQUENCE_KEY)?.context("the store holds no sequence")?;
    let open_ms = start.elapsed().as_secs_f64() * 1e3;
    let mut times = Vec::new();
    while times.len() < 1_000 {
        read_some(&*store, workload, &mut times)?;
    }
    let sequence = batch_number(&sequence).context("the sequence is a number")?;
    Ok((store, Opened { open_ms, gets: gets(times), batch_seconds: 0.0, sequence }))
}

/// As if the store were larger than what the page cache may hold: most of what a batch changes has to be read
/// first.
fn write_cold(engine: Engine, folder: &Path, workload: &Workload) -> anyhow::Result<Opened> {
    let (store, opened) = open(engine, folder, workload)?;
    let changes = workload.changes(opened.sequence + 1);
    let start = Instant::now();
    store.write(&mut changes.iter().map(|(key, value)| (&key[..], Some(&value[..]))))?;
    Ok(Opened { batch_seconds: start.elapsed().as_secs_f64(), ..opened })
}

fn hammer(engine: Engine, folder: &Path, workload: &Workload) -> anyhow::Result<()> {
    let (store, opened) = open(engine, folder, workload)?;
    let mut out = io::stdout();
    for number in opened.sequence + 1.. {
        let changes = workload.changes(number);
        writeln!(out, "begin {number}")?;
        out.flush()?;
        store.write(&mut changes.iter().map(|(key, value)| (&key[..], Some(&value[..]))))?;
        writeln!(out, "done {number}")?;
        out.flush()?;
    }
    bail!("batches do not end")
}

/// Checks that batch `sequence` is in the store to its last change and the one after it is not, in any.
fn verify(store: &dyn Settle, sequence: u64, workload: &Workload) -> anyhow::Result<()> {
    let number_of = |key: &[u8]| anyhow::Ok(store.get(key)?.as_deref().and_then(batch_number));
    let last = workload.changes(sequence);
    for key in last.keys() {
        ensure!(number_of(key)? == Some(sequence), "batch {sequence} is not whole");
    }
    for key in workload.changes(sequence + 1).keys() {
        ensure!(number_of(key)? <= Some(sequence), "a part of batch {} is there", sequence + 1);
    }
    Ok(())
}
