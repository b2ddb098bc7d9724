//! What every bench is told: where to write, how thorough to be, where the peers are.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use camshaft::{Config, Event, Runtime};
use clap::Args;
use tempfile::TempDir;

use crate::peers::Peers;

/// The settings that all benches share.
#[derive(Args, Clone, Debug)]
pub struct Bench {
    /// Few events and one round, to see that it works.
    #[arg(long, global = true)]
    pub quick: bool,
    /// Rounds, in which contenders take turns [default: the bench's own]
    #[arg(long, global = true, value_name = "COUNT")]
    rounds: Option<usize>,
    /// Where results are written and data lies while it is measured: on the disk that is to be measured.
    /// Those of `--quick` go to `quick` in it.
    #[arg(long, global = true, value_name = "DIR", default_value = "target/bench")]
    pub folder: PathBuf,
    /// The program of `runtime/bench/extism`; without it Extism is left out.
    #[arg(long, global = true, value_name = "FILE")]
    pub extism: Option<PathBuf>,
    #[command(flatten)]
    pub peers: Peers,
}

impl Bench {
    /// `full`, or `quick` if it is enough to see that it works.
    pub const fn scale<T: Copy>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// How often everything is repeated.
    pub fn rounds(&self, full: usize) -> usize {
        self.rounds.unwrap_or(self.scale(full, 1)).max(1)
    }

    /// A new folder for data, gone when it is dropped.
    pub fn data(&self) -> Result<TempDir> {
        TempDir::with_prefix_in("data-", &self.folder)
            .with_context(|| format!("no folder for data in '{}'", self.folder.display()))
    }

    /// How the system schedules the thread that syncs the runtime's log, as the runtime says.
    pub fn scheduling(&self) -> Result<String> {
        let folder = self.data()?;
        threads()?.block_on(async {
            let runtime = Runtime::open(config(&folder)).await?;
            let event = Event {
                id: "1".into(),
                source: "/bench".into(),
                event_type: "test.event".into(),
                ..Event::default()
            };
            ensure!(!runtime.publish(event).await?.duplicate, "the log was empty");
            let scheduling = runtime.health().sync.scheduling;
            runtime.shutdown().await;
            Ok(scheduling)
        })
    }
}

/// Settings with everything in one folder.
pub fn config(folder: &TempDir) -> Config {
    Config { data: folder.path().join("data"), plugins: folder.path().join("plugins"), ..Config::default() }
}

/// The threads for what a bench does beside the runtime's own.
pub fn threads() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
