//! Ordering keys: with one all is handled in a row, with a million hardly two events are of the same.

use anyhow::Result;
use camshaft::{Event, Runtime};

use super::load::{self, DATA_BYTES, micros_per_event, spread};
use crate::bench::Bench;
use crate::event::{TYPE, event};
use crate::measure::interleave;
use crate::report::{Better, Grid, Report};

pub(super) fn run(bench: &Bench) -> Result<Report> {
    let counts: &[u64] = bench.scale(&[1, 1_000, 1_000_000], &[1, 1_000]);
    let events = bench.scale(500_000, 5_000);
    let rounds = bench.rounds(2);
    let threads = crate::bench::threads()?;
    let results = interleave(rounds, counts, |keys, _, bar| {
        bar.set_message(format!("{keys} keys"));
        threads.block_on(async {
            let folder = bench.data()?;
            let runtime = Runtime::open(crate::bench::config(&folder)).await?;
            let names = load::subscribe_idlers(&runtime, 1, |_| vec![TYPE.to_owned()]).await?;
            let with_key = move |number: u64| Event {
                partitionkey: Some(format!("key-{}", spread(number) % keys)),
                ..event(number, DATA_BYTES)
            };
            let micros = micros_per_event(&runtime, &names, 0..events, with_key).await?;
            runtime.shutdown().await;
            Ok(micros)
        })
    })?;
    let names = counts.iter().map(|keys| format!("{keys} keys"));
    let mut grid = Grid::new("ordering keys", "µs per event", Better::Lower, names).base("1000 keys");
    grid.row("a closure that does nothing", results);
    let report = Report::new("keys", "ordering keys, spread over the events at random")
        .setting("events", events.to_string())
        .setting("rounds", rounds.to_string());
    Ok(Report { grids: vec![grid], ..report })
}
