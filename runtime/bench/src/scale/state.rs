//! Keys in the state: an event with one read and one write, as the state grows far beyond what memory holds.
//!
//! Beside the state that grows stands a small one in a runtime of its own, and both are touched in turns.

use std::ops::Range;

use anyhow::Result;
use camshaft::{AttemptContext, Event, Runtime, Subscription};
use tempfile::TempDir;

use super::load::{micros_per_event, spread};
use super::quiet;
use crate::bench::Bench;
use crate::event::{SOURCE, TYPE};
use crate::measure::{number, progress};
use crate::report::{Better, Curve, Grid, Line, Report};

/// The closure's name.
const CONSUMER: &str = "keeper";

/// The type of events whose key is only written.
const FILL: &str = "test.filled";

/// Keys that fit in memory.
const TOUCHED: u64 = 1_000;

/// Size of a value.
const VALUE_BYTES: usize = 50;

/// What others are compared with.
const BASE: &str = "1,000 keys in all";

/// A runtime with a closure that keeps one key per event.
struct Keeper {
    runtime: Runtime,
    /// The number of the next event, so that every one has another id.
    next: u64,
    /// Keys in the state.
    keys: u64,
    _folder: TempDir,
}

pub(super) fn run(bench: &Bench) -> Result<Report> {
    let sizes: &[u64] = bench.scale(&[1_000, 10_000, 100_000, 1_000_000, 5_000_000], &[1_000, 20_000]);
    let events = bench.scale(100_000, 2_000);
    let rounds = bench.rounds(3);
    let columns = [BASE, "1,000 of the keys", "all keys alike"];
    let mut grid = Grid::new("keys in the state", "µs per event", Better::Lower, columns).base(BASE);
    let columns_of_fills = ["µs per key", "seconds until merges rest"];
    let mut fills = Grid::new("filling the state", "unit as named", Better::Lower, columns_of_fills);
    let bar = progress(sizes.len());
    crate::bench::threads()?.block_on(async {
        let mut small = Keeper::open(bench).await?;
        small.fill(TOUCHED).await?;
        let mut growing = Keeper::open(bench).await?;
        for size in sizes {
            let case = format!("{} keys", number(*size as f64));
            bar.set_message(case.clone());
            let micros = growing.fill(*size).await?;
            // What the fill left to be merged is not part of what one event costs now.
            let rested = tokio::task::spawn_blocking(quiet::wait).await?;
            fills.once(format!("to {case}"), [micros, rested.as_secs_f64()]);
            let mut samples = vec![Vec::new(); columns.len()];
            for _ in 0..rounds {
                samples[0].push(small.touch(events, TOUCHED).await?);
                samples[1].push(growing.touch(events, TOUCHED).await?);
                samples[2].push(growing.touch(events, *size).await?);
            }
            grid.row(case, samples);
            bar.inc(1);
        }
        small.runtime.shutdown().await;
        growing.runtime.shutdown().await;
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    let report =
        Report::new("state", "one state read and one write per event, of one key out of some or of all")
            .setting(
                "values",
                format!("{VALUE_BYTES} bytes that do not compress, keys of 20; so is the events' data"),
            )
            .setting("events", format!("{events} a round"))
            .setting("rounds", rounds.to_string())
            .setting(
                "1,000 keys in all",
                "a runtime of its own in the same process, in turns with the one that grows",
            );
    let curves = vec![curve(sizes, &grid)];
    Ok(Report { grids: vec![grid, fills], curves, ..report })
}

/// What an event costs beside the small state, over the size.
fn curve(sizes: &[u64], grid: &Grid) -> Curve {
    let line = |contender: usize| {
        let ratio = |row| grid.base_ahead(row, contender).map_or(f64::NAN, |ratio| ratio.median);
        let points = sizes.iter().enumerate().map(|(row, size)| ((*size as f64).log10(), ratio(row)));
        Line { name: grid.contenders[contender].clone(), points: points.collect() }
    };
    Curve {
        title: "an event beside one with 1,000 keys in all".to_owned(),
        across: "keys in the state, as a power of ten".to_owned(),
        up: "times".to_owned(),
        lines: vec![line(1), line(2)],
    }
}

impl Keeper {
    async fn open(bench: &Bench) -> Result<Self> {
        let folder = bench.data()?;
        let runtime = Runtime::open(crate::bench::config(&folder)).await?;
        let keep = |event: &Event, attempt: &mut camshaft::Attempt| {
            let key = event.partitionkey.as_deref().unwrap_or_default().as_bytes();
            if event.event_type == TYPE && attempt.get(key)?.is_none() {
                return Err(camshaft::Failure::reject("every key was filled"));
            }
            attempt.set(key, &event.data)?;
            Ok(())
        };
        runtime.subscribe(CONSUMER, Subscription::types([TYPE, FILL]), keep).await?;
        Ok(Self { runtime, next: 0, keys: 0, _folder: folder })
    }

    /// Writes keys until there are so many: microseconds per key.
    async fn fill(&mut self, keys: u64) -> Result<f64> {
        let (first, numbers) = (self.keys, self.numbers(keys - self.keys));
        let offset = numbers.start - first;
        let make = move |number| event(number, FILL, number - offset);
        let micros = micros_per_event(&self.runtime, &[CONSUMER], numbers, make).await?;
        self.keys = keys;
        Ok(micros)
    }

    /// Reads and writes `touched` of the keys in no order, evenly spread over all: microseconds per event.
    async fn touch(&mut self, events: u64, touched: u64) -> Result<f64> {
        let (numbers, apart) = (self.numbers(events), self.keys / touched);
        let make = move |number| event(number, TYPE, spread(number) % touched * apart);
        let micros = micros_per_event(&self.runtime, &[CONSUMER], numbers, make).await?;
        let view = self.runtime.consumer(CONSUMER).await?;
        anyhow::ensure!(view.is_some_and(|view| view.dead == 0), "a key was not there");
        Ok(micros)
    }

    fn numbers(&mut self, count: u64) -> Range<u64> {
        let first = self.next;
        self.next += count;
        first..self.next
    }
}

/// An event about the key of this number.
fn event(number: u64, event_type: &str, key: u64) -> Event {
    let value = (0..).flat_map(|part| spread(number ^ part << 40).to_le_bytes()).take(VALUE_BYTES);
    Event {
        id: number.to_string(),
        source: SOURCE.into(),
        event_type: event_type.into(),
        partitionkey: Some(format!("{:020}", spread(key))),
        datacontenttype: Some("application/octet-stream".into()),
        data: value.collect(),
        ..Event::default()
    }
}
