//! The runtime opened anew: state is there, known events are duplicates, new ones are not.

use std::time::Instant;

use anyhow::{Result, ensure};
use camshaft::Config;

use super::workload::{CONSUMER, Workload};
use super::{Call, Found, Moment, open};
use crate::measure::percentile;

/// State keys that are read back.
const READS: u64 = 50_000;

/// Known events, and new ones, that are published one by one.
const EVENTS: u64 = 10_000;

pub fn run(config: Config, workload: Workload) -> Result<Found> {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    threads.block_on(async {
        let began = Instant::now();
        let runtime = open(config, || {}).await?;
        let mut moments = vec![Moment::now("opening it again", began)];

        let mut times = Vec::new();
        for number in workload.sample(READS) {
            let started = Instant::now();
            let found = runtime.state_get(CONSUMER, Workload::key(number).as_bytes()).await?;
            times.push(started.elapsed());
            ensure!(found == Some(Workload::value(number)), "key {number} has another value");
        }
        let mut calls = vec![Call::new("read of a state key", &times)];
        moments.push(Moment::now(format!("reading {} keys", times.len()), began));

        times.clear();
        for number in workload.sample(EVENTS) {
            let event = Workload::event(number);
            let started = Instant::now();
            let receipt = runtime.publish(event).await?;
            times.push(started.elapsed());
            ensure!(receipt.duplicate, "event {number} was published before");
        }
        calls.push(Call::new("publish of a known event", &times));
        moments.push(Moment::now(format!("publishing {} known events", times.len()), began));

        times.clear();
        for number in workload.keys..workload.keys + EVENTS.min(workload.keys) {
            let event = Workload::event(number);
            let started = Instant::now();
            let receipt = runtime.publish(event).await?;
            times.push(started.elapsed());
            ensure!(!receipt.duplicate, "event {number} is new");
        }
        calls.push(Call::new("publish of a new event, with its sync", &times));
        moments.push(Moment::now(format!("publishing {} new events", times.len()), began));
        runtime.shutdown().await;
        Ok(Found { moments, calls })
    })
}

impl Call {
    pub(super) fn new(what: &str, times: &[std::time::Duration]) -> Self {
        let mut micros: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
        Self {
            what: what.to_owned(),
            calls: times.len(),
            p50_us: percentile(&mut micros, 0.5),
            p99_us: percentile(&mut micros, 0.99),
        }
    }
}
