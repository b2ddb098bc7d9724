//! What is published, and at which counts of rows something else happens.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::flights::Flights;
use super::step;
use crate::client::Client;
use crate::server::Server;

/// Rows in one request.
const BATCH: usize = 100;

/// Where the publishing pauses, by rows published before it.
const STOPS: [(usize, Stop); 6] = [
    (3_000, Stop::DropAlert),
    (6_000, Stop::DropBoard),
    (13_000, Stop::Kill),
    (16_000, Stop::Repeat),
    (20_000, Stop::Replace),
    (22_000, Stop::Break),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    DropAlert,
    DropBoard,
    Kill,
    Repeat,
    Break,
    Replace,
}

pub(crate) struct Plan<'f> {
    events: Vec<&'f Value>,
    published: usize,
    stops: std::slice::Iter<'static, (usize, Stop)>,
    progress: ProgressBar,
}

impl<'f> Plan<'f> {
    pub(crate) fn new(flights: &'f Flights) -> Self {
        let events: Vec<&Value> = flights.rows().iter().map(|flight| &flight.event).collect();
        let progress = ProgressBar::new(events.len() as u64);
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {per_sec}");
        progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { events, published: 0, stops: STOPS.iter(), progress }
    }

    /// Publishes up to the next stop, or to the end.
    pub(crate) fn publish_to_next_stop(&mut self, client: &Client) -> Result<Option<Stop>> {
        let next = self.stops.next();
        let end = next.map_or(self.events.len(), |(at, _)| *at);
        while self.published < end {
            let batch = &self.events[self.published..end.min(self.published + BATCH)];
            let duplicates = client.publish(batch)?;
            ensure!(!duplicates.contains(&true), "a row was taken for a duplicate the first time");
            self.published += batch.len();
            self.progress.inc(batch.len() as u64);
        }
        if next.is_none() {
            self.progress.finish_and_clear();
        }
        Ok(next.map(|(_, stop)| *stop))
    }

    /// Sends the next batch and kills the runtime while it is under way.
    pub(crate) fn kill_amid_a_batch(&self, client: &Client, server: &mut Server) -> Result<()> {
        let batch = &self.events[self.published..self.published + BATCH];
        thread::scope(|scope| {
            let publishing = scope.spawn(|| client.publish(batch));
            thread::sleep(Duration::from_millis(1));
            server.kill()?;
            // Answered or not: the same batch is published again.
            if publishing.join().is_err() {
                bail!("the publishing thread panicked");
            }
            Ok(())
        })
    }

    /// What was in flight at the kill is sent again, as a producer does that got no answer.
    pub(crate) fn publish_again_what_was_in_flight(&mut self, client: &Client) -> Result<()> {
        let batch = &self.events[self.published..self.published + BATCH];
        let duplicates = client.publish(batch)?.into_iter().filter(|duplicate| *duplicate).count();
        ensure!(
            duplicates == 0 || duplicates == BATCH,
            "{duplicates} of a batch survived: it must be all or none"
        );
        self.published += BATCH;
        self.progress.inc(BATCH as u64);
        Ok(())
    }

    pub(crate) fn publish_first_thousand_again(&self, client: &Client) -> Result<usize> {
        let before = client.tail()?;
        let mut known = 0;
        for batch in self.events[..1_000].chunks(BATCH) {
            known += client.publish(batch)?.into_iter().filter(|duplicate| *duplicate).count();
        }
        ensure!(known == 1_000, "only {known} of the first thousand rows were known");
        ensure!(client.tail()? >= before, "the log became shorter");
        Ok(known)
    }

    /// A `flight.delayed` that lacks what `airport-board` needs, under an airport's key.
    pub(crate) fn publish_broken(&self, client: &Client) -> Result<()> {
        let broken = json!({
            "specversion": "1.0", "id": "broken-1", "source": "/flights/manual", "type": "flight.delayed",
            "partitionkey": "JFK", "datacontenttype": "application/json", "data": { "airport": "JFK" },
        });
        client.publish(&[&broken]).map(|_| ())
    }

    /// Shows the dead letters of the careless rows.
    pub(crate) fn show_rejected(&self, client: &Client) -> Result<()> {
        let letters = client.dead_letters("carrier-stats")?;
        ensure!(letters.len() == 20, "{} rows were rejected instead of 20", letters.len());
        let first = letters.first().context("there are 20")?;
        step(&format!(
            "{} rows are dead letters, the first one {}: {}",
            letters.len(),
            first["id"],
            first["error"]
        ));
        Ok(())
    }

    /// Shows what waits behind the broken event, discards it, and sees the rest drain in order.
    pub(crate) fn release_the_held_key(&self, client: &Client) -> Result<()> {
        let letters = client.dead_letters("airport-board")?;
        let [letter] = letters.as_slice() else {
            bail!("{} dead letters of airport-board instead of 1", letters.len())
        };
        let waiting = letter["waiting"].as_u64().unwrap_or_default();
        ensure!(waiting > 0, "nothing waits behind the broken event");
        step(&format!(
            "{} events of JFK wait in order behind {} ({})",
            waiting, letter["id"], letter["error"]
        ));
        client.discard("airport-board", &letter["offset"])?;
        client.wait_for_none_held("airport-board")?;
        step("discarded it: the rest drained");
        Ok(())
    }
}
