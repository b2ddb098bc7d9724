//! The systems that Camshaft is measured beside, started by the bench on free loopback ports and stopped with
//! it.
//!
//! `cargo xtask bench` brings their programs; a peer without a program is left out, and the report says so.
//! What they are made to do stands with each bench.

mod jetstream;
mod redis;
mod version;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::scheduling::Scheduling;

pub use jetstream::{IN_FLIGHT, InFlight, JetStream, KEY, headers};
pub use redis::Redis;

/// Where the programs are.
#[derive(Args, Clone, Debug, Default)]
pub struct Peers {
    /// The program `nats-server`; without it JetStream is left out.
    #[arg(long, global = true, value_name = "FILE")]
    nats_server: Option<PathBuf>,
    /// The program `redis-server`; without it Redis is left out.
    #[arg(long, global = true, value_name = "FILE")]
    redis_server: Option<PathBuf>,
}

/// When a peer writes down what it acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Before it acknowledges, as Camshaft does.
    Always,
    /// When it does unless told otherwise: up to seconds or minutes later.
    Default,
}

impl Peers {
    /// A JetStream server with its data in `folder`, if there is a program.
    pub async fn jetstream(&self, sync: Sync, folder: &Path) -> Result<Option<JetStream>> {
        match &self.nats_server {
            Some(program) => JetStream::start(program, sync, folder).await.map(Some),
            None => Ok(None),
        }
    }

    /// A Redis server with its data in `folder`, if there is a program.
    pub async fn redis(&self, sync: Sync, folder: &Path) -> Result<Option<Redis>> {
        match &self.redis_server {
            Some(program) => Redis::start(program, sync, folder).await.map(Some),
            None => Ok(None),
        }
    }

    /// What a report says about them.
    pub fn conditions(&self) -> Vec<(String, String)> {
        let version = |program: &Option<PathBuf>| {
            program.as_deref().map_or_else(|| "left out: no program was given".to_owned(), version::of)
        };
        vec![
            ("NATS".to_owned(), version(&self.nats_server)),
            ("Redis".to_owned(), version(&self.redis_server)),
            ("peers' threads".to_owned(), Scheduling::of_peers().to_string()),
        ]
    }
}
