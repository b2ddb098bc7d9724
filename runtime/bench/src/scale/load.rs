//! What most of the measurements do: producers publish numbered events, and closures have handled all of
//! them.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use camshaft::{Event, Runtime};
use futures_util::future::try_join_all;
use tokio::task::JoinSet;

pub(super) const ABOUT: &str = "256 bytes unless said otherwise, from eight producers in process that publish 500 at a \
                                time; a time per event runs from the first publish until all is handled and durable";

/// Size of an event's data.
pub(super) const DATA_BYTES: usize = 256;

/// Producers that publish at a time.
const PRODUCERS: u64 = 8;

/// Events in one publish.
const PUBLISH: u64 = 500;

/// How often it is looked whether all is handled. Rarely, as a look at a consumer that lags reads the log.
const LOOK: Duration = Duration::from_millis(5);

/// How long it may take until all is handled.
const PATIENCE: Duration = Duration::from_secs(600);

/// Publishes the events of these numbers as `make` makes them. Returns once all are durable.
pub(super) async fn publish<M>(runtime: &Runtime, numbers: Range<u64>, make: M) -> Result<()>
where
    M: Fn(u64) -> Event + Clone + Send + Sync + 'static,
{
    let mut producers: JoinSet<Result<()>> = JoinSet::new();
    for producer in 0..PRODUCERS {
        let (runtime, make, Range { start, end }) = (runtime.clone(), make.clone(), numbers.clone());
        producers.spawn(async move {
            let mut first = start + producer * PUBLISH;
            while first < end {
                let events = (first..end.min(first + PUBLISH)).map(&make).collect();
                runtime.publish_batch(events).await?;
                first += PRODUCERS * PUBLISH;
            }
            Ok(())
        });
    }
    while let Some(done) = producers.join_next().await {
        done??;
    }
    Ok(())
}

/// Waits until the consumers of these names have handled all that was published.
pub(super) async fn handled<N: AsRef<str>>(runtime: &Runtime, names: &[N]) -> Result<()> {
    let started = Instant::now();
    for name in names {
        loop {
            let view = runtime.consumer(name.as_ref()).await?.context("the closure is a consumer")?;
            if view.lag == 0 && view.in_flight == 0 {
                break;
            }
            ensure!(started.elapsed() < PATIENCE, "what was published is not handled: {view:?}");
            tokio::time::sleep(LOOK).await;
        }
    }
    // What they did counts once it is durable: a read answers only then.
    let name = names.first().context("somebody handles")?.as_ref();
    runtime.state_get(name, b"nothing").await?;
    Ok(())
}

/// Publishes, and waits until the consumers of these names have handled all: microseconds per published
/// event.
pub(super) async fn micros_per_event<N: AsRef<str>, M>(
    runtime: &Runtime,
    names: &[N],
    numbers: Range<u64>,
    make: M,
) -> Result<f64>
where
    M: Fn(u64) -> Event + Clone + Send + Sync + 'static,
{
    let events = numbers.end - numbers.start;
    let started = Instant::now();
    publish(runtime, numbers, make).await?;
    handled(runtime, names).await?;
    Ok(started.elapsed().as_secs_f64() * 1e6 / events as f64)
}

/// Subscribes closures that do nothing, all at once; `types` says which types the one of a number wants.
/// Their names.
pub(super) async fn subscribe_idlers(
    runtime: &Runtime,
    count: usize,
    types: impl Fn(usize) -> Vec<String>,
) -> Result<Vec<String>> {
    let names: Vec<String> = (0..count).map(|number| format!("closure-{number}")).collect();
    let subscribing = names.iter().enumerate().map(|(number, name)| {
        runtime.subscribe(name, camshaft::Subscription::types(types(number)), |_, _| Ok(()))
    });
    try_join_all(subscribing).await?;
    Ok(names)
}

/// Spreads numbers over all of u64, each to another one, neighbours far apart.
pub(super) const fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32).wrapping_mul(0xd6e8_feb8_6659_fd93)
}
