//! The main job on real input: a month of departures goes through the runtime while plugins come, are
//! replaced and fail, and the process is killed; at the end every sum must be that of the file.
//!
//! Everything happens at fixed event counts, never after a time, so that two runs do the same.

mod flights;
mod plan;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use camshaft_guest_build::Guests;

use crate::client::Client;
use crate::server::Server;
use crate::{command, toolchain};
use flights::Flights;

const PLUGINS: [&str; 4] = ["carrier-stats", "carrier-stats-fixed", "delay-alert", "airport-board"];

pub(crate) fn run(keep: bool) -> Result<()> {
    let toolchain = toolchain::ensure()?;
    let binary = command::program("camshaft")?;
    step("building the plugins of examples/flights");
    let built = toolchain.build(&Guests::in_folder(command::root()).packages(PLUGINS))?;
    let plugin = |name: &str| -> Result<PathBuf> {
        let found = built.iter().find(|component| component.name == name);
        Ok(found.with_context(|| format!("plugin {name} was not built"))?.path.clone())
    };
    let flights = Flights::read(&command::root().join("examples/flights/january-2013.csv.gz"))?;
    step(&format!("read {} departures of January 2013", flights.len()));

    let folder = tempfile::Builder::new().prefix("camshaft-demo-").tempdir()?;
    let plugins_folder = folder.path().join("plugins");
    fs::create_dir(&plugins_folder)?;
    let mut server = Server::start(&binary, folder.path())?;
    let mut client = Client::new(&server.url);
    let drop_in = |name: &str, as_name: &str| drop_in(&plugin(name)?, &plugins_folder, as_name);

    drop_in("carrier-stats", "carrier-stats")?;
    client.wait_for_plugin("carrier-stats", "1.0.0")?;
    step("dropped carrier-stats 1.0.0 into the directory");

    let started = Instant::now();
    let mut plan = plan::Plan::new(&flights);
    while let Some(stop) = plan.publish_to_next_stop(&client)? {
        match stop {
            plan::Stop::DropAlert => {
                drop_in("delay-alert", "delay-alert")?;
                client.wait_for_plugin("delay-alert", "1.0.0")?;
                step("dropped delay-alert: it reads the log from its beginning");
            }
            plan::Stop::DropBoard => {
                drop_in("airport-board", "airport-board")?;
                client.wait_for_plugin("airport-board", "1.0.0")?;
                step("dropped airport-board");
            }
            plan::Stop::Kill => {
                plan.kill_amid_a_batch(&client, &mut server)?;
                server = Server::start(&binary, folder.path())?;
                client = Client::new(&server.url);
                plan.publish_again_what_was_in_flight(&client)?;
                step("killed the runtime with SIGKILL amid a batch, started it again");
            }
            plan::Stop::Repeat => {
                let duplicates = plan.publish_first_thousand_again(&client)?;
                step(&format!(
                    "published the first thousand rows again: {duplicates} of 1000 answered as duplicates"
                ));
            }
            plan::Stop::Break => {
                plan.publish_broken(&client)?;
                step("published a broken flight.delayed under the key of JFK");
            }
            plan::Stop::Replace => {
                client.wait_until_handled("carrier-stats")?;
                plan.show_rejected(&client)?;
                drop_in("carrier-stats-fixed", "carrier-stats")?;
                client.wait_for_plugin("carrier-stats", "1.1.0")?;
                step("replaced carrier-stats by 1.1.0, which reads delays as text");
                let redriven = client.redrive_all("carrier-stats")?;
                step(&format!("redrove its {redriven} dead letters"));
            }
        }
    }
    check(&client, &plan, &flights, started)?;
    finish(keep, server, folder)
}

/// Waits until all events are handled, and compares every sum with the file.
fn check(client: &Client, plan: &plan::Plan<'_>, flights: &Flights, started: Instant) -> Result<()> {
    for consumer in ["carrier-stats", "delay-alert", "airport-board"] {
        client.wait_until_handled(consumer)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    plan.release_the_held_key(client)?;
    client.wait_until_handled("airport-board")?;
    verdict::check(client, flights)?;
    let total = client.tail()?;
    step(&format!(
        "{total} events in the log, {:.0} published and handled per second, every one durable",
        total as f64 / seconds
    ));
    Ok(())
}

fn finish(keep: bool, mut server: Server, folder: tempfile::TempDir) -> Result<()> {
    if keep {
        let folder = folder.keep();
        let url = server.leave_running();
        step(&format!("the runtime keeps running at {url}, its files are in {}", folder.display()));
        step(&format!("look around: camshaft --url {url} consumers · … state list carrier-stats · … tail"));
    } else {
        server.stop()?;
        step("look further: `cargo xtask demo --keep`, examples/flights/README.md, ARCHITECTURE.md");
    }
    Ok(())
}

/// Copies a plugin as an operator should: complete under another name, then renamed.
fn drop_in(component: &Path, folder: &Path, name: &str) -> Result<()> {
    let partial = folder.join(format!(".{name}.partial"));
    fs::copy(component, &partial)?;
    fs::rename(partial, folder.join(format!("{name}.wasm")))?;
    Ok(())
}

fn step(text: &str) {
    println!("▸ {text}");
}
