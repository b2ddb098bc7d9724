//! NATS JetStream: one server, file storage, and connections to it.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::{self, Context, kv, stream};
use async_nats::{Client, ConnectOptions, HeaderMap};
use bytes::Bytes;

use super::Sync;
use crate::process::{Process, folder, free_port};
use crate::scheduling::as_peer;

/// The header that carries an event's key.
pub const KEY: &str = "Key";

/// How long a publish may wait for its acknowledgement, with thousands before it in line.
const PERSISTED_WITHIN: Duration = Duration::from_secs(120);

/// Publishes that one connection lets wait for their acknowledgement.
pub const IN_FLIGHT: usize = 256;

/// A running server.
pub struct JetStream {
    url: String,
    _process: Process,
}

impl JetStream {
    pub(super) async fn start(program: &Path, sync: Sync, within: &Path) -> Result<Self> {
        let (folder, port) = (folder(within)?, free_port()?);
        let synced = match sync {
            Sync::Always => "  sync_interval: always\n",
            Sync::Default => "",
        };
        let store = folder.path().canonicalize()?.join("store");
        let settings = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{\n  store_dir: \"{}\"\n{synced}}}\n",
            store.display()
        );
        let file = folder.path().join("nats.conf");
        fs::write(&file, settings)?;
        let mut command = as_peer(program);
        command.arg("--config").arg(file.canonicalize()?);
        let mut process = Process::start(command, folder)?;
        let url = format!("nats://127.0.0.1:{port}");
        // It accepts connections before it is ready for streams.
        process.connect(async || Ok(context(connect(&url).await?).query_account().await?)).await?;
        Ok(Self { url, _process: process })
    }

    /// A connection of its own.
    pub async fn connect(&self) -> Result<Context> {
        Ok(context(connect(&self.url).await?))
    }

    /// A new stream for one subject, which knows message ids for as long as the measurement takes.
    pub async fn stream(&self, name: &str, subject: &str) -> Result<stream::Stream> {
        let config = stream::Config {
            name: name.to_owned(),
            subjects: vec![subject.to_owned()],
            storage: stream::StorageType::File,
            duplicate_window: Duration::from_secs(3600),
            ..stream::Config::default()
        };
        Ok(self.connect().await?.create_stream(config).await?)
    }

    /// A new bucket of keys, each with its last value.
    pub async fn bucket(&self, name: &str) -> Result<kv::Store> {
        let config = kv::Config {
            bucket: name.to_owned(),
            history: 1,
            storage: stream::StorageType::File,
            ..kv::Config::default()
        };
        Ok(self.connect().await?.create_key_value(config).await?)
    }
}

/// The publishes of one connection that wait for their acknowledgement; never more than [`IN_FLIGHT`].
#[derive(Default)]
pub struct InFlight(VecDeque<PublishAckFuture>);

impl InFlight {
    /// Sends a message under an id by which a second one would be known, and waits for the oldest if there
    /// are many.
    pub async fn publish(
        &mut self,
        context: &Context,
        subject: &'static str,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<()> {
        if self.0.len() == IN_FLIGHT
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.await?;
        }
        self.0.push_back(context.publish_with_headers(subject, headers, payload).await?);
        Ok(())
    }

    /// Waits for all.
    pub async fn drain(&mut self) -> Result<()> {
        for acknowledged in self.0.drain(..) {
            acknowledged.await?;
        }
        Ok(())
    }
}

/// The headers of an event: its id, by which the server knows it, and its key.
pub fn headers(source: &str, id: &str, key: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", format!("{source}/{id}").as_str());
    headers.insert(KEY, key);
    headers
}

async fn connect(url: &str) -> Result<Client> {
    Ok(ConnectOptions::new().request_timeout(Some(PERSISTED_WITHIN)).connect(url).await?)
}

fn context(client: Client) -> Context {
    let mut context = jetstream::new(client);
    context.set_timeout(PERSISTED_WITHIN);
    context
}
