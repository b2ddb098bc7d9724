//! What looking up an identity costs by itself: the store alone, with the cache that the runtime gives it.

use std::time::Instant;

use anyhow::{Result, ensure};
use camshaft::Config;
use camshaft_tables::Tables;
use camshaft_tables::store::FjallStore;

use super::workload::Workload;
use super::{Call, Found, Moment};

/// Identities looked up, known ones and unknown ones each.
const PROBES: u64 = 100_000;

/// Numbers from here on are never published.
const UNKNOWN: u64 = 1 << 60;

pub fn run(config: &Config, workload: Workload) -> Result<Found> {
    let began = Instant::now();
    let store = FjallStore::open(&config.data.join("tables"), config.memory / 4)?;
    let mut moments = vec![Moment::now("opening the store alone", began)];
    let probe = |number: u64| {
        let hash = Workload::event(number).hash();
        let started = Instant::now();
        let known = Tables::stored_identity(&store, hash.identity)?;
        anyhow::Ok((known.is_some(), started.elapsed()))
    };
    let mut times = Vec::new();
    for number in workload.sample(PROBES) {
        let (known, time) = probe(number)?;
        ensure!(known, "event {number} was published");
        times.push(time);
    }
    let mut calls = vec![Call::new("probe of the store for a known event", &times)];
    times.clear();
    for number in workload.sample(PROBES) {
        let (known, time) = probe(UNKNOWN + number)?;
        ensure!(!known, "event {number} was never published");
        times.push(time);
    }
    calls.push(Call::new("probe of the store for a new event", &times));
    moments.push(Moment::now(format!("looking up {} identities", 2 * times.len()), began));
    Ok(Found { moments, calls })
}
