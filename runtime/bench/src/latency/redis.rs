//! Redis' path: XADD over a shared connection, and the consumer of `pipeline`.

use std::time::Instant;

use anyhow::{Context, Result};
use redis::aio::MultiplexedConnection;
use tokio::sync::mpsc::unbounded_channel;

use super::{DATA_BYTES, Path, Seen};
use crate::event::event;
use crate::peers::Redis;
use crate::pipeline::redis::{BATCH, add, group, handle_batch};

#[derive(Clone)]
pub(super) struct RedisPath(MultiplexedConnection);

pub(super) async fn open(server: &Redis) -> Result<(RedisPath, Seen)> {
    let mut connection = server.connect().await?;
    group(&mut connection).await?;
    let (sender, receiver) = unbounded_channel();
    // It ends with the server, and with whoever listens.
    tokio::spawn(async move {
        while !sender.is_closed() {
            let ids = handle_batch(&mut connection, BATCH).await?;
            let now = Instant::now();
            for id in ids {
                let number = id.rsplit('/').next().context("an id has parts")?.parse()?;
                sender.send((number, now))?;
            }
        }
        anyhow::Ok(())
    });
    Ok((RedisPath(server.connect().await?), Seen::new(receiver)))
}

impl Path for RedisPath {
    async fn publish(&self, number: u64) -> Result<()> {
        let mut pipe = redis::pipe();
        add(&mut pipe, &event(number, DATA_BYTES));
        Ok(pipe.query_async(&mut self.0.clone()).await?)
    }
}
