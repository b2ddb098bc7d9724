//! Closures: one of them wants an event, or all do. Routing an event should cost by how many want it.

use anyhow::Result;
use camshaft::{Event, Runtime};

use super::load::{self, DATA_BYTES, micros_per_event};
use crate::bench::Bench;
use crate::event::event;
use crate::measure::interleave;
use crate::report::{Better, Grid, Report};

/// The type that all of them want.
const ALL: &str = "test.all";

/// The least events that all of them get, so that there are batches of them.
const LEAST_FOR_ALL: u64 = 2_000;

/// What one round with so many closures took.
struct Round {
    same: f64,
    each: f64,
    all: f64,
}

pub(super) fn run(bench: &Bench) -> Result<Report> {
    let counts: &[usize] = bench.scale(&[1, 10, 100, 1_000], &[1, 10, 100]);
    let events = bench.scale(200_000, 2_000);
    let rounds = bench.rounds(2);
    let threads = crate::bench::threads()?;
    let results = interleave(rounds, counts, |count, _, bar| {
        bar.set_message(format!("{count} subscriptions"));
        threads.block_on(measure(bench, count, events))
    })?;
    let names = counts.iter().map(|count| format!("of {count}"));
    let mut grid = Grid::new("subscriptions", "µs", Better::Lower, names).base("of 1");
    for (case, time) in [
        ("per event, always the same one wants it", (|round| round.same) as fn(&Round) -> f64),
        ("per event, another one wants each", |round| round.each),
        ("per handling, all want it", |round| round.all),
    ] {
        grid.row(case, results.iter().map(|rounds| rounds.iter().map(time).collect()).collect());
    }
    let about = "closures that do nothing, each with an exact type of its own and one that all of them want";
    let report = Report::new("subscriptions", about)
        .setting(
            "events",
            format!("{events}; as many handlings of what all want, but at least {LEAST_FOR_ALL} events"),
        )
        .setting("rounds", rounds.to_string());
    Ok(Report { grids: vec![grid], ..report })
}

async fn measure(bench: &Bench, count: usize, events: u64) -> Result<Round> {
    let folder = bench.data()?;
    let runtime = Runtime::open(crate::bench::config(&folder)).await?;
    let names = load::subscribe_idlers(&runtime, count, |number| vec![own(number), ALL.to_owned()]).await?;
    // The first events open files and fill caches.
    let first = events / 10;
    let of = |number: u64, event_type: String| Event { event_type, ..event(number, DATA_BYTES) };
    micros_per_event(&runtime, &names, 0..first, move |number| of(number, own(0))).await?;
    let end = first + events;
    let same = micros_per_event(&runtime, &names, first..end, move |number| of(number, own(0))).await?;
    let in_turn = move |number: u64| of(number, own(usize::try_from(number).unwrap_or(0) % count));
    let each = micros_per_event(&runtime, &names, end..end + events, in_turn).await?;
    let (start, for_all) = (end + events, (events / count as u64).max(LEAST_FOR_ALL.min(events)));
    let to_all = move |number: u64| of(number, ALL.to_owned());
    let all = micros_per_event(&runtime, &names, start..start + for_all, to_all).await? / count as f64;
    runtime.shutdown().await;
    Ok(Round { same, each, all })
}

/// The type that only the closure of this number wants.
fn own(closure: usize) -> String {
    format!("test.number-{closure}")
}
