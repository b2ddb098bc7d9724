//! The log: does an event cost as much behind ten million others as in an empty log, and what of opening and
//! reading?
//!
//! The log grows by chunks, each timed. At some of them a chunk of a new log is timed beside it, as the
//! machine is not equally fast all the time.

use std::time::Instant;

use anyhow::{Result, ensure};
use camshaft::{AttemptContext, Config, Event, Offset, Runtime, Subscription};
use tempfile::TempDir;

use super::load::{self, DATA_BYTES, handled, micros_per_event};
use super::quiet;
use crate::bench::{Bench, config};
use crate::event::{KEYS, TYPE, event};
use crate::measure::{number, progress};
use crate::report::{Better, Curve, Grid, Line, Report};

/// The closure's name.
const CONSUMER: &str = "counter";

/// Chunks of the log.
const CHUNKS: u64 = 20;

/// A chunk of a new log is timed beside every so many.
const BESIDE: u64 = 2;

/// Events that one read asks for.
const PAGE: usize = 10_000;

pub(super) fn run(bench: &Bench) -> Result<Report> {
    let events: u64 = bench.scale(10_000_000, 40_000);
    let chunk = events / CHUNKS;
    let folder = bench.data()?;
    let threads = crate::bench::threads()?;
    let columns = ["a new log", "the log that grows"];
    let mut grid = Grid::new("events in the log", "µs per event", Better::Lower, columns).base("a new log");
    let times = threads.block_on(grow(bench, &folder, chunk, &mut grid))?;
    let mut after = Grid::new("with all of them in the log", "unit as named", Better::Lower, ["value"]);
    threads.block_on(read_back(config(&folder), events, &mut after))?;
    let points = |times: &[f64]| {
        times.iter().zip(1..).map(|(time, number)| ((number * chunk) as f64 / 1e6, *time)).collect()
    };
    let curve = Curve {
        title: "an event as the log grows".to_owned(),
        across: "million events in the log".to_owned(),
        up: "µs".to_owned(),
        lines: vec![Line { name: "publish and handle".to_owned(), points: points(&times) }],
    };
    if let (Some(first), Some(last)) = (times.first(), times.last()) {
        after.once("last chunk / first chunk, times", [last / first]);
    }
    let about = format!("a closure reads and writes one of {KEYS} state keys for each event");
    let report = Report::new("log", about)
        .setting("events", format!("{events} in {CHUNKS} chunks; a new log gets one chunk"))
        .setting("opening and reading", "with the page cache as it is after writing");
    Ok(Report { grids: vec![grid, after], curves: vec![curve], ..report })
}

/// Fills the log; microseconds per event of each chunk.
async fn grow(bench: &Bench, folder: &TempDir, chunk: u64, grid: &mut Grid) -> Result<Vec<f64>> {
    let runtime = open(config(folder)).await?;
    let bar = progress(usize::try_from(CHUNKS)?);
    let mut times = Vec::new();
    for done in (0..CHUNKS).map(|chunks| chunks * chunk) {
        bar.set_message("the log grows");
        let numbers = done..done + chunk;
        let micros = micros_per_event(&runtime, &[CONSUMER], numbers, of).await?;
        if done == 0 || (done / chunk + 1).is_multiple_of(BESIDE) {
            bar.set_message("a new log");
            let new = bench.data()?;
            let beside = open(config(&new)).await?;
            let micros_beside = micros_per_event(&beside, &[CONSUMER], 0..chunk, of).await?;
            beside.shutdown().await;
            grid.once(format!("{} events", number((done + chunk) as f64)), [micros_beside, micros]);
        }
        times.push(micros);
        bar.inc(1);
    }
    runtime.shutdown().await;
    bar.finish_and_clear();
    Ok(times)
}

/// Opens the full log anew, reads all of it and has all of it handled once more.
async fn read_back(config: Config, events: u64, found: &mut Grid) -> Result<()> {
    let started = Instant::now();
    let runtime = Runtime::open(config).await?;
    found.once("opened after a clean stop, ms", [started.elapsed().as_secs_f64() * 1e3]);
    tokio::task::spawn_blocking(quiet::wait).await?;
    let (started, mut count, mut next) = (Instant::now(), 0, runtime.first_offset());
    while next < runtime.tail() {
        for stored in runtime.read(next, PAGE).await? {
            next = Offset(stored.offset.0 + 1);
            count += u64::from(stored.event.event_type == TYPE);
        }
    }
    ensure!(count == events, "{count} of {events} events were read");
    found.once("read from the start, events/s", [events as f64 / started.elapsed().as_secs_f64()]);
    let started = Instant::now();
    let names = load::subscribe_idlers(&runtime, 1, |_| vec![TYPE.to_owned()]).await?;
    handled(&runtime, &names).await?;
    found.once("handled by a new closure, events/s", [events as f64 / started.elapsed().as_secs_f64()]);
    runtime.shutdown().await;
    Ok(())
}

async fn open(config: Config) -> Result<Runtime> {
    let runtime = Runtime::open(config).await?;
    let count = |event: &Event, attempt: &mut camshaft::Attempt| {
        let key = event.partitionkey.as_deref().unwrap_or_default().as_bytes();
        let before = attempt.get(key)?.and_then(|value| value.try_into().ok()).map_or(0, u64::from_le_bytes);
        attempt.set(key, &(before + 1).to_le_bytes())?;
        Ok(())
    };
    runtime.subscribe(CONSUMER, Subscription::types([TYPE]), count).await?;
    Ok(runtime)
}

fn of(number: u64) -> Event {
    event(number, DATA_BYTES)
}
