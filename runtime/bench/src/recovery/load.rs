//! The process that is killed: producers that never stop, and a closure that counts per key.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use camshaft::{AttemptContext, Offset, Runtime, Subscription};
use clap::Parser;
use tokio::task::JoinSet;

use super::config;
use crate::event::{OUTPUT, TYPE, event};

pub(super) const ABOUT: &str = "eight producers of batches of 100 events of 256 bytes; a closure reads and writes one \
                                of 10,000 state keys and publishes an event for each";

/// The closure's name.
pub(super) const CONSUMER: &str = "counter";

const PRODUCERS: u64 = 8;

const BATCH: u64 = 100;

const DATA_BYTES: usize = 256;

/// Pause between two lines that say how far it is.
const TELL: Duration = Duration::from_millis(5);

/// Runs the load until it is killed.
#[derive(Parser)]
pub struct LoadArguments {
    /// Where log and tables lie.
    #[arg(long)]
    data: PathBuf,
}

/// The process of its own: prints how many events were handled, again and again.
pub fn run(arguments: &LoadArguments) -> Result<()> {
    crate::bench::threads()?.block_on(async {
        let runtime = Runtime::open(config(&arguments.data)).await?;
        let handled = subscribe(&runtime).await?;
        let mut producers: JoinSet<Result<()>> =
            (0..PRODUCERS).map(|producer| produce(runtime.clone(), producer)).collect();
        loop {
            tokio::select! {
                Some(ended) = producers.join_next() => ended??,
                () = tokio::time::sleep(TELL) => println!("{}", handled.load(Ordering::Relaxed)),
            }
        }
    })
}

async fn produce(runtime: Runtime, producer: u64) -> Result<()> {
    for batch in 0.. {
        let first = (producer << 32) + batch * BATCH;
        let events = (first..first + BATCH).map(|number| event(number, DATA_BYTES)).collect();
        runtime.publish_batch(events).await?;
    }
    Ok(())
}

/// Subscribes the closure; how many events it was called for.
pub(super) async fn subscribe(runtime: &Runtime) -> Result<Arc<AtomicU64>> {
    let handled = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&handled);
    let count = move |event: &camshaft::Event, attempt: &mut camshaft::Attempt| {
        counter.fetch_add(1, Ordering::Relaxed);
        let key = event.partitionkey.as_deref().unwrap_or_default().as_bytes();
        let before = attempt.get(key)?.and_then(|value| value.try_into().ok()).map_or(0, u64::from_le_bytes);
        attempt.set(key, &(before + 1).to_le_bytes())?;
        attempt.publish(camshaft_event::NewEvent {
            event_type: OUTPUT.into(),
            data: event.data.clone(),
            ..camshaft_event::NewEvent::default()
        })?;
        Ok(())
    };
    runtime.subscribe(CONSUMER, Subscription::types([TYPE]), count).await?;
    Ok(handled)
}

/// How many events the state counts.
pub(super) async fn counted(runtime: &Runtime) -> Result<u64> {
    let (mut sum, mut after) = (0, None);
    loop {
        let page = runtime.state_list(CONSUMER, b"", 1_000, after).await?;
        after = page.items.last().map(|(key, _)| key.clone());
        for (_, value) in &page.items {
            sum += u64::from_le_bytes(value.as_slice().try_into().context("a count has eight bytes")?);
        }
        if page.next.is_none() {
            return Ok(sum);
        }
    }
}

/// How many events the log holds that the producers published.
pub(super) async fn published(runtime: &Runtime) -> Result<u64> {
    let (mut count, mut next, tail) = (0, runtime.first_offset(), runtime.tail());
    while next < tail {
        for stored in runtime.read(next, 10_000).await? {
            next = Offset(stored.offset.0 + 1);
            count += u64::from(stored.event.event_type == TYPE);
        }
    }
    Ok(count)
}
