//! A disk without room: publishes are refused, nothing answered is lost, and it heals by itself.
//!
//! As root the data lies on a small file system in memory, which is filled. Else the process may not grow any
//! file beyond a limit, which is the nearest thing to a full disk that needs no rights.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::ledger::Ledger;
use super::producers::Producers;
use super::{Plugin, VERSION};
use crate::client::Client;
use crate::server::Server;

/// Room for the log's first segments and the tables, not for much more.
const ROOM_MIB: u64 = 400;

/// Bytes of padding in each event: the segments are to be full soon.
const PADDING: usize = 8 * 1024;

/// How long it may take until the disk is full, and until it has healed.
const PATIENCE: Duration = Duration::from_secs(90);

pub(super) struct FullDisk {
    /// Publishes that were refused for it.
    pub(super) refused: u64,
    pub(super) events: u64,
    /// How the room was taken.
    pub(super) by: &'static str,
}

pub(super) fn run(binary: &Path, witness: &Plugin) -> Result<FullDisk> {
    let folder = tempfile::Builder::new().prefix("camshaft-full-").tempdir()?;
    let (plugins, data) = (folder.path().join("plugins"), folder.path().join("data"));
    fs::create_dir(&plugins)?;
    fs::create_dir(&data)?;
    witness.put(&plugins, 0)?;
    let disk = Disk::small(&data)?;
    let mut server = Server::start(binary, folder.path())?;
    Client::new(&server.url).wait_for_plugin("witness", VERSION)?;
    let producers = Producers::start(&server.url, PADDING);
    disk.fill(&server)?;
    wait("a publish to be refused", || producers.refused() > 0)?;
    disk.free(&server)?;
    let refused = producers.refused();
    let answered = producers.answered();
    wait("publishes to be answered again", || producers.answered() > answered + 10)?;
    let promised = producers.finish()?;
    server.kill()?;
    let mut server = Server::start(binary, folder.path())?;
    Ledger::read(&Client::new(&server.url))?.check(&promised)?;
    server.stop()?;
    Ok(FullDisk { refused, events: promised.total(), by: disk.name() })
}

fn wait(what: &str, mut done: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        if Instant::now() > deadline {
            bail!("waited {PATIENCE:?} for {what}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

enum Disk {
    /// A file system of its own.
    Mounted(PathBuf),
    /// A limit on the size of files.
    Limited,
}

impl Disk {
    fn small(data: &Path) -> Result<Self> {
        let size = format!("size={ROOM_MIB}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(data).output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Self::Mounted(data.to_owned())),
            _ => Ok(Self::Limited),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Mounted(_) => "a file system in memory",
            Self::Limited => "a limit on the size of files",
        }
    }

    fn filler(data: &Path) -> PathBuf {
        data.join("filler")
    }

    /// Takes all the room that is left.
    fn fill(&self, server: &Server) -> Result<()> {
        match self {
            Self::Mounted(data) => {
                let path = Self::filler(data);
                let chunk = vec![0; 1 << 20];
                let mut file = fs::File::create(&path).context("the filler cannot be created")?;
                // It ends with the error that it is there for.
                while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
                Ok(())
            }
            Self::Limited => server.limit_files(Some(1 << 20)),
        }
    }

    fn free(&self, server: &Server) -> Result<()> {
        match self {
            Self::Mounted(data) => Ok(fs::remove_file(Self::filler(data))?),
            Self::Limited => server.limit_files(None),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Mounted(data) = self {
            // Whatever is left of it goes with the machine.
            let _: std::io::Result<std::process::Output> =
                Command::new("umount").arg("-l").arg(data).output();
        }
    }
}
