//! The runtime as a process of its own, with the five plugins of the shop.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;

use crate::client::{Client, PATIENCE};

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
    /// Starts it over `folder`, on a free port, and waits until it listens.
    pub(crate) fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_camshaft"))
            .args(["run", "--listen", "127.0.0.1:0", "--data", "data", "--plugins", "plugins"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let (sender, receiver) = mpsc::channel();
        // Reads on to the end, so that the process never waits for its stderr.
        thread::spawn(move || {
            for line in lines {
                match line.split_once("listening on ") {
                    Some((_, url)) => sender.send(url.trim().to_owned()).unwrap_or_default(),
                    None if line.contains("ERROR") || line.starts_with("error") => {
                        eprintln!("runtime: {line}")
                    }
                    None => {}
                }
            }
        });
        let Ok(url) = receiver.recv_timeout(PATIENCE) else {
            process.kill().unwrap();
            panic!("the runtime does not listen");
        };
        Self { process, client: Client::new(&url) }
    }

    /// Kills it with SIGKILL, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failed test nothing is left behind; it may be gone already.
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.process.wait();
    }
}
