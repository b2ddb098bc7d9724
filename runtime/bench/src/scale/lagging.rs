//! Lagging consumers: all read the same log from its start at once.

use std::time::Instant;

use anyhow::Result;
use camshaft::Runtime;

use super::load::{self, DATA_BYTES, handled};
use crate::bench::Bench;
use crate::event::{TYPE, event};
use crate::measure::interleave;
use crate::report::{Better, Grid, Report};

pub(super) fn run(bench: &Bench) -> Result<Report> {
    let counts: &[usize] = bench.scale(&[1, 10, 50], &[1, 10]);
    let events = bench.scale(100_000, 2_000);
    let rounds = bench.rounds(2);
    let threads = crate::bench::threads()?;
    let results = interleave(rounds, counts, |count, _, bar| {
        bar.set_message(format!("{count} lagging consumers"));
        threads.block_on(measure(bench, count, events))
    })?;
    let names = counts.iter().map(|count| format!("{count} consumers"));
    let mut grid = Grid::new("lagging consumers", "handlings/s in all", Better::Higher, names);
    grid.base = Some(0);
    grid.row(format!("{events} events each"), results);
    let about = "closures that do nothing, subscribed at once to a log that is there";
    let report = Report::new("lagging", about).setting("rounds", rounds.to_string());
    Ok(Report { grids: vec![grid], ..report })
}

async fn measure(bench: &Bench, count: usize, events: u64) -> Result<f64> {
    let folder = bench.data()?;
    let runtime = Runtime::open(crate::bench::config(&folder)).await?;
    load::publish(&runtime, 0..events, |number| event(number, DATA_BYTES)).await?;
    let started = Instant::now();
    let names = load::subscribe_idlers(&runtime, count, |_| vec![TYPE.to_owned()]).await?;
    handled(&runtime, &names).await?;
    let rate = (events * count as u64) as f64 / started.elapsed().as_secs_f64();
    runtime.shutdown().await;
    Ok(rate)
}
