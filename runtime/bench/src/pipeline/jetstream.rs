//! JetStream's turn: a native consumer that does by hand what the runtime does for a plugin.
//!
//! Message ids dedupe what is published, by the producer and by the handler; state is a key-value bucket; an
//! acknowledgement is itself acknowledged, as the server's documentation asks for exactly once. Neighbouring
//! events have different keys, so that those in flight never touch the same state.

use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, kv};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};

use super::Work;
use crate::event::{OUTPUT, SOURCE, TYPE, event};
use crate::peers::{IN_FLIGHT, InFlight, JetStream, KEY, headers};

pub(super) const ABOUT: &str = "a native consumer with 256 events in flight: key-value get, then put and publish with \
                                a message id at once, then an acknowledgement that is confirmed";

/// Events per second.
pub(super) async fn run(server: &JetStream, work: Work) -> Result<f64> {
    let input = server.stream("input", TYPE).await?;
    server.stream("output", OUTPUT).await?;
    let state = server.bucket("state").await?;
    let context = server.connect().await?;
    fill(&context, work).await?;
    let config = pull::Config {
        durable_name: Some("updates".to_owned()),
        ack_policy: AckPolicy::Explicit,
        max_ack_pending: i64::try_from(IN_FLIGHT)?,
        ..pull::Config::default()
    };
    let consumer = input.create_consumer(config).await?;
    let started = Instant::now();
    let messages = consumer.stream().max_messages_per_batch(IN_FLIGHT).messages().await?;
    let handled = messages
        .take(usize::try_from(work.events)?)
        .map_err(|error| anyhow!("no more messages come: {error}"))
        .map_ok(|message| handle(&context, &state, message))
        .try_buffer_unordered(IN_FLIGHT);
    let handled = handled.try_fold(0, async |count, ()| Ok(count + 1)).await?;
    ensure!(handled == work.events, "{handled} of {} events were handled", work.events);
    Ok(work.events as f64 / started.elapsed().as_secs_f64())
}

async fn fill(context: &jetstream::Context, work: Work) -> Result<()> {
    let mut in_flight = InFlight::default();
    for number in 0..work.events {
        let event = event(number, work.bytes);
        let headers = headers(SOURCE, &event.id, event.partitionkey.as_deref().unwrap_or_default());
        in_flight.publish(context, TYPE, headers, event.data.into()).await?;
    }
    in_flight.drain().await
}

/// One event: read, write, publish, acknowledge.
pub(crate) async fn handle(
    context: &jetstream::Context,
    state: &kv::Store,
    message: jetstream::Message,
) -> Result<()> {
    let carried = message.headers.as_ref().context("an event has headers")?;
    let key = carried.get(KEY).context("an event has a key")?.as_str();
    let id = carried.get("Nats-Msg-Id").context("an event has an id")?.as_str();
    let count: u64 = match state.get(key).await? {
        Some(count) => std::str::from_utf8(&count)?.parse()?,
        None => 0,
    };
    let written =
        async { Ok::<_, anyhow::Error>(state.put(key, Bytes::from((count + 1).to_string())).await?) };
    let published = async {
        let headers = headers("/plugins/updates", id, key);
        let sent = context.publish_with_headers(OUTPUT, headers, message.payload.clone()).await?;
        Ok::<_, anyhow::Error>(sent.await?)
    };
    tokio::try_join!(written, published)?;
    message.double_ack().await.map_err(|error| anyhow!("it could not be acknowledged: {error}"))
}
