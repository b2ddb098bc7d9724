//! Camshaft as a process of its own, as an operator runs it: this program, told so, is the `camshaft`
//! command.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::{Process, folder, printed};
use crate::scheduling::as_usual;

/// The environment's variable that makes this program the `camshaft` command.
const IS_PROGRAM: &str = "BENCH_IS_CAMSHAFT";

/// Whether this process was started to be the `camshaft` command.
pub fn is_program() -> bool {
    env::var_os(IS_PROGRAM).is_some()
}

/// A running `camshaft run` with a folder of its own.
pub struct Server {
    pub address: SocketAddr,
    process: Process,
}

impl Server {
    /// Starts it on a free port and waits until it listens.
    pub async fn start(within: &Path) -> Result<Self> {
        let folder = folder(within)?;
        let mut command = as_usual(env::current_exe()?);
        command.env(IS_PROGRAM, "1").args([
            "run",
            "--listen",
            "127.0.0.1:0",
            "--data",
            "data",
            "--plugins",
            "plugins",
        ]);
        Self::of(command, folder).await
    }

    /// Starts `command`, which says where it listens as `camshaft run` does.
    pub async fn of(command: Command, folder: TempDir) -> Result<Self> {
        let place = folder.path().to_owned();
        let mut process = Process::start(command, folder)?;
        let address =
            process.connect(async || listening(&printed(&place)).context("it does not listen yet")).await?;
        Ok(Self { address, process })
    }

    /// The system's number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

/// Where it listens, once it has said so.
fn listening(printed: &str) -> Option<SocketAddr> {
    let (_, rest) = printed.split_once("listening on http://")?;
    let (address, _) = rest.split_once('\n')?;
    address.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_known_once_the_line_is_whole() {
        assert_eq!(listening("INFO x\nlistening on http://127.0.0.1:4077\n").unwrap().port(), 4077);
        assert_eq!(listening("listening on http://127.0.0.1:40"), None);
    }
}
