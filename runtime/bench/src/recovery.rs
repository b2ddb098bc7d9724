//! How long the runtime takes to be back after kill -9, by how much its log holds; and that it lost and
//! doubled nothing.
//!
//! Each kill hits a process of its own amid publishing and handling. Afterwards this process opens the same
//! folder, lets what was left be handled, and compares the sums in the state with the events in the log.

mod load;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use camshaft::{Config, Runtime};

use crate::bench::Bench;
use crate::measure::interleave;
use crate::process::{Process, printed};
use crate::report::{Better, Grid, Report};
use crate::scheduling::as_usual;
pub use load::{LoadArguments, run as load};

/// How often it is looked how far the load is.
const LOOK: Duration = Duration::from_millis(10);

/// How long a recovery's rest may take to be handled.
const PATIENCE: Duration = Duration::from_secs(300);

/// What one kill and the start after it showed.
struct Back {
    /// Until events are accepted.
    open: Duration,
    /// Until all that was published is handled.
    handled: Duration,
    events: u64,
    /// Events that were handled more or less than once, in sum.
    wrong: f64,
}

pub fn run(bench: &Bench) -> Result<Report> {
    let sizes: &[u64] = bench.scale(&[10_000, 300_000, 3_000_000], &[2_000]);
    let rounds = bench.rounds(3);
    let threads = crate::bench::threads()?;
    let results = interleave(rounds, sizes, |events, _, bar| {
        bar.set_message(format!("killed after {events} events"));
        threads.block_on(kill_and_open(bench, events))
    })?;
    let columns = ["accepts events, ms", "all handled, ms", "events in the log", "not exactly once"];
    let mut grid = Grid::new("after kill -9", "unit as named", Better::Lower, columns);
    for (events, backs) in sizes.iter().zip(&results) {
        let column = |value: fn(&Back) -> f64| backs.iter().map(value).collect();
        grid.row(
            format!("killed after {events} events"),
            vec![
                column(|back| back.open.as_secs_f64() * 1e3),
                column(|back| back.handled.as_secs_f64() * 1e3),
                column(|back| back.events as f64),
                column(|back| back.wrong),
            ],
        );
    }
    let report = Report::new("recovery", "How long the runtime takes to be back after kill -9.")
        .setting("load", load::ABOUT)
        .setting("rounds", rounds.to_string())
        .setting("page cache", "warm: the machine goes on, the process does not");
    Ok(Report { grids: vec![grid], ..report })
}

async fn kill_and_open(bench: &Bench, events: u64) -> Result<Back> {
    let folder = bench.data()?;
    let data = folder.path().canonicalize()?;
    kill_amid_load(bench, &data, events)?;
    let started = Instant::now();
    let runtime = Runtime::open(config(&data)).await?;
    let open = started.elapsed();
    load::subscribe(&runtime).await?;
    loop {
        let view = runtime.consumer(load::CONSUMER).await?.context("the closure is a consumer")?;
        if view.lag == 0 && view.in_flight == 0 {
            break;
        }
        ensure!(started.elapsed() < PATIENCE, "what was published is not handled: {view:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let handled = started.elapsed();
    let published = load::published(&runtime).await?;
    let counted = load::counted(&runtime).await?;
    runtime.shutdown().await;
    Ok(Back { open, handled, events: published, wrong: published.abs_diff(counted) as f64 })
}

/// Runs the load in a process of its own and kills it once it has said that so many events are handled.
fn kill_amid_load(bench: &Bench, data: &Path, events: u64) -> Result<()> {
    let place = crate::process::folder(&bench.folder)?;
    let folder = place.path().to_owned();
    let mut command = as_usual(std::env::current_exe()?);
    command.arg("load").arg("--data").arg(data);
    let mut process = Process::start(command, place)?;
    let handled = |printed: String| printed.lines().filter_map(|line| line.parse::<u64>().ok()).max();
    while handled(printed(&folder)) < Some(events) {
        ensure!(process.runs()?, "the load ended by itself: {}", printed(&folder));
        thread::sleep(LOOK);
    }
    // Dropping it is the SIGKILL.
    drop(process);
    Ok(())
}

fn config(data: &Path) -> Config {
    Config { data: data.join("data"), plugins: data.join("plugins"), ..Config::default() }
}
