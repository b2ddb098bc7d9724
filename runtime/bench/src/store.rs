//! `camshaft-bench store`: the embedded store below the tables, under the tables' own shape.
//!
//! A frozen overlay of about 64 MiB goes into a store of five million keys as one atomic, durable batch while
//! a thread reads. Each run is a child process, so that memory is measured from zero and a child can be
//! killed in the middle of a batch.

mod heed;
mod job;
mod journal;
mod killing;
mod process;
mod workload;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use camshaft_tables::store::{FjallStore, Store};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use self::heed::HeedStore;
use self::job::{Job, Loaded, Opened};
use self::journal::JournalStore;
use self::workload::Workload;
use crate::bench::Bench;
use crate::measure::interleave;
use crate::report::{Better, Grid, Report};

/// What a budget of 256 MiB leaves for fjall's cache beside two overlays of 64 MiB. LMDB has the page cache
/// instead.
const CACHE_BYTES: u64 = 32 << 20;

/// How to run the measurement.
#[derive(Args)]
pub struct Arguments {
    /// How many batches overwrite keys at random after the fill, if not as many as usual.
    #[arg(long)]
    overwrites: Option<u64>,
    /// How many times each engine is killed in the middle of a batch.
    #[arg(long, default_value_t = 10)]
    kills: usize,
    /// The engines to compare.
    #[arg(long, value_delimiter = ',', default_value = "fjall,fjall-journal,heed")]
    engines: Vec<Engine>,
    /// What a child process does; set by the measurement itself.
    #[arg(long, hide = true, requires = "data")]
    job: Option<Job>,
    /// Where the store of a child process lies.
    #[arg(long, hide = true)]
    data: Option<PathBuf>,
    /// Whether a child process works with few keys.
    #[arg(long, hide = true)]
    few: bool,
}

/// A store to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// fjall as the runtime uses it: a batch is added as a sorted table.
    Fjall,
    /// fjall, a batch going through its journal and memtable.
    FjallJournal,
    /// LMDB.
    Heed,
}

impl Engine {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn open(self, path: &Path) -> anyhow::Result<Box<dyn Settle>> {
        Ok(match self {
            Engine::Fjall => Box::new(FjallStore::open(path, CACHE_BYTES)?),
            Engine::FjallJournal => Box::new(JournalStore::open(path)?),
            Engine::Heed => Box::new(HeedStore::open(path)?),
        })
    }
}

/// A store whose background work can be waited for, so that it is counted.
pub trait Settle: Store {
    /// Returns when nothing is left to do in the background.
    fn settle(&self) {}
}

impl Settle for FjallStore {
    fn settle(&self) {
        wait_until_quiet(|| self.is_settled());
    }
}

/// fjall tells what runs, not what is queued; twenty quiet milliseconds in a row count as an end.
fn wait_until_quiet(quiet: impl Fn() -> bool) {
    let mut times = 0;
    while times < 4 {
        times = if quiet() { times + 1 } else { 0 };
        thread::sleep(Duration::from_millis(5));
    }
}

/// Does the job of a child process, if that is what the arguments ask for.
pub fn part(arguments: &Arguments) -> Option<anyhow::Result<()>> {
    let (job, data) = (arguments.job?, arguments.data.as_deref()?);
    let mut workload = if arguments.few { Workload::QUICK } else { Workload::FULL };
    workload.overwrites = arguments.overwrites.unwrap_or(workload.overwrites);
    Some(job::run(job, arguments.engines[0], data, &workload))
}

/// Compares the engines.
pub fn run(bench: &Bench, arguments: &Arguments) -> anyhow::Result<Report> {
    let workload = bench.scale(Workload::FULL, Workload::QUICK);
    let rounds = bench.rounds(3);
    let results = interleave(rounds, &arguments.engines, |engine, round, bar| {
        let kills = if round == 0 { arguments.kills } else { 0 };
        measure_once(bench, engine, arguments, kills, bar)
    })?;
    let names = arguments.engines.iter().map(|engine| engine.name());
    let mut grid = Grid::new("a store below the tables", "unit as named", Better::Lower, names);
    add_figures(&mut grid, &results);
    let report = Report::new("store", "The embedded store below the tables, under the tables' own shape.")
        .setting("keys", workload.keys.to_string())
        .setting("changes in a batch", workload.batch.to_string())
        .setting("rounds", rounds.to_string())
        .setting("kills", arguments.kills.to_string());
    Ok(Report { grids: vec![grid], ..report })
}

/// What one engine did in one round.
struct Measured {
    loaded: Loaded,
    clean: Opened,
    killed: Vec<Opened>,
}

fn measure_once(
    bench: &Bench,
    engine: Engine,
    arguments: &Arguments,
    kills: usize,
    bar: &ProgressBar,
) -> anyhow::Result<Measured> {
    let folder = bench.data()?;
    let child = |job| process::Child { engine, job, folder: folder.path(), few: bench.quick, arguments };
    bar.set_message(format!("{}: fill, then overwrite", engine.name()));
    let loaded = child(Job::Load).result()?;
    bar.set_message(format!("{}: open", engine.name()));
    process::forget_pages(folder.path())?;
    let clean = child(Job::Open).result()?;
    let mut killed = Vec::new();
    for number in 0..kills {
        bar.set_message(format!("{}: kill {} of {kills}", engine.name(), number + 1));
        killed.push(killing::kill_and_verify(&child(Job::Hammer), &child(Job::Verify), number)?);
    }
    Ok(Measured { loaded, clean, killed })
}

/// A figure's name and where it is found.
type Figure<'f> = (&'f str, &'f dyn Fn(&Measured) -> f64);

fn add_figures(grid: &mut Grid, results: &[Vec<Measured>]) {
    let figures: [Figure<'_>; 23] = [
        ("first fill, batch, µs per entry", &|m| m.loaded.fill.micros_per_entry),
        ("overwrite, batch, µs per entry", &|m| m.loaded.steady.micros_per_entry),
        ("overwrite, slowest batch, s", &|m| m.loaded.steady.slowest_batch_seconds),
        ("overwrite until settled, µs per entry", &|m| m.loaded.steady.settled_micros_per_entry),
        ("overwrite, CPU until settled, µs per entry", &|m| m.loaded.steady.cpu_micros_per_entry),
        ("overwrite, written to disk, bytes per entry", &|m| m.loaded.steady.disk_bytes_per_entry),
        ("get alone, p50, µs", &|m| m.loaded.alone.p50_micros),
        ("get alone, p99, µs", &|m| m.loaded.alone.p99_micros),
        ("get during a flush, p50, µs", &|m| m.loaded.during.p50_micros),
        ("get during a flush, p99, µs", &|m| m.loaded.during.p99_micros),
        ("get during a flush, p99.9, µs", &|m| m.loaded.during.p999_micros),
        ("log's sync alone, p50, µs", &|m| m.loaded.log_alone.p50_micros),
        ("log's sync alone, p99, µs", &|m| m.loaded.log_alone.p99_micros),
        ("log's sync during a flush, p50, µs", &|m| m.loaded.log_during.p50_micros),
        ("log's sync during a flush, p99, µs", &|m| m.loaded.log_during.p99_micros),
        ("peak RssAnon without the batch, MiB", &|m| m.loaded.peak_anonymous_mib),
        ("peak RssFile, MiB", &|m| m.loaded.peak_file_mib),
        ("disk after the fill, MiB", &|m| m.loaded.fill.disk_mib),
        ("disk after overwrites, MiB", &|m| m.loaded.steady.disk_mib),
        ("disk at its largest, MiB", &|m| m.loaded.steady.largest_disk_mib),
        ("cold open after a clean close, ms", &|m| m.clean.open_ms),
        ("cold get after that, p50, µs", &|m| m.clean.gets.p50_micros),
        ("cold batch after that, s", &|m| m.clean.batch_seconds),
    ];
    for (name, value) in figures {
        grid.row(name, results.iter().map(|runs| runs.iter().map(value).collect()).collect());
    }
    if results.iter().all(|runs| runs.iter().any(|m| !m.killed.is_empty())) {
        let opens = |runs: &Vec<Measured>| runs.iter().flat_map(|m| &m.killed).map(|o| o.open_ms).collect();
        grid.row("open after kill -9 in a batch, ms", results.iter().map(opens).collect());
    }
}
