//! Camshaft as a process of its own, as an operator runs it: this program under another name is the `camshaft` command.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::process::{Process, folder, printed};

/// The name under which this program is the `camshaft` command.
pub const NAME: &str = "camshaft";

/// A running `camshaft run` with a folder of its own.
pub struct Server {
    pub address: SocketAddr,
    _process: Process,
}

impl Server {
    /// Starts it on a free port and waits until it listens.
    pub async fn start(within: &Path) -> Result<Self> {
        let folder = folder(within)?;
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command.arg0(NAME).args(["run", "--listen", "127.0.0.1:0", "--data", "data", "--plugins", "plugins"]);
        let place = folder.path().to_owned();
        let mut process = Process::start(command, folder)?;
        let address =
            process.connect(async || listening(&printed(&place)).context("it does not listen yet")).await?;
        Ok(Self { address, _process: process })
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
