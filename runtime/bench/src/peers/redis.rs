//! Redis: one server with its append-only file on, and connections to it.

use std::path::Path;

use anyhow::Result;
use redis::Client;
use redis::aio::MultiplexedConnection;

use super::Sync;
use crate::process::{Process, folder, free_port};
use crate::scheduling::as_peer;

/// A running server.
pub struct Redis {
    client: Client,
    _process: Process,
}

impl Redis {
    pub(super) async fn start(program: &Path, sync: Sync, within: &Path) -> Result<Self> {
        let (folder, port) = (folder(within)?, free_port()?);
        let synced = match sync {
            Sync::Always => "always",
            Sync::Default => "everysec",
        };
        let mut command = as_peer(program);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--appendonly", "yes"]);
        // It would rewrite its file while it is measured, in a child with the same real-time priority.
        command.args(["--auto-aof-rewrite-percentage", "0"]);
        command.args(["--appendfsync", synced, "--save", "", "--dir"]).arg(folder.path().canonicalize()?);
        let mut process = Process::start(command, folder)?;
        let client = Client::open(format!("redis://127.0.0.1:{port}/"))?;
        process
            .connect(async || {
                let mut connection = client.get_multiplexed_async_connection().await?;
                Ok(redis::cmd("PING").query_async::<()>(&mut connection).await?)
            })
            .await?;
        Ok(Self { client, _process: process })
    }

    /// A connection of its own, whose answers may take as long as the disk does.
    pub async fn connect(&self) -> Result<MultiplexedConnection> {
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }
}
