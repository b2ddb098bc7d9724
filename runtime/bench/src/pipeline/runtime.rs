//! The runtime's turn: the whole of it, with a plugin.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use camshaft::{Config, Runtime};
use tempfile::TempDir;

use super::Work;
use crate::bench::config;
use crate::event::event;

/// Events in one publish, or fewer where they are large.
const PUBLISH: u64 = 500;

/// Events per second.
pub(super) async fn run(work: Work, workers: usize, component: &Path, folder: &TempDir) -> Result<f64> {
    let Work { events, bytes } = work;
    let runtime = Runtime::open(Config { workers: Some(workers), ..config(folder) }).await?;
    // Compiled before the clock starts, as the peers' consumers are; it handles nothing until it is resumed.
    let plugin = runtime.load_plugin(component).await?;
    runtime.pause_consumer(&plugin.name).await?;
    for first in (0..events).step_by(usize::try_from(PUBLISH)?) {
        let batch = (first..events.min(first + PUBLISH)).map(|number| event(number, bytes)).collect();
        runtime.publish_batch(batch).await?;
    }
    let started = Instant::now();
    runtime.resume_consumer(&plugin.name).await?;
    // `lag` counts the published events, too, so it is zero only once those are in the log and seen.
    loop {
        let view = runtime.consumer(&plugin.name).await?.context("the plugin has a consumer")?;
        if view.lag == 0 && view.in_flight == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The last effects count once they are durable: a state read answers only then.
    let count = runtime.state_get(&plugin.name, b"key-1").await?.context("the key was written")?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(!count.is_empty(), "a count has a value");
    runtime.shutdown().await;
    Ok(events as f64 / seconds)
}
