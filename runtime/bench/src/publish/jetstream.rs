//! To a stream of JetStream, from native producers.

use std::time::Instant;

use anyhow::Result;
use async_nats::jetstream::Context;

use super::{DATA_BYTES, Load, numbered, rate};
use crate::event::{SOURCE, TYPE, json_data, key};
use crate::peers::{InFlight, JetStream, headers};

pub(super) async fn run(server: &JetStream, load: Load) -> Result<f64> {
    server.stream("input", TYPE).await?;
    let mut connections = Vec::new();
    for _ in 0..load.producers {
        connections.push(server.connect().await?);
    }
    rate((0..).zip(connections).map(|(producer, context)| produce(context, producer, load))).await
}

async fn produce(context: Context, producer: u64, load: Load) -> Result<u64> {
    let (started, mut sent) = (Instant::now(), 0);
    let mut in_flight = InFlight::default();
    while started.elapsed() < load.time {
        let number = numbered(producer, sent);
        let headers = headers(SOURCE, &number.to_string(), &key(number));
        in_flight.publish(&context, TYPE, headers, json_data(number, DATA_BYTES).into()).await?;
        if load.batch == 1 {
            in_flight.drain().await?;
        }
        sent += 1;
    }
    in_flight.drain().await?;
    Ok(sent)
}
