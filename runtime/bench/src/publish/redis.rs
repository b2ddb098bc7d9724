//! To a stream of Redis, from native producers.

use std::time::Instant;

use anyhow::Result;
use redis::aio::MultiplexedConnection;

use super::{DATA_BYTES, Load, numbered, rate};
use crate::event::{SOURCE, TYPE, json_data, key};
use crate::peers::Redis;

pub(super) async fn run(server: &Redis, load: Load) -> Result<f64> {
    let mut connections = Vec::new();
    for _ in 0..load.producers {
        connections.push(server.connect().await?);
    }
    rate((0..).zip(connections).map(|(producer, connection)| produce(connection, producer, load))).await
}

async fn produce(mut connection: MultiplexedConnection, producer: u64, load: Load) -> Result<u64> {
    let (started, mut sent) = (Instant::now(), 0);
    while started.elapsed() < load.time {
        let mut pipe = redis::pipe();
        for number in (sent..sent + load.batch).map(|number| numbered(producer, number)) {
            pipe.cmd("XADD").arg(&[TYPE, "*", "id"]).arg(format!("{SOURCE}/{number}"));
            pipe.arg("key").arg(key(number)).arg("data").arg(json_data(number, DATA_BYTES)).ignore();
        }
        pipe.query_async::<()>(&mut connection).await?;
        sent += load.batch;
    }
    Ok(sent)
}
