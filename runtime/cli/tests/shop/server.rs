//! The runtime as a separate process, with the five plugins of the shop.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use crate::client::Client;

pub(crate) const PLUGINS: [&str; 5] =
    ["shop-notifications", "shop-orders", "shop-payments", "shop-shipping", "shop-stock"];

pub(crate) struct Server {
    process: Child,
    pub(crate) client: Client,
}

/// Copies the five plugins into the plugins directory of `folder`.
pub(crate) fn install_plugins(folder: &Path) {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| camshaft_test_guests::plugins(&PLUGINS));
    let plugins = folder.join("plugins");
    fs::create_dir(&plugins).unwrap();
    for name in PLUGINS {
        fs::copy(&built[name], plugins.join(format!("{name}.wasm"))).unwrap();
    }
}

impl Server {
    /// Starts it in `folder` on a free port, and waits until it listens and the plugins run.
    pub(crate) fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_camshaft"))
            .args(["run", "--listen", "127.0.0.1:0", "--data", "data", "--plugins", "plugins"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let url = wait_until_it_listens(&mut stderr).unwrap_or_else(|lines| {
            process.wait().unwrap();
            panic!("the runtime did not start:\n{lines}")
        });
        // Read stderr to its end, so that the process never blocks on a full pipe.
        thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .filter(|line| line.contains("ERROR"))
                .for_each(|line| eprintln!("runtime: {line}"))
        });
        let server = Self { process, client: Client::new(&url) };
        server.client.wait_for_plugins();
        server
    }

    /// Kills it with SIGKILL, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Returns the address that it listens on, or its whole stderr if it ends first.
fn wait_until_it_listens(stderr: &mut impl BufRead) -> Result<String, String> {
    let mut said = String::new();
    loop {
        let mut line = String::new();
        if stderr.read_line(&mut line).unwrap() == 0 {
            return Err(said);
        }
        if let Some((_, url)) = line.split_once("listening on ") {
            return Ok(url.trim().to_owned());
        }
        said.push_str(&line);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Do not leave a process behind after a failed test. It may have ended already.
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.process.wait();
    }
}
