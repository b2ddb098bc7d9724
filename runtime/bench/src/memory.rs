//! `camshaft-bench memory`: does the whole runtime stay within its `memory` setting, however much it knows?
//!
//! A closure writes one state key per event, five million in all, so that both the state and the dedupe index are
//! many times the setting. Then the runtime is opened anew: known events must be duplicates, state must be there.
//! Each part is a child process, so that memory is measured from zero.

mod fill;
mod probe;
mod reopen;
mod workload;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use camshaft::{Config, Runtime};
use clap::{Parser, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::resident::Resident;
use workload::Workload;

/// Measures what the whole runtime takes while it knows far more than fits.
#[derive(Parser)]
pub struct Arguments {
    /// A hundredth of the keys, to see that it works.
    #[arg(long)]
    quick: bool,
    /// State keys, and events published; five million if absent.
    #[arg(long)]
    keys: Option<u64>,
    /// The runtime's `memory` setting, in MiB.
    #[arg(long, default_value_t = 256)]
    memory_mib: u64,
    /// The folder to put the data in; it should be on the disk that is to be measured.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Write the figures to this file as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// What a child process does; set by the measurement itself.
    #[arg(long, hide = true)]
    part: Option<Part>,
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

/// Runs the measurement, or the part of it that a child process was started for.
pub fn run(arguments: &Arguments) -> Result<()> {
    let keys = arguments.keys.unwrap_or(if arguments.quick { 50_000 } else { 5_000_000 });
    let workload = Workload { keys };
    if let Some(part) = arguments.part {
        let found = match part {
            Part::Fill => fill::run(arguments.config(&arguments.folder), workload),
            Part::Reopen => reopen::run(arguments.config(&arguments.folder), workload),
            Part::Probe => probe::run(&arguments.config(&arguments.folder), workload),
        };
        println!("{}", serde_json::to_string(&found?)?);
        return Ok(());
    }
    println!("{keys} state keys by as many events, memory = {} MiB", arguments.memory_mib);
    let folder = TempDir::new_in(&arguments.folder)?;
    let found =
        [Part::Fill, Part::Reopen, Part::Probe].map(|part| child(part, arguments, keys, folder.path()));
    let found: Vec<Found> = found.into_iter().collect::<Result<_>>()?;
    print(&found);
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&found)?)
            .with_context(|| format!("could not write '{}'", path.display()))?;
    }
    Ok(())
}

fn child(part: Part, arguments: &Arguments, keys: u64, folder: &Path) -> Result<Found> {
    let name = part.to_possible_value().context("every part has a name")?;
    let output = Command::new(env::current_exe()?)
        .args(["memory", "--part", name.get_name(), "--keys", &keys.to_string()])
        .args(["--memory-mib", &arguments.memory_mib.to_string(), "--folder"])
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{} failed: {}", name.get_name(), output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn print(found: &[Found]) {
    let mut moments = Table::new();
    moments.load_style(ASCII_MARKDOWN);
    moments.set_header(["after", "seconds", "RSS, MiB", "of it anonymous", "peak RSS, MiB"]);
    for Moment { after, seconds, resident } in found.iter().flat_map(|found| &found.moments) {
        let figures = [resident.all_mib, resident.anonymous_mib, resident.peak_mib];
        let cells = figures.map(|mib| format!("{mib:.0}"));
        moments.add_row([after.clone(), format!("{seconds:.1}")].into_iter().chain(cells));
    }
    println!("{moments}");
    let mut calls = Table::new();
    calls.load_style(ASCII_MARKDOWN);
    calls.set_header(["call", "times", "p50, µs", "p99, µs"]);
    for Call { what, calls: times, p50_us, p99_us } in found.iter().flat_map(|found| &found.calls) {
        calls.add_row([what.clone(), times.to_string(), format!("{p50_us:.1}"), format!("{p99_us:.1}")]);
    }
    println!("{calls}");
}

impl Arguments {
    fn config(&self, folder: &Path) -> Config {
        Config {
            data: folder.join("data"),
            plugins: folder.join("plugins"),
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
