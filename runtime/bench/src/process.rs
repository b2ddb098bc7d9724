//! A server as a child process: with a folder of its own, and gone when it is dropped.
//!
//! Peers and, over HTTP, Camshaft itself run so. What they are told and asked stands with each.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(20);

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// A running server.
pub struct Process {
    child: Child,
    folder: TempDir,
}

/// The file in its folder that takes what it prints.
const PRINTED: &str = "printed";

impl Process {
    /// Starts `command` with what it prints kept in `folder`.
    pub fn start(mut command: Command, folder: TempDir) -> Result<Self> {
        let printed = File::create(folder.path().join(PRINTED))?;
        command.current_dir(folder.path()).stdin(Stdio::null());
        command.stdout(printed.try_clone()?).stderr(printed);
        let child = command.spawn().with_context(|| format!("{command:?} could not be started"))?;
        Ok(Self { child, folder })
    }

    /// Tries `connect` until it succeeds, and fails with what the server printed if it never does.
    pub async fn connect<C>(&mut self, connect: impl AsyncFn() -> Result<C>) -> Result<C> {
        let deadline = tokio::time::Instant::now() + START;
        loop {
            let refused = match connect().await {
                Ok(connection) => return Ok(connection),
                Err(refused) => refused,
            };
            let ended = self.child.try_wait()?;
            if ended.is_some() || tokio::time::Instant::now() > deadline {
                bail!("a server does not answer ({refused:#}); it printed:\n{}", printed(self.folder.path()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The system's number of it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended by itself.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

/// What the server whose folder this is has printed so far.
pub fn printed(folder: &Path) -> String {
    fs::read_to_string(folder.join(PRINTED)).unwrap_or_default()
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; its folder goes after it.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}

/// A loopback port that is free now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A new folder for a server's data, on the file system that is measured.
pub fn folder(within: &Path) -> Result<TempDir> {
    TempDir::with_prefix_in("server-", within).with_context(|| format!("no folder in '{}'", within.display()))
}
