//! Durable publishing: how many events a second are acknowledged once they are synced.
//!
//! One, eight and sixty-four producers, one event at a time or many; in process and over HTTP, beside
//! JetStream and Redis Streams. Client and server share the machine. Nothing handles the events.

mod bare;
mod http;
mod in_process;
mod jetstream;
mod redis;

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::measure::interleave;
use crate::peers::Sync;
use crate::report::{Better, Grid, Report};

pub use bare::{BareArguments, serve as serve_bare};

/// Size of an event's data: a JSON document.
const DATA_BYTES: usize = 256;

/// Events that a producer sends together, or lets wait for their acknowledgement.
const BATCH: u64 = 256;

/// What others are compared with.
const BASE: &str = "Camshaft, HTTP";

/// Measures publishing.
#[derive(Parser)]
pub struct Arguments {
    /// Seconds per run.
    #[arg(long)]
    seconds: Option<f64>,
}

#[derive(Clone, Copy)]
enum Contender {
    InProcess,
    Http,
    BareHttp,
    JetStream(Sync),
    Redis(Sync),
}

/// All of them; within each round in this order.
const CONTENDERS: [Contender; 7] = [
    Contender::InProcess,
    Contender::Http,
    Contender::BareHttp,
    Contender::JetStream(Sync::Always),
    Contender::JetStream(Sync::Default),
    Contender::Redis(Sync::Always),
    Contender::Redis(Sync::Default),
];

/// One way of publishing.
#[derive(Clone, Copy)]
struct Case {
    producers: u64,
    /// Many events at a time instead of one.
    batched: bool,
}

const CASES: [Case; 6] = [
    Case { producers: 1, batched: false },
    Case { producers: 8, batched: false },
    Case { producers: 64, batched: false },
    Case { producers: 1, batched: true },
    Case { producers: 8, batched: true },
    Case { producers: 64, batched: true },
];

/// How long producers go on, and how many events each sends together.
#[derive(Clone, Copy)]
struct Load {
    producers: u64,
    batch: u64,
    time: Duration,
}

impl Contender {
    const fn name(self) -> &'static str {
        match self {
            Self::InProcess => "Camshaft, in process",
            Self::Http => BASE,
            Self::BareHttp => "a file, HTTP",
            Self::JetStream(_) => "JetStream",
            Self::Redis(_) => "Redis",
        }
    }

    /// Whether it is compared where peers sync as `sync` says; the runtime always does.
    fn is_in(self, sync: Sync) -> bool {
        match self {
            Self::JetStream(own) | Self::Redis(own) => own == sync,
            Self::InProcess | Self::Http | Self::BareHttp => true,
        }
    }
}

pub fn run(bench: &Bench, arguments: &Arguments) -> Result<Report> {
    let seconds = arguments.seconds.unwrap_or(bench.scale(2.0, 0.1));
    let rounds = bench.rounds(5);
    let threads = crate::bench::threads()?;
    let mut durable = grid("every acknowledged event is synced", Sync::Always);
    let mut weak = grid("peers with their default, weaker sync", Sync::Default);
    for Case { producers, batched } in CASES {
        let load = Load {
            producers,
            batch: if batched { BATCH } else { 1 },
            time: Duration::from_secs_f64(seconds),
        };
        let how = if batched { format!("{BATCH} at a time") } else { "one at a time".to_owned() };
        let case = format!("{producers} producer{}, {how}", if producers == 1 { "" } else { "s" });
        let results = interleave(rounds, &CONTENDERS, |contender, _, bar| {
            bar.set_message(format!("{}, {case}", contender.name()));
            threads.block_on(measure(bench, contender, load))
        })?;
        for (grid, sync) in [(&mut durable, Sync::Always), (&mut weak, Sync::Default)] {
            let within = CONTENDERS.iter().zip(&results).filter(|(contender, _)| contender.is_in(sync));
            let cells = within.map(|(_, rates)| rates.iter().flatten().copied().collect()).collect();
            grid.row(case.clone(), cells);
        }
    }
    let report = Report::new("publish", "Events acknowledged once they are durable; nothing handles them.")
        .setting("data", format!("a JSON document of {DATA_BYTES} bytes"))
        .setting("seconds a run", seconds.to_string())
        .setting("rounds", rounds.to_string())
        .setting(
            "Camshaft, in process",
            "`publish`, or `publish_batch` with 256 events, one call at a time a producer",
        )
        .setting("Camshaft, HTTP", http::ABOUT)
        .setting("a file, HTTP", bare::ABOUT)
        .setting("JetStream", "a connection a producer, a message id each, one or 256 publishes in flight")
        .setting("Redis", "a connection a producer, XADD without known ids, one or 256 in a pipeline");
    Ok(Report { grids: vec![durable, weak], ..report })
}

fn grid(title: &str, sync: Sync) -> Grid {
    let names = CONTENDERS.iter().filter(|contender| contender.is_in(sync)).map(|contender| contender.name());
    Grid::new(title, "events/s", Better::Higher, names).base(BASE)
}

/// Events per second, if the contender is there.
async fn measure(bench: &Bench, contender: Contender, load: Load) -> Result<Option<f64>> {
    let folder = bench.data()?;
    match contender {
        Contender::InProcess => in_process::run(&folder, load).await.map(Some),
        Contender::Http => http::run(folder.path(), load).await.map(Some),
        Contender::BareHttp => bare::run(folder.path(), load).await.map(Some),
        Contender::JetStream(sync) => match bench.peers.jetstream(sync, folder.path()).await? {
            Some(server) => jetstream::run(&server, load).await.map(Some),
            None => Ok(None),
        },
        Contender::Redis(sync) => match bench.peers.redis(sync, folder.path()).await? {
            Some(server) => redis::run(&server, load).await.map(Some),
            None => Ok(None),
        },
    }
}

/// Lets every producer publish until the time is over, and returns how many events a second were
/// acknowledged. A producer counts its own, and comes back once all of them are.
async fn rate<F: Future<Output = Result<u64>> + Send + 'static>(
    producers: impl IntoIterator<Item = F>,
) -> Result<f64> {
    let started = Instant::now();
    let mut working: JoinSet<Result<u64>> = producers.into_iter().collect();
    let mut acknowledged = 0;
    while let Some(done) = working.join_next().await {
        acknowledged += done??;
    }
    Ok(acknowledged as f64 / started.elapsed().as_secs_f64())
}

/// The number of a producer's event; no two are the same.
const fn numbered(producer: u64, number: u64) -> u64 {
    producer << 32 | number
}
