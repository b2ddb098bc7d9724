//! The way of an event from its publish to its effects, whoever provides it, and how it is loaded.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Publishes in flight when a path is loaded as much as it can take.
const IN_FLIGHT: u64 = 256;

/// How long effects may take that were promised.
const PATIENCE: Duration = Duration::from_secs(60);

/// A way of events.
pub trait Path: Clone + Send + Sync + 'static {
    /// Publishes the event with this number; done once that is acknowledged.
    fn publish(&self, number: u64) -> impl Future<Output = Result<()>> + Send;
}

/// Tells the numbers of events whose effects are there, and since when.
pub struct Seen {
    effects: UnboundedReceiver<(u64, Instant)>,
    /// The number of the next event; every event of a path has another one.
    next: Arc<AtomicU64>,
}

impl Seen {
    pub fn new(effects: UnboundedReceiver<(u64, Instant)>) -> Self {
        Self { effects, next: Arc::new(AtomicU64::new(0)) }
    }

    async fn next(&mut self) -> Result<(u64, Instant)> {
        let effect = timeout(PATIENCE, self.effects.recv()).await.context("an event has no effects")?;
        effect.context("nobody watches for effects any more")
    }
}

/// Publishes one event after the other's effects were seen; how long each took, in microseconds.
pub(super) async fn one_in_flight<P: Path>(path: &P, seen: &mut Seen, count: u64) -> Result<Vec<f64>> {
    let mut waits = Vec::new();
    for _ in 0..count {
        let number = seen.next.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        path.publish(number).await?;
        let (found, at) = seen.next().await?;
        ensure!(found == number, "event {found} has effects, not {number}");
        waits.push(at.duration_since(started).as_secs_f64() * 1e6);
    }
    Ok(waits)
}

/// Events per second that are published and have their effects, with as many publishes in flight as it may
/// take.
pub async fn capacity<P: Path>(path: &P, seen: &mut Seen, time: Duration) -> Result<f64> {
    let started = Instant::now();
    let mut publishers: JoinSet<Result<u64>> = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (path, next) = (path.clone(), Arc::clone(&seen.next));
        publishers.spawn(async move {
            let mut published = 0;
            while started.elapsed() < time {
                path.publish(next.fetch_add(1, Ordering::Relaxed)).await?;
                published += 1;
            }
            Ok(published)
        });
    }
    let (mut published, mut found) = (0, 0);
    while let Some(done) = publishers.join_next().await {
        published += done??;
    }
    let mut last = started;
    while found < published {
        last = seen.next().await?.1;
        found += 1;
    }
    Ok(published as f64 / last.duration_since(started).as_secs_f64())
}

/// Publishes so many events a second, those of a millisecond together, without waiting for any; how long each
/// took from when it was due.
pub async fn at_rate<P: Path>(path: &P, seen: &mut Seen, rate: f64, time: Duration) -> Result<Vec<Duration>> {
    let started = Instant::now();
    let mut ticks = interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut publishing: JoinSet<Result<()>> = JoinSet::new();
    let (mut due, mut published, mut waits) = (HashMap::new(), 0.0, Vec::new());
    let mut note = |due: &mut HashMap<u64, Instant>, (number, at): (u64, Instant)| {
        let since = due.remove(&number).with_context(|| format!("event {number} has effects twice"))?;
        waits.push(at.saturating_duration_since(since));
        anyhow::Ok(())
    };
    while started.elapsed() < time {
        let due_at = ticks.tick().await.into_std();
        let until = started.elapsed().as_secs_f64() * rate;
        while published < until {
            let number = seen.next.fetch_add(1, Ordering::Relaxed);
            due.insert(number, due_at);
            published += 1.0;
            let path = path.clone();
            publishing.spawn(async move { path.publish(number).await });
        }
        // Once a tick, as whoever measures takes the processor from what is measured.
        while let Some(done) = publishing.try_join_next() {
            done??;
        }
        while let Ok(effect) = seen.effects.try_recv() {
            note(&mut due, effect)?;
        }
    }
    while let Some(done) = publishing.join_next().await {
        done??;
    }
    while !due.is_empty() {
        note(&mut due, seen.next().await?)?;
    }
    Ok(waits)
}
