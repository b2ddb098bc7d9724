//! Through the library, in the producers' own process.

use std::time::Instant;

use anyhow::Result;
use camshaft::Runtime;
use tempfile::TempDir;

use super::{DATA_BYTES, Load, numbered, rate};
use crate::bench::config;
use crate::event::json_event;

pub(super) async fn run(folder: &TempDir, load: Load) -> Result<f64> {
    let runtime = Runtime::open(config(folder)).await?;
    let rate = rate((0..load.producers).map(|producer| produce(runtime.clone(), producer, load))).await?;
    runtime.shutdown().await;
    Ok(rate)
}

async fn produce(runtime: Runtime, producer: u64, load: Load) -> Result<u64> {
    let (started, mut sent) = (Instant::now(), 0);
    while started.elapsed() < load.time {
        let events =
            (sent..sent + load.batch).map(|number| json_event(numbered(producer, number), DATA_BYTES));
        runtime.publish_batch(events.collect()).await?;
        sent += load.batch;
    }
    Ok(sent)
}
