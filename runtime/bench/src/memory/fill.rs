//! The fill: producers publish every event, the closure writes every key, and the memory is looked at all
//! along.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use camshaft::{Config, Runtime};

use super::workload::{CONSUMER, Workload};
use super::{Found, Moment, open};

/// Events in one publish.
const PUBLISH: u64 = 500;

/// Producers that publish at a time.
const PRODUCERS: u64 = 8;

/// How many times the memory is looked at.
const LOOKS: u64 = 10;

pub fn run(config: Config, workload: Workload) -> Result<Found> {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    threads.block_on(async {
        let began = Instant::now();
        let handled = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&handled);
        let runtime = open(config, move || _ = counter.fetch_add(1, Ordering::Relaxed)).await?;
        let mut moments = vec![Moment::now("opening an empty folder", began)];
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|number| tokio::spawn(produce(runtime.clone(), number, workload.keys)))
            .collect();
        for look in 1..=LOOKS {
            let keys = workload.keys * look / LOOKS;
            let reached = async {
                while handled.load(Ordering::Relaxed) < keys {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::select! {
                () = reached => {}
                closed = runtime.closed() => bail!("the runtime has ended: {closed:?}"),
            }
            moments.push(Moment::now(format!("writing {keys} keys"), began));
        }
        for producer in producers {
            producer.await??;
        }
        while runtime.consumer(CONSUMER).await?.context("the closure is a consumer")?.lag > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        runtime.shutdown().await;
        moments.push(Moment::now("shutting down", began));
        Ok(Found { moments, calls: Vec::new() })
    })
}

/// Publishes each `PRODUCERS`-th batch of the numbers below `until`.
async fn produce(runtime: Runtime, number: u64, until: u64) -> Result<()> {
    let mut first = number * PUBLISH;
    while first < until {
        let events = (first..until.min(first + PUBLISH)).map(Workload::event).collect();
        runtime.publish_batch(events).await?;
        first += PRODUCERS * PUBLISH;
    }
    Ok(())
}
