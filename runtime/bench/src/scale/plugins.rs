//! Plugins that are loaded and not called: what memory each takes.
//!
//! A child process per count loads them from the cache of compiled code, which another child has filled
//! before, so that nothing but the plugins is left of it. What one more event leaves behind in each is looked
//! at, too.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use camshaft::{Config, Runtime, RuntimeLimits};
use clap::Parser;
use serde::{Deserialize, Serialize};

use super::load::{DATA_BYTES, micros_per_event};
use super::quiet;
use crate::bench::Bench;
use crate::event::event;
use crate::measure::progress;
use crate::report::{Better, Grid, Report};
use crate::resident::Resident;
use crate::scheduling::as_usual;
use crate::start::write_plugins;

/// How long all may take to be loaded.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the child process does: loads plugins and looks at its memory.
#[derive(Parser)]
pub struct PartArguments {
    /// How many there are.
    #[arg(long)]
    plugins: usize,
    /// Where they and the data lie.
    #[arg(long)]
    data: PathBuf,
}

/// What it found.
#[derive(Serialize, Deserialize)]
struct Found {
    /// With all of them loaded.
    loaded: Resident,
    /// After each has handled an event.
    called: Resident,
}

pub(super) fn run(bench: &Bench) -> Result<Report> {
    let counts: &[usize] = bench.scale(&[10, 100, 1_000], &[3]);
    let mut whole = Grid::new(
        "loaded plugins, the whole process",
        "MiB",
        Better::Lower,
        ["RSS", "of it anonymous", "RSS after an event each", "of it anonymous"],
    );
    let mut each = Grid::new(
        "loaded plugins, each of them",
        "KiB",
        Better::Lower,
        ["RSS", "of it anonymous", "RSS after an event each", "of it anonymous"],
    );
    let bar = progress(counts.len() + 1);
    let mut none: Option<[f64; 4]> = None;
    for count in [0].iter().chain(counts) {
        bar.set_message(format!("{count} plugins"));
        let folder = bench.data()?;
        write_plugins(folder.path(), *count)?;
        child(folder.path(), *count)?;
        let Found { loaded, called } = child(folder.path(), *count)?;
        let mib = [loaded.all_mib, loaded.anonymous_mib, called.all_mib, called.anonymous_mib];
        whole.once(format!("{count} plugins"), mib);
        match none {
            None => none = Some(mib),
            Some(none) => {
                let kib = |column: usize| (mib[column] - none[column]) * 1024.0 / *count as f64;
                each.once(format!("{count} plugins"), [0, 1, 2, 3].map(kib));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let report = Report::new("plugins", "one program under as many names, each file with bytes of its own")
        .setting("memory", "of a process that has loaded them from cached code and rests; each: beside a process without plugins")
        .setting("limits.max_instances", "twice the plugins, at least the default");
    Ok(Report { grids: vec![whole, each], ..report })
}

/// The process of its own: prints what it found.
pub fn part(arguments: &PartArguments) -> Result<()> {
    let PartArguments { plugins, data } = arguments;
    let found = crate::bench::threads()?.block_on(look(data, *plugins))?;
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

async fn look(data: &Path, plugins: usize) -> Result<Found> {
    let limits = RuntimeLimits::default();
    let max_instances = limits.max_instances.max(u32::try_from(2 * plugins)?);
    let config = Config {
        data: data.join("data"),
        plugins: data.join("plugins"),
        limits: RuntimeLimits { max_instances, ..limits },
        ..Config::default()
    };
    let began = Instant::now();
    let runtime = Runtime::open(config).await?;
    while runtime.plugins().await?.iter().filter(|plugin| plugin.activation.is_some()).count() < plugins {
        ensure!(began.elapsed() < PATIENCE, "not all plugins run");
        thread::sleep(Duration::from_millis(20));
    }
    quiet::wait();
    let loaded = Resident::now();
    let names: Vec<String> = runtime.plugins().await?.into_iter().map(|plugin| plugin.name).collect();
    if !names.is_empty() {
        let number = u64::from(std::process::id());
        micros_per_event(&runtime, &names, number..number + 1, |number| event(number, DATA_BYTES)).await?;
    }
    quiet::wait();
    let called = Resident::now();
    runtime.shutdown().await;
    Ok(Found { loaded, called })
}

fn child(folder: &Path, plugins: usize) -> Result<Found> {
    let output = as_usual(env::current_exe()?)
        .args(["scale-part", "--plugins", &plugins.to_string(), "--data"])
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "loading {plugins} plugins failed: {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}
