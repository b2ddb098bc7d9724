//! The main job: a 256-byte event handled exactly once with one state read, one write and one published event.
//!
//! The runtime with one and with two workers, beside a plain Rust loop that does the same over a log file. All
//! sync what they write. The events lie in the log before the clock starts: handling is measured, not publishing.

mod floor;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use camshaft::{Config, Event, Runtime};
use clap::Parser;

use crate::measure::{Figure, interleave, median, report};

/// Size of an event's data.
const DATA_BYTES: usize = 256;

/// State keys that the events touch.
const KEYS: u64 = 10_000;

/// Events in one publish.
const PUBLISH: u64 = 500;

/// Measures the handling of events beside a plain loop.
#[derive(Parser)]
pub struct Arguments {
    /// Fewer events and rounds, to see that it works.
    #[arg(long)]
    quick: bool,
    /// Events per run.
    #[arg(long)]
    events: Option<u64>,
    /// Write the figures to this file as JSON.
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

impl Arguments {
    /// All that is asked when nothing is.
    pub fn defaults(quick: bool) -> Self {
        Self { quick, events: None, json: None }
    }
}

#[derive(Clone, Copy)]
enum Contender {
    Runtime { workers: usize },
    Floor,
}

struct Run {
    events_per_second: f64,
    scheduling: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let events = arguments.events.unwrap_or(if arguments.quick { 20_000 } else { 200_000 });
    let rounds = if arguments.quick { 1 } else { 5 };
    let component = camshaft_test_guests::component("updates");
    let contenders = [Contender::Runtime { workers: 1 }, Contender::Runtime { workers: 2 }, Contender::Floor];
    let results = interleave(rounds, &contenders, |contender, _, bar| match contender {
        Contender::Runtime { workers } => {
            bar.set_message(format!("runtime, {workers} worker(s)"));
            through_runtime(workers, events, component)
        }
        Contender::Floor => {
            bar.set_message("plain loop");
            let events_per_second = floor::run(events)?;
            Ok(Run { events_per_second, scheduling: None })
        }
    })?;
    let scheduling = results.iter().flatten().find_map(|run| run.scheduling.clone()).unwrap_or_default();
    println!(
        "{events} events of {DATA_BYTES} bytes over {KEYS} keys, {rounds} round(s); sync thread: {scheduling}"
    );
    let speeds: Vec<Vec<f64>> =
        results.iter().map(|runs| runs.iter().map(|run| run.events_per_second).collect()).collect();
    // Ratios are made within a round, where both ran under the same conditions.
    let floor = speeds.last().context("the floor is measured")?;
    let ratios = speeds.iter().map(|runs| runs.iter().zip(floor).map(|(run, floor)| floor / run).collect());
    let figures = [
        Figure { name: "events per second".into(), medians: speeds.iter().cloned().map(median).collect() },
        Figure { name: "time relative to the plain loop".into(), medians: ratios.map(median).collect() },
    ];
    report(&["runtime, 1 worker", "runtime, 2 workers", "plain loop"], &figures, arguments.json.as_deref())
}

fn through_runtime(workers: usize, events: u64, component: &Path) -> Result<Run> {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    threads.block_on(async {
        let folder = tempfile::tempdir()?;
        let config = Config {
            data: folder.path().join("data"),
            plugins: folder.path().join("plugins"),
            workers: Some(workers),
            ..Config::default()
        };
        let runtime = Runtime::open(config).await?;
        for first in (0..events).step_by(usize::try_from(PUBLISH)?) {
            runtime.publish_batch((first..events.min(first + PUBLISH)).map(event).collect()).await?;
        }
        let started = Instant::now();
        let plugin = runtime.load_plugin(component).await?;
        // `lag` counts the published events, too, so it is zero only once those are in the log and seen.
        loop {
            let view = runtime.consumer(&plugin.name).await.context("the plugin has a consumer")?;
            if view.lag == 0 && view.in_flight == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The last effects count once they are durable: a state read answers only then.
        let count = runtime.state_get(&plugin.name, b"key-1").await?.context("the key was written")?;
        let seconds = started.elapsed().as_secs_f64();
        ensure!(!count.is_empty(), "a count has a value");
        let scheduling = Some(runtime.health().sync.scheduling);
        runtime.shutdown().await;
        Ok(Run { events_per_second: events as f64 / seconds, scheduling })
    })
}

/// The event with this number; the same for every contender.
fn event(number: u64) -> Event {
    Event {
        id: number.to_string(),
        source: "/bench".into(),
        event_type: "test.event".into(),
        partitionkey: Some(format!("key-{}", number % KEYS)),
        datacontenttype: Some("application/octet-stream".into()),
        data: vec![u8::try_from(number % 251).unwrap_or_default(); DATA_BYTES],
        ..Event::default()
    }
}
