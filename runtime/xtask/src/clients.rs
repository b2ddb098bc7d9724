//! What official clients say of the HTTP interface: schemathesis compares the description with the behaviour,
//! and CloudEvents' own SDKs publish events and read them back.
//!
//! They come by pip and npm into the target folder, at the versions that `clients/` pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use camshaft_guest_build::Guests;
use serde_json::json;

use crate::client::Client;
use crate::server::Server;
use crate::{command, toolchain, tools};

/// Requests that schemathesis makes up for each operation, beside those at the bounds of the description.
const EXAMPLES: &str = "25";

/// Every run makes the same requests, so that a change is judged by itself.
const SEED: &str = "17";

/// How long the seeds may take to be handled.
const PATIENCE: Duration = Duration::from_secs(120);

/// The plugin that the runtime is seeded with: it keeps state, and rejects what asks for it.
const PLUGIN: &str = "rejects";

pub(crate) fn run() -> Result<()> {
    let sources = command::root().join("runtime/xtask/clients");
    let tools = command::target_folder().join("clients");
    fs::create_dir_all(&tools)?;
    let python = packages(&tools, &sources)?;
    let javascript = modules(&tools, &sources)?;
    let toolchain = toolchain::ensure()?;
    let binary = command::program("camshaft")?;
    let programs = Guests::in_folder(command::root()).packages(["camshaft-test-programs"]).examples();
    let built = toolchain.build(&programs)?;
    let plugin =
        built.iter().find(|component| component.name == PLUGIN).context("the plugin was not built")?;

    let folder = tempfile::tempdir()?;
    let plugins = folder.path().join("plugins");
    fs::create_dir_all(&plugins)?;
    fs::copy(&plugin.path, plugins.join("rejects.partial"))?;
    fs::rename(plugins.join("rejects.partial"), plugins.join("rejects.wasm"))?;
    let mut server = Server::start(&binary, folder.path())?;
    seed(&Client::new(&server.url))?;

    println!("▸ the CloudEvents SDKs publish events and read them back");
    let mut round_trip = Command::new("python3");
    round_trip.arg(sources.join("round_trip.py")).arg(&server.url).env("PYTHONPATH", &python);
    command::run(round_trip)?;
    let mut round_trip = Command::new("node");
    round_trip.arg(javascript.join("round_trip.mjs")).arg(&server.url);
    command::run(round_trip)?;

    println!("▸ schemathesis compares the description with what is answered");
    let mut compare = Command::new("python3");
    compare.args(["-c", "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"]);
    compare.arg("--config-file").arg(sources.join("schemathesis.toml"));
    compare.arg("run").arg(format!("{}/openapi.json", server.url));
    compare.args(["--max-examples", EXAMPLES, "--seed", SEED, "--no-color", "--request-timeout", "30"]);
    // Its cache lies in the folder that it is started in.
    compare.env("PYTHONPATH", &python).current_dir(folder.path());
    command::run(compare)?;
    server.stop()
}

/// The folder with the packages of Python.
fn packages(tools: &Path, sources: &Path) -> Result<PathBuf> {
    tools::installed(tools, sources, "python", &["requirements.txt"], |draft| {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
        ]);
        pip.args(["--only-binary", ":all:", "--target", ".", "--requirement", "requirements.txt"]);
        pip.current_dir(draft);
        command::run(pip)
    })
}

/// The folder with the modules of JavaScript, and the program that imports them.
fn modules(tools: &Path, sources: &Path) -> Result<PathBuf> {
    tools::modules(tools, sources, &["round_trip.mjs"])
}

/// Gives the runtime events, state and a dead letter with an event behind it.
fn seed(client: &Client) -> Result<()> {
    let event = |id: u32, key: &str, reject: bool| {
        json!({
            "specversion": "1.0", "id": id.to_string(), "source": "/seed", "type": "test.event",
            "subject": key, "data": {"reject": reject},
        })
    };
    let events = [event(1, "a", false), event(2, "b", true), event(3, "b", false), event(4, "c", false)];
    client.publish(&events.each_ref())?;
    let end = Instant::now() + PATIENCE;
    loop {
        let letters = client.get("/dead-letters")?;
        if letters["items"].as_array().is_some_and(|items| items.len() == 1) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "the seeds were not handled within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(100));
    }
}
