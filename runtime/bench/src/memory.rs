//! `camshaft-bench memory`: does the whole runtime stay within its `memory` setting, however much it knows?
//!
//! A closure writes one state key per event, five million in all, so that both the state and the dedupe index
//! are many times the setting. Then the runtime is opened anew: known events must be duplicates, state must
//! be there. Each part is a child process, so that memory is measured from zero.

mod fill;
mod probe;
mod reopen;
mod workload;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use camshaft::{Config, Runtime};
use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::measure::progress;
use crate::report::{Better, Curve, Grid, Line, Report};
use crate::resident::Resident;
use crate::scheduling::as_usual;
use workload::Workload;

/// Measures what the whole runtime takes while it knows far more than fits.
#[derive(Parser)]
pub struct Arguments {
    /// State keys, and events published; five million if absent.
    #[arg(long)]
    keys: Option<u64>,
    /// The runtime's `memory` setting, in MiB.
    #[arg(long, default_value_t = 256)]
    memory_mib: u64,
}

/// What a child process does.
#[derive(Parser)]
pub struct PartArguments {
    part: Part,
    #[arg(long)]
    keys: u64,
    #[arg(long)]
    memory_mib: u64,
    /// Where the data of all parts lies.
    #[arg(long)]
    data: PathBuf,
}

/// One child process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Publishes everything and waits until it is handled.
    Fill,
    /// Opens the runtime anew, reads state, publishes known events and new ones.
    Reopen,
    /// Looks identities up in the store alone.
    Probe,
}

/// What one child process found.
#[derive(Serialize, Deserialize)]
struct Found {
    /// The process at several moments, in order.
    moments: Vec<Moment>,
    /// What one call took.
    calls: Vec<Call>,
}

/// The process at one moment.
#[derive(Serialize, Deserialize)]
struct Moment {
    /// What had just been done.
    after: String,
    /// Since the process began.
    seconds: f64,
    resident: Resident,
}

/// How long one call of a kind took.
#[derive(Serialize, Deserialize)]
struct Call {
    what: String,
    calls: usize,
    p50_us: f64,
    p99_us: f64,
}

pub fn run(bench: &Bench, arguments: &Arguments) -> Result<Report> {
    let keys = arguments.keys.unwrap_or(bench.scale(5_000_000, 50_000));
    let folder = bench.data()?;
    let mut moments = Grid::new(
        "after",
        "unit as named",
        Better::Lower,
        ["seconds", "RSS, MiB", "of it anonymous", "peak RSS"],
    );
    let mut calls = Grid::new("a call", "unit as named", Better::Lower, ["times", "p50, µs", "p99, µs"]);
    let mut resident = Line { name: "resident".to_owned(), points: Vec::new() };
    let bar = progress(Part::value_variants().len());
    for part in Part::value_variants() {
        bar.set_message(format!("{part:?}"));
        let found = child(*part, arguments.memory_mib, keys, folder.path())?;
        for Moment { after, seconds, resident: at } in found.moments {
            moments.once(after, [seconds, at.all_mib, at.anonymous_mib, at.peak_mib]);
            if *part == Part::Fill {
                resident.points.push((seconds, at.all_mib));
            }
        }
        for Call { what, calls: times, p50_us, p99_us } in found.calls {
            calls.once(what, [times as f64, p50_us, p99_us]);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let curve = Curve {
        title: "memory while keys are written".to_owned(),
        across: "seconds".to_owned(),
        up: "MiB".to_owned(),
        lines: vec![resident],
    };
    let report =
        Report::new("memory", "What the whole runtime takes while it knows far more than its setting holds.")
            .setting("state keys", format!("{keys}, by as many events"))
            .setting("memory", format!("{} MiB", arguments.memory_mib));
    Ok(Report { grids: vec![moments, calls], curves: vec![curve], ..report })
}

/// What a child process does: prints what it found.
pub fn part(arguments: &PartArguments) -> Result<()> {
    let workload = Workload { keys: arguments.keys };
    let found = match arguments.part {
        Part::Fill => fill::run(arguments.config(), workload),
        Part::Reopen => reopen::run(arguments.config(), workload),
        Part::Probe => probe::run(&arguments.config(), workload),
    };
    println!("{}", serde_json::to_string(&found?)?);
    Ok(())
}

fn child(part: Part, memory_mib: u64, keys: u64, folder: &Path) -> Result<Found> {
    let name = part.to_possible_value().context("every part has a name")?;
    let output = as_usual(env::current_exe()?)
        .args(["memory-part", name.get_name(), "--keys", &keys.to_string()])
        .args(["--memory-mib", &memory_mib.to_string(), "--data"])
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{} failed: {}", name.get_name(), output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

impl PartArguments {
    fn config(&self) -> Config {
        Config {
            data: self.data.join("data"),
            plugins: self.data.join("plugins"),
            memory: self.memory_mib << 20,
            ..Config::default()
        }
    }
}

impl Moment {
    fn now(after: impl Into<String>, since: Instant) -> Self {
        Self { after: after.into(), seconds: since.elapsed().as_secs_f64(), resident: Resident::now() }
    }
}

/// The runtime with the closure that writes one key per event; `handled` is told each call.
async fn open(config: Config, handled: impl Fn() + Send + Sync + 'static) -> Result<Runtime> {
    let runtime = Runtime::open(config).await?;
    runtime
        .subscribe(workload::CONSUMER, workload::subscription(), move |event, attempt| {
            handled();
            workload::handle(event, attempt)
        })
        .await?;
    Ok(runtime)
}
