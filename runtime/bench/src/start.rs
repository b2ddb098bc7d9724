//! `camshaft-bench start`: how long a start takes with many plugins, whose code is cached or not.
//!
//! All plugins are the same program under other names, each file with bytes of its own, so that nothing is
//! shared.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use camshaft::{Config, Runtime};
use clap::Parser;

use crate::bench::Bench;
use crate::report::{Better, Grid, Report};

/// How often it is looked whether all plugins run.
const LOOK: Duration = Duration::from_millis(1);

/// Measures a start with many plugins.
#[derive(Parser)]
pub struct Arguments {
    /// How many plugins [default: 100]
    #[arg(long)]
    plugins: Option<usize>,
}

/// What one start took.
#[derive(Clone, Copy)]
struct Start {
    /// Until events are accepted.
    open: Duration,
    /// Until all plugins run.
    all: Duration,
}

pub fn run(bench: &Bench, arguments: &Arguments) -> Result<Report> {
    let plugins = arguments.plugins.unwrap_or(bench.scale(100, 5));
    let rounds = bench.rounds(5);
    let folder = bench.data()?;
    let bytes = write_plugins(folder.path(), plugins)?;
    let mut grid = Grid::new("until it is there", "ms", Better::Lower, ["accepts events", "all plugins run"]);
    let mut add = |name: &str, starts: &[Start]| {
        let column = |time: fn(&Start) -> Duration| {
            starts.iter().map(time).map(|time| time.as_secs_f64() * 1e3).collect()
        };
        grid.row(name, vec![column(|start| start.open), column(|start| start.all)]);
    };
    let forget = |what: &str| Ok(fs::remove_dir_all(folder.path().join("data").join(what))?);
    add("nothing known", &starts(1, || Ok(()), folder.path(), plugins)?);
    // What ran last is loaded from the kept copies and their cached code, and the files are only compared.
    add("as it was left", &starts(rounds, || Ok(()), folder.path(), plugins)?);
    add("cached code only", &starts(rounds, || forget("versions"), folder.path(), plugins)?);
    add("compiled anew", &starts(1, || forget("code"), folder.path(), plugins)?);
    let report = Report::new("start", "A start with many plugins, whose code is cached or not.")
        .setting("plugins", format!("{plugins}, {} KiB each", bytes / 1024))
        .setting("rounds", rounds.to_string());
    Ok(Report { grids: vec![grid], ..report })
}

/// Starts so many times, each after `prepare`.
fn starts(
    rounds: usize,
    prepare: impl Fn() -> Result<()>,
    folder: &Path,
    plugins: usize,
) -> Result<Vec<Start>> {
    let mut starts = Vec::new();
    for _ in 0..rounds {
        prepare()?;
        starts.push(start(folder, plugins)?);
    }
    Ok(starts)
}

fn start(folder: &Path, plugins: usize) -> Result<Start> {
    let config = Config { data: folder.join("data"), plugins: folder.join("plugins"), ..Config::default() };
    let tokio = tokio::runtime::Runtime::new()?;
    let begin = Instant::now();
    let runtime = tokio.block_on(Runtime::open(config))?;
    let open = begin.elapsed();
    loop {
        let views = tokio.block_on(runtime.plugins())?;
        if views.iter().filter(|plugin| plugin.activation.is_some()).count() >= plugins {
            break;
        }
        ensure!(begin.elapsed() < Duration::from_secs(600), "not all plugins run: {views:#?}");
        thread::sleep(LOOK);
    }
    let all = begin.elapsed();
    tokio.block_on(runtime.shutdown());
    Ok(Start { open, all })
}

/// Writes the plugins, and returns the length of one.
pub fn write_plugins(folder: &Path, count: usize) -> Result<usize> {
    let plugins = folder.join("plugins");
    fs::create_dir(&plugins)?;
    let code = fs::read(camshaft_test_guests::component("without-manifest"))?;
    for number in 0..count {
        let manifest = format!(
            "manifest = 1\nname = \"plugin-{number}\"\nversion = \"1.0.0\"\n[[subscriptions]]\n\
             handler = \"handle\"\ntypes = [\"test.event\"]\n"
        );
        fs::write(plugins.join(format!("plugin-{number}.toml")), manifest)?;
        fs::write(plugins.join(format!("plugin-{number}.wasm")), with_section(&code, number)?)?;
    }
    Ok(code.len())
}

/// The component with a section that no one reads.
fn with_section(code: &[u8], number: usize) -> Result<Vec<u8>> {
    let content = format!("\x06number{number:06}");
    let mut bytes = code.to_vec();
    bytes.push(0);
    bytes.push(u8::try_from(content.len())?);
    bytes.extend(content.into_bytes());
    Ok(bytes)
}
