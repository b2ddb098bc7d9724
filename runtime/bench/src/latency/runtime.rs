//! The runtime's path: `publish`, a plugin, and a reader that follows the log.

use std::time::Instant;

use anyhow::{Context, Result};
use camshaft::{Config, Offset, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{DATA_BYTES, Path, Seen};
use crate::event::{OUTPUT, event};

pub(super) const ABOUT: &str = "`publish` in process, a plugin written in Rust, and a reader that follows the log: an \
                                event has its effects once what it made is durable and can be read";

/// Events that the reader takes together.
const PAGE: usize = 1_000;

/// A runtime with the plugin `updates`.
#[derive(Clone)]
pub struct RuntimePath {
    runtime: Runtime,
}

impl RuntimePath {
    /// Opens a runtime, loads the plugin, and begins to follow the log.
    pub async fn open(config: Config) -> Result<(Self, Seen)> {
        let runtime = Runtime::open(config).await?;
        runtime.load_plugin(camshaft_test_guests::component("updates")).await?;
        let (sender, receiver) = unbounded_channel();
        let (reader, from) = (runtime.clone(), runtime.tail());
        // It ends with the runtime, and with whoever listens.
        let (tails, mut tails_seen) = unbounded_channel();
        let watcher = runtime.clone();
        tokio::spawn(async move { watch(&watcher, from, &tails).await });
        tokio::spawn(async move { follow(&reader, from, &mut tails_seen, &sender).await });
        Ok((Self { runtime }, Seen::new(receiver)))
    }

    pub async fn close(self) {
        self.runtime.shutdown().await;
    }
}

impl Path for RuntimePath {
    async fn publish(&self, number: u64) -> Result<()> {
        self.runtime.publish(event(number, DATA_BYTES)).await?;
        Ok(())
    }
}

/// Says how far the log can be read, and since when.
async fn watch(runtime: &Runtime, mut known: Offset, tails: &UnboundedSender<(Offset, Instant)>) {
    while runtime.wait_beyond(known).await {
        let now = Instant::now();
        known = runtime.tail();
        if tails.send((known, now)).is_err() {
            return;
        }
    }
}

/// Reads what the log holds: its time is the measurement's, not the event's.
async fn follow(
    runtime: &Runtime,
    mut next: Offset,
    tails: &mut UnboundedReceiver<(Offset, Instant)>,
    effects: &UnboundedSender<(u64, Instant)>,
) -> Result<()> {
    let Some(mut seen) = tails.recv().await else { return Ok(()) };
    loop {
        for stored in runtime.read(next, PAGE).await? {
            next = stored.offset.next();
            while stored.offset >= seen.0 {
                seen = tails.recv().await.context("nobody watches the log any more")?;
            }
            if stored.event.event_type == OUTPUT {
                let mut extensions = stored.event.extensions.iter();
                let cause = extensions.find(|(name, _)| name == "causationid").context("it has a cause")?;
                effects.send((cause.1.parse()?, seen.1))?;
            }
        }
        while next >= seen.0 {
            let Some(later) = tails.recv().await else { return Ok(()) };
            seen = later;
        }
    }
}
