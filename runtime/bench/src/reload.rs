//! `camshaft-bench reload`: what events wait while one version of their plugin takes over from another.
//!
//! An event a millisecond goes to a plugin of which versions take turns, and a closure sees what the plugin
//! made of each. The same stream without reloads stands beside it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use camshaft::view::Receipt;
use camshaft::{Config, Event, PublishError, Runtime, Subscription};
use clap::Parser;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::bench::Bench;
use crate::measure::percentile;
use crate::report::{Better, Grid, Report};

/// Keys of the events.
const KEYS: usize = 16;

/// Measures what events wait while versions take over.
#[derive(Parser)]
pub struct Arguments {
    /// How many take-overs [default: 20]
    #[arg(long)]
    reloads: Option<u32>,
}

/// When each event was published, and when what became of it was seen.
#[derive(Default)]
struct Stream {
    published: Vec<Instant>,
    seen: Vec<Option<Instant>>,
    /// Events of which more than one outcome was seen.
    doubled: usize,
}

pub fn run(bench: &Bench, arguments: &Arguments) -> Result<Report> {
    let reloads = arguments.reloads.unwrap_or(bench.scale(20, 2));
    let tokio = tokio::runtime::Runtime::new()?;
    let mut counts = Grid::new("events", "count", Better::Lower, ["published", "lost", "doubled"]);
    let mut waited = Grid::new("from publish to outcome", "ms", Better::Lower, ["p50", "p99", "longest"]);
    let mut length = Duration::ZERO;
    for (name, reloads) in [("with take-overs", reloads), ("without", 0)] {
        let folder = bench.data()?;
        let begin = Instant::now();
        let stream = tokio.block_on(stream(folder.path(), reloads, length))?;
        length = begin.elapsed();
        let waits = stream.published.iter().zip(&stream.seen);
        let waits = waits.filter_map(|(published, seen)| Some((*seen)?.duration_since(*published)));
        let mut waits: Vec<f64> = waits.map(|wait| wait.as_secs_f64() * 1_000.0).collect();
        ensure!(!waits.is_empty(), "no event was handled");
        let lost = stream.published.len() - waits.len();
        counts.once(name, [stream.published.len(), lost, stream.doubled].map(|count| count as f64));
        waited.once(name, [0.5, 0.99, 1.0].map(|part| percentile(&mut waits, part)));
    }
    let report =
        Report::new("reload", "What events wait while one version of their plugin takes over from another.")
            .setting("load", "an event a millisecond")
            .setting("take-overs", format!("{reloads}, in {:.1} s", length.as_secs_f64()));
    Ok(Report { grids: vec![counts, waited], ..report })
}

/// Publishes for as long as `reloads` take, or for `length` if there are none.
async fn stream(folder: &Path, reloads: u32, length: Duration) -> Result<Stream> {
    let plugins = folder.join("plugins");
    let config = Config { data: folder.join("data"), plugins: plugins.clone(), ..Config::default() };
    let runtime = Runtime::open(config).await?;
    let stream = Arc::new(Mutex::new(Stream::default()));
    let seeing = Arc::clone(&stream);
    runtime
        .subscribe("watch", Subscription::types(["test.noted"]), move |event, _| {
            see(&seeing, event);
            Ok(())
        })
        .await?;
    take_over(&runtime, &plugins, 1).await?;
    let changes = async {
        for number in 2..=reloads + 1 {
            take_over(&runtime, &plugins, number).await?;
        }
        if reloads == 0 {
            tokio::time::sleep(length).await;
        }
        anyhow::Ok(())
    };
    let mut under_way = JoinSet::new();
    tokio::select! {
        done = changes => done?,
        () = publish(&runtime, &stream, &mut under_way) => {}
    }
    while let Some(published) = under_way.join_next().await {
        published??;
    }
    // In this order: what the plugin publishes is what the closure waits for.
    for name in ["reloads", "watch"] {
        while runtime.consumer(name).await?.is_some_and(|consumer| consumer.lag + consumer.in_flight > 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    runtime.shutdown().await;
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *stream))
}

/// Publishes an event a millisecond, without end.
async fn publish(
    runtime: &Runtime,
    stream: &Mutex<Stream>,
    under_way: &mut JoinSet<Result<Receipt, PublishError>>,
) {
    let mut ticks = interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let number = {
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            stream.published.push(Instant::now());
            stream.seen.push(None);
            stream.published.len() - 1
        };
        let event = Event {
            id: number.to_string(),
            source: "/bench".into(),
            event_type: "test.event".into(),
            partitionkey: Some((number % KEYS).to_string()),
            datacontenttype: Some("application/json".into()),
            data: serde_json::json!({ "number": number }).to_string().into_bytes(),
            ..Event::default()
        };
        // Its answer waits for the disk; the next event does not.
        let runtime = runtime.clone();
        under_way.spawn(async move { runtime.publish(event).await });
    }
}

fn see(stream: &Mutex<Stream>, event: &Event) {
    let now = Instant::now();
    let data: serde_json::Value = serde_json::from_slice(&event.data).unwrap_or_default();
    let Some(number) = data["number"].as_u64().and_then(|number| usize::try_from(number).ok()) else {
        return;
    };
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(Some(_)) = stream.seen.get_mut(number).map(|seen| seen.replace(now)) {
        stream.doubled += 1;
    }
}

/// Drops a version in, and waits until it runs.
async fn take_over(runtime: &Runtime, plugins: &Path, number: u32) -> Result<()> {
    let partial = plugins.join(".partial");
    fs::write(&partial, camshaft_test_guests::version(number, "good"))?;
    fs::rename(&partial, plugins.join("reloads.wasm")).context("could not drop the plugin in")?;
    while runtime.plugin("reloads").await?.and_then(|plugin| plugin.activation) < Some(u64::from(number)) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
