//! JetStream's path: a publish with a message id, and the consumer of `pipeline`.

use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures_util::TryStreamExt;
use tokio::sync::mpsc::unbounded_channel;

use super::{DATA_BYTES, Path, Seen};
use crate::event::{OUTPUT, SOURCE, TYPE, event};
use crate::peers::{IN_FLIGHT, JetStream, headers};
use crate::pipeline::jetstream::handle;

#[derive(Clone)]
pub(super) struct JetStreamPath(Context);

pub(super) async fn open(server: &JetStream) -> Result<(JetStreamPath, Seen)> {
    let input = server.stream("input", TYPE).await?;
    server.stream("output", OUTPUT).await?;
    let state = server.bucket("state").await?;
    let config = pull::Config {
        durable_name: Some("updates".to_owned()),
        ack_policy: AckPolicy::Explicit,
        max_ack_pending: i64::try_from(IN_FLIGHT)?,
        ..pull::Config::default()
    };
    let messages = input.create_consumer(config).await?.messages().await?;
    let (sender, receiver) = unbounded_channel();
    let context = server.connect().await?;
    // It ends with the server, and with whoever listens.
    tokio::spawn(async move {
        let (context, state, sender) = (&context, &state, &sender);
        let handled = messages
            .map_err(|error| anyhow!("no more messages come: {error}"))
            .map_ok(async |message| {
                let id = message.headers.as_ref().and_then(|headers| headers.get("Nats-Msg-Id"));
                let number =
                    id.and_then(|id| id.as_str().rsplit('/').next()).context("it has an id")?.parse()?;
                handle(context, state, message).await?;
                sender.send((number, Instant::now()))?;
                Ok(())
            })
            .try_buffer_unordered(IN_FLIGHT);
        handled.try_for_each(async |()| Ok(())).await
    });
    Ok((JetStreamPath(server.connect().await?), Seen::new(receiver)))
}

impl Path for JetStreamPath {
    async fn publish(&self, number: u64) -> Result<()> {
        let event = event(number, DATA_BYTES);
        let headers = headers(SOURCE, &event.id, event.partitionkey.as_deref().unwrap_or_default());
        self.0.publish_with_headers(TYPE, headers, event.data.into()).await?.await?;
        Ok(())
    }
}
