//! The main job: an event handled exactly once with one state read, one write and one published event.
//!
//! The runtime with one and with two workers, beside native consumers of JetStream and Redis that do the same
//! by hand, and beside a plain Rust loop over a log file. The events lie in the log before the clock starts:
//! handling is measured, not publishing.

mod floor;
pub mod jetstream;
pub mod redis;
mod runtime;

use anyhow::Result;
use clap::Parser;

use crate::bench::Bench;
use crate::event::KEYS;
use crate::measure::interleave;
use crate::peers::Sync;
use crate::report::{Better, Grid, Report};

/// Sizes of an event's data.
const SIZES: [usize; 2] = [256, 4096];

/// What others are compared with: as many workers as the machines that we measure on have cores.
const BASE: &str = "Camshaft, 2 workers";

/// Measures the handling of events.
#[derive(Parser)]
pub struct Arguments {
    /// Events per run of the runtime; peers get fewer, as rates are compared.
    #[arg(long)]
    events: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contender {
    Runtime { workers: usize },
    JetStream(Sync),
    Redis(Sync),
    Floor,
}

/// All of them; within each round in this order.
const CONTENDERS: [Contender; 7] = [
    Contender::Runtime { workers: 1 },
    Contender::Runtime { workers: 2 },
    Contender::JetStream(Sync::Always),
    Contender::JetStream(Sync::Default),
    Contender::Redis(Sync::Always),
    Contender::Redis(Sync::Default),
    Contender::Floor,
];

impl Contender {
    fn name(self) -> String {
        match self {
            Self::Runtime { workers: 1 } => "Camshaft, 1 worker".to_owned(),
            Self::Runtime { workers } => format!("Camshaft, {workers} workers"),
            Self::JetStream(_) => "JetStream".to_owned(),
            Self::Redis(_) => "Redis".to_owned(),
            Self::Floor => "plain loop".to_owned(),
        }
    }

    /// Whether it is compared where peers sync as `sync` says; all others sync always.
    fn is_in(self, sync: Sync) -> bool {
        match self {
            Self::JetStream(own) | Self::Redis(own) => own == sync,
            Self::Runtime { .. } | Self::Floor => true,
        }
    }
}

/// What one run does.
#[derive(Clone, Copy)]
struct Work {
    events: u64,
    bytes: usize,
}

pub fn run(bench: &Bench, arguments: &Arguments) -> Result<Report> {
    let events = arguments.events.unwrap_or(bench.scale(200_000, 5_000));
    let rounds = bench.rounds(5);
    let component = camshaft_test_guests::component("updates");
    let threads = crate::bench::threads()?;
    let mut durable = grid("every acknowledged event and effect is synced", Sync::Always);
    let mut weak = grid("peers with their default, weaker sync", Sync::Default);
    for bytes in SIZES {
        let work = Work { events, bytes };
        let results = interleave(rounds, &CONTENDERS, |contender, _, bar| {
            bar.set_message(format!("{}, {bytes} bytes", contender.name()));
            let folder = bench.data()?;
            threads.block_on(async {
                match contender {
                    Contender::Runtime { workers } => {
                        runtime::run(work, workers, component, &folder).await.map(Some)
                    }
                    Contender::JetStream(sync) => match bench.peers.jetstream(sync, folder.path()).await? {
                        Some(server) => jetstream::run(&server, work.fewer(20)).await.map(Some),
                        None => Ok(None),
                    },
                    Contender::Redis(sync) => match bench.peers.redis(sync, folder.path()).await? {
                        Some(server) => redis::run(&server, work.fewer(5)).await.map(Some),
                        None => Ok(None),
                    },
                    Contender::Floor => floor::run(work, folder.path()).map(Some),
                }
            })
        })?;
        for (grid, sync) in [(&mut durable, Sync::Always), (&mut weak, Sync::Default)] {
            let within = CONTENDERS.iter().zip(&results).filter(|(contender, _)| contender.is_in(sync));
            let cells = within.map(|(_, rates)| rates.iter().flatten().copied().collect()).collect();
            grid.row(format!("{bytes} bytes"), cells);
        }
    }
    let report = Report::new(
        "pipeline",
        "Events handled exactly once, each with one state read, one write and one published event.",
    )
    .setting("events a run", format!("{events}; JetStream a twentieth, Redis a fifth of that"))
    .setting("rounds", rounds.to_string())
    .setting("state keys", KEYS.to_string())
    .setting("Camshaft", "a plugin written in Rust; it is paused while the events are published, and the clock starts when it goes on")
    .setting("JetStream", jetstream::ABOUT)
    .setting("Redis", redis::ABOUT)
    .setting("plain loop", floor::ABOUT);
    Ok(Report { grids: vec![durable, weak], ..report })
}

fn grid(title: &str, sync: Sync) -> Grid {
    let names = CONTENDERS.iter().filter(|contender| contender.is_in(sync)).map(|contender| contender.name());
    Grid::new(title, "events/s", Better::Higher, names).base(BASE)
}

impl Work {
    fn fewer(self, times: u64) -> Self {
        Self { events: (self.events / times).max(200), ..self }
    }
}
