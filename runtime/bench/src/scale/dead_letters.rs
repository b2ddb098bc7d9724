//! Dead letters: what events beside them cost, how long a page of them takes, and how fast a job redrives
//! them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use camshaft::view::{DeadLetterQuery, RedriveRequest, RedriveStatusView};
use camshaft::{Event, Failure, Runtime, Subscription};
use tempfile::TempDir;

use super::load::{DATA_BYTES, handled, micros_per_event, publish};
use crate::bench::Bench;
use crate::event::{TYPE, event};
use crate::measure::{percentile, progress};
use crate::report::{Better, Grid, Report};

/// The closure's name.
const CONSUMER: &str = "strict";

/// The type of events that are rejected until somebody mends the closure.
const BAD: &str = "test.malformed";

/// Dead letters on a page.
const PAGE: usize = 100;

/// Numbers of the good events begin here.
const GOOD: u64 = 1 << 32;

/// A runtime with a closure that rejects some events.
struct Strict {
    runtime: Runtime,
    /// Whether it takes the bad ones, too.
    mended: Arc<AtomicBool>,
    _folder: TempDir,
}

pub(super) fn run(bench: &Bench) -> Result<Report> {
    let letters = bench.scale(10_000, 500);
    let events = bench.scale(200_000, 2_000);
    let rounds = bench.rounds(7);
    let mut beside = Grid::new(
        "dead letters of the same consumer",
        "µs per event",
        Better::Lower,
        ["none", "all of them"],
    )
    .base("none");
    let mut work = Grid::new("dead letters", "unit as named", Better::Lower, ["value"]);
    let bar = progress(rounds);
    crate::bench::threads()?.block_on(async {
        let (none, all) = (Strict::open(bench).await?, Strict::open(bench).await?);
        let micros = all.reject(letters).await?;
        work.once("becoming a dead letter, µs each", [micros]);
        let mut samples = vec![Vec::new(), Vec::new()];
        for round in 0..rounds as u64 {
            bar.set_message("events beside dead letters");
            let first = GOOD + round * events;
            for (strict, samples) in [&none, &all].into_iter().zip(&mut samples) {
                let make = |number| event(number, DATA_BYTES);
                samples
                    .push(micros_per_event(&strict.runtime, &[CONSUMER], first..first + events, make).await?);
            }
            bar.inc(1);
        }
        beside.row(format!("{letters} dead letters"), samples);
        let mut pages = all.pages(letters).await?;
        work.once(format!("a page of {PAGE}, median, ms"), [percentile(&mut pages, 0.5)]);
        work.once(format!("a page of {PAGE}, longest, ms"), [percentile(&mut pages, 1.0)]);
        let (started, done) = all.redrive(letters).await?;
        work.once("a redrive job is started, ms", [started * 1e3]);
        work.once("all redriven and handled, s", [done]);
        none.runtime.shutdown().await;
        all.runtime.shutdown().await;
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    let report =
        Report::new("dead-letters", "a closure that rejects some events, each with a key of its own")
            .setting("dead letters", letters.to_string())
            .setting("events beside them", format!("{events} a round, of other keys"))
            .setting("rounds", rounds.to_string());
    Ok(Report { grids: vec![beside, work], ..report })
}

impl Strict {
    async fn open(bench: &Bench) -> Result<Self> {
        let folder = bench.data()?;
        let runtime = Runtime::open(crate::bench::config(&folder)).await?;
        let mended = Arc::new(AtomicBool::new(false));
        let takes_all = Arc::clone(&mended);
        let check = move |event: &Event, _: &mut camshaft::Attempt| {
            if event.event_type == BAD && !takes_all.load(Ordering::Relaxed) {
                return Err(Failure::reject("the order has no item"));
            }
            Ok(())
        };
        runtime.subscribe(CONSUMER, Subscription::types([TYPE, BAD]), check).await?;
        Ok(Self { runtime, mended, _folder: folder })
    }

    /// Makes so many dead letters: microseconds each.
    async fn reject(&self, letters: u64) -> Result<f64> {
        let make = |number: u64| Event {
            event_type: BAD.into(),
            partitionkey: Some(format!("bad-{number}")),
            ..event(number, DATA_BYTES)
        };
        let started = Instant::now();
        publish(&self.runtime, 0..letters, make).await?;
        handled(&self.runtime, &[CONSUMER]).await?;
        let micros = started.elapsed().as_secs_f64() * 1e6 / letters as f64;
        let dead = self.runtime.consumer(CONSUMER).await?.context("the closure is a consumer")?.dead;
        ensure!(dead == letters, "{dead} of {letters} events became dead letters");
        Ok(micros)
    }

    /// Lists all of them; milliseconds per page.
    async fn pages(&self, letters: u64) -> Result<Vec<f64>> {
        let mut query =
            DeadLetterQuery { consumer: Some(CONSUMER.into()), limit: PAGE, ..DeadLetterQuery::default() };
        let (mut times, mut listed) = (Vec::new(), 0);
        loop {
            let started = Instant::now();
            let page = self.runtime.dead_letters(query.clone()).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
            listed += page.items.len() as u64;
            if page.next.is_none() {
                ensure!(listed == letters, "{listed} of {letters} dead letters were listed");
                return Ok(times);
            }
            query.cursor = page.next;
        }
    }

    /// Mends the closure and redrives all by one job: seconds until that is started, and until all are
    /// handled.
    async fn redrive(&self, letters: u64) -> Result<(f64, f64)> {
        self.mended.store(true, Ordering::Relaxed);
        let request = RedriveRequest {
            consumer: CONSUMER.into(),
            event_type: None,
            reason: None,
            since: None,
            until: None,
            rate: None,
        };
        let began = Instant::now();
        let mut job = self.runtime.start_redrive(request).await?;
        let started = began.elapsed().as_secs_f64();
        while job.status == RedriveStatusView::Running || job.handled < job.redriven {
            ensure!(began.elapsed() < Duration::from_secs(300), "the job does not end: {job:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
            job = self.runtime.redrive_job(job.id).await?;
        }
        let done = began.elapsed().as_secs_f64();
        ensure!(job.handled == letters && job.dead_again == 0, "not all were handled: {job:?}");
        Ok((started, done))
    }
}
