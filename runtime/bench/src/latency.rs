//! How long it takes from a publish to its effects being committed and visible: state written, event
//! published, all of it durable.
//!
//! With one event in flight, and at half of what the same path carries at most. Beside one fdatasync of the
//! same disk in the same round, and beside JetStream and Redis with their native consumers of `pipeline`.

mod jetstream;
mod path;
mod redis;
mod runtime;
mod syncs;

use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::measure::{interleave, percentile};
use crate::peers::Sync;
use crate::report::{Better, Grid, Report};
pub use path::{Path, Seen, at_rate, capacity};
pub use runtime::RuntimePath;
pub use syncs::{SyncsArguments, run as syncs};

/// Size of an event's data.
pub const DATA_BYTES: usize = 256;

/// Events a second that each of them is given besides, if it can take twice as many.
const EQUAL_RATE: f64 = 10_000.0;
const EQUAL_LOAD: &str = "10,000 events/s";

/// What others are compared with.
const BASE: &str = "one fdatasync";

/// The percentiles that are told.
const PARTS: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

#[derive(Clone, Copy)]
enum Contender {
    Sync,
    Runtime,
    JetStream,
    Redis,
}

const CONTENDERS: [Contender; 4] =
    [Contender::Sync, Contender::Runtime, Contender::JetStream, Contender::Redis];

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    /// Events with one in flight, or syncs.
    events: u64,
    /// How long at most load, and how long at half of it.
    time: Duration,
}

/// What one round of one contender found.
#[derive(Default)]
struct Round {
    /// Events per second at most, if there is such a thing.
    capacity: Option<f64>,
    /// In microseconds, with one in flight, at half load and at the same load for all.
    alone: Vec<f64>,
    half: Vec<f64>,
    equal: Vec<f64>,
}

impl Contender {
    const fn name(self) -> &'static str {
        match self {
            Self::Sync => BASE,
            Self::Runtime => "Camshaft",
            Self::JetStream => "JetStream",
            Self::Redis => "Redis",
        }
    }
}

pub fn run(bench: &Bench) -> Result<Report> {
    let extent = Extent {
        events: bench.scale(3_000, 50),
        time: bench.scale(Duration::from_secs(5), Duration::from_millis(200)),
    };
    let rounds = bench.rounds(5);
    let threads = crate::bench::threads()?;
    let mut results = interleave(rounds, &CONTENDERS, |contender, _, bar| {
        bar.set_message(contender.name());
        threads.block_on(measure(bench, contender, extent))
    })?;
    let names = || CONTENDERS.map(Contender::name);
    let mut capacities = Grid::new("at most, 256 publishes in flight", "events/s", Better::Higher, names());
    let capacity = |rounds: &Vec<Round>| rounds.iter().filter_map(|round| round.capacity).collect();
    capacities.row("published one at a time, and handled", results.iter().map(capacity).collect());
    let mut waits = Grid::new("from publish to effects", "µs", Better::Lower, names()).base(BASE);
    for (load, times) in [
        ("one in flight", (|round| &mut round.alone) as fn(&mut Round) -> &mut Vec<f64>),
        ("half load", |round| &mut round.half),
        (EQUAL_LOAD, |round| &mut round.equal),
    ] {
        for (name, part) in PARTS {
            let samples = results.iter_mut().map(|rounds| {
                let measured = rounds.iter_mut().map(times).filter(|times| !times.is_empty());
                measured.map(|times| percentile(times, part)).collect()
            });
            waits.row(format!("{load}, {name}"), samples.collect());
        }
    }
    let report = Report::new("latency", "From a publish to its effects: durable, and seen by a reader of the log.")
        .setting("data", format!("{DATA_BYTES} bytes"))
        .setting("events with one in flight", extent.events.to_string())
        .setting("seconds at most and at half load", extent.time.as_secs_f64().to_string())
        .setting("under load", "after a fifth of that time at the same rate, which is not measured")
        .setting(EQUAL_LOAD, "for whoever takes at least twice as many")
        .setting("rounds", rounds.to_string())
        .setting("one fdatasync", syncs::ABOUT)
        .setting("Camshaft", runtime::ABOUT)
        .setting("JetStream and Redis", "synced always; the consumers of `pipeline`, which say themselves when an event's effects are acknowledged");
    Ok(Report { grids: vec![waits, capacities], ..report })
}

async fn measure(bench: &Bench, contender: Contender, extent: Extent) -> Result<Round> {
    let folder = bench.data()?;
    match contender {
        Contender::Sync => {
            Ok(Round { alone: syncs::measure(folder.path(), extent.events)?, ..Round::default() })
        }
        Contender::Runtime => {
            let (path, seen) = RuntimePath::open(crate::bench::config(&folder)).await?;
            let round = drive(path.clone(), seen, extent).await;
            path.close().await;
            round
        }
        Contender::JetStream => match bench.peers.jetstream(Sync::Always, folder.path()).await? {
            Some(server) => {
                let (path, seen) = jetstream::open(&server).await?;
                drive(path, seen, extent).await
            }
            None => Ok(Round::default()),
        },
        Contender::Redis => match bench.peers.redis(Sync::Always, folder.path()).await? {
            Some(server) => {
                let (path, seen) = redis::open(&server).await?;
                drive(path, seen, extent).await
            }
            None => Ok(Round::default()),
        },
    }
}

async fn drive<P: Path>(path: P, mut seen: Seen, extent: Extent) -> Result<Round> {
    // The first events open files, compile and fill caches.
    path::one_in_flight(&path, &mut seen, extent.events.div_ceil(10)).await?;
    let alone = path::one_in_flight(&path, &mut seen, extent.events).await?;
    let capacity = capacity(&path, &mut seen, extent.time).await?;
    let half = steady(&path, &mut seen, capacity / 2.0, extent).await?;
    let equal = if capacity < 2.0 * EQUAL_RATE {
        Vec::new()
    } else {
        steady(&path, &mut seen, EQUAL_RATE, extent).await?
    };
    Ok(Round { capacity: Some(capacity), alone, half, equal })
}

/// How long each of so many events a second takes, in microseconds. What the load before left behind is no
/// part of it.
async fn steady<P: Path>(path: &P, seen: &mut Seen, rate: f64, extent: Extent) -> Result<Vec<f64>> {
    at_rate(path, seen, rate, extent.time.div_f64(5.0)).await?;
    let waits = at_rate(path, seen, rate, extent.time).await?;
    Ok(waits.into_iter().map(|wait| wait.as_secs_f64() * 1e6).collect())
}
