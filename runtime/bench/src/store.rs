//! `camshaft-bench store`: the embedded store below the tables, under the tables' own shape.
//!
//! A frozen overlay of about 64 MiB goes into a store of five million keys as one atomic, durable batch while a
//! thread reads. Each run is a child process, so that memory is measured from zero and a child can be killed in the
//! middle of a batch.

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
use tempfile::TempDir;

use self::heed::HeedStore;
use self::job::{Job, Loaded, Opened};
use self::journal::JournalStore;
use self::workload::Workload;
use crate::measure::{Figure, interleave, median, report};

/// What a budget of 256 MiB leaves for fjall's cache beside two overlays of 64 MiB. LMDB has the page cache instead.
const CACHE_BYTES: u64 = 32 << 20;

/// How to run the measurement.
#[derive(Args)]
pub struct Arguments {
    /// A fortieth of the keys and one round: shows that it runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// How many times each engine is loaded; the medians are of these.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many batches overwrite keys at random after the fill, if not as many as usual.
    #[arg(long)]
    overwrites: Option<u64>,
    /// How many times each engine is killed in the middle of a batch.
    #[arg(long, default_value_t = 10)]
    kills: usize,
    /// The folder to put the stores in; it should be on the disk that is to be measured.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// The engines to compare.
    #[arg(long, value_delimiter = ',', default_value = "fjall,fjall-journal,heed")]
    engines: Vec<Engine>,
    /// Write the figures there, too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// What a child process does; set by the measurement itself.
    #[arg(long, hide = true)]
    job: Option<Job>,
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

/// Runs the measurement, or the part of it that a child process was started for.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut workload = if arguments.quick { Workload::QUICK } else { Workload::FULL };
    workload.overwrites = arguments.overwrites.unwrap_or(workload.overwrites);
    if let Some(job) = arguments.job {
        return job::run(job, arguments.engines[0], &arguments.folder, &workload);
    }
    let rounds = if arguments.quick { 1 } else { arguments.rounds };
    println!(
        "{} keys, batches of {} changes, {rounds} rounds, {} kills; other work on this machine shifts all figures, so compare within this table only",
        workload.keys, workload.batch, arguments.kills
    );
    let results = interleave(rounds, &arguments.engines, |engine, round, bar| {
        let kills = if round == 0 { arguments.kills } else { 0 };
        measure_once(engine, arguments, kills, bar)
    })?;
    let names: Vec<String> = arguments.engines.iter().map(|engine| engine.name()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    report(&names, &figures(&results), arguments.json.as_deref())
}

/// What one engine did in one round.
struct Measured {
    loaded: Loaded,
    clean: Opened,
    killed: Vec<Opened>,
}

fn measure_once(
    engine: Engine,
    arguments: &Arguments,
    kills: usize,
    bar: &ProgressBar,
) -> anyhow::Result<Measured> {
    let folder = TempDir::new_in(&arguments.folder)?;
    let child = |job| process::Child { engine, job, folder: folder.path(), arguments };
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

fn figures(results: &[Vec<Measured>]) -> Vec<Figure> {
    let figure = |name: &str, value: &dyn Fn(&Measured) -> f64| Figure {
        name: name.to_owned(),
        medians: results.iter().map(|runs| median(runs.iter().map(value).collect())).collect(),
    };
    let mut figures = vec![
        figure("first fill, batch, µs per entry", &|m| m.loaded.fill.micros_per_entry),
        figure("overwrite, batch, µs per entry", &|m| m.loaded.steady.micros_per_entry),
        figure("overwrite, slowest batch, s", &|m| m.loaded.steady.slowest_batch_seconds),
        figure("overwrite until settled, µs per entry", &|m| m.loaded.steady.settled_micros_per_entry),
        figure("overwrite, CPU until settled, µs per entry", &|m| m.loaded.steady.cpu_micros_per_entry),
        figure("overwrite, written to disk, bytes per entry", &|m| m.loaded.steady.disk_bytes_per_entry),
        figure("get alone, p50, µs", &|m| m.loaded.alone.p50_micros),
        figure("get alone, p99, µs", &|m| m.loaded.alone.p99_micros),
        figure("get during a flush, p50, µs", &|m| m.loaded.during.p50_micros),
        figure("get during a flush, p99, µs", &|m| m.loaded.during.p99_micros),
        figure("get during a flush, p99.9, µs", &|m| m.loaded.during.p999_micros),
        figure("log's sync alone, p50, µs", &|m| m.loaded.log_alone.p50_micros),
        figure("log's sync alone, p99, µs", &|m| m.loaded.log_alone.p99_micros),
        figure("log's sync during a flush, p50, µs", &|m| m.loaded.log_during.p50_micros),
        figure("log's sync during a flush, p99, µs", &|m| m.loaded.log_during.p99_micros),
        figure("peak RssAnon without the batch, MiB", &|m| m.loaded.peak_anonymous_mib),
        figure("peak RssFile, MiB", &|m| m.loaded.peak_file_mib),
        figure("disk after the fill, MiB", &|m| m.loaded.fill.disk_mib),
        figure("disk after overwrites, MiB", &|m| m.loaded.steady.disk_mib),
        figure("disk at its largest, MiB", &|m| m.loaded.steady.largest_disk_mib),
        figure("cold open after a clean close, ms", &|m| m.clean.open_ms),
        figure("cold get after that, p50, µs", &|m| m.clean.gets.p50_micros),
        figure("cold batch after that, s", &|m| m.clean.batch_seconds),
    ];
    if results.iter().all(|runs| runs.iter().any(|m| !m.killed.is_empty())) {
        let opens = |runs: &Vec<Measured>| runs.iter().flat_map(|m| &m.killed).map(|o| o.open_ms).collect();
        figures.push(Figure {
            name: "open after kill -9 in a batch, ms".to_owned(),
            medians: results.iter().map(|runs| median(opens(runs))).collect(),
        });
    }
    figures
}
