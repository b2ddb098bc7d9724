//! The real binary under real kills: producers publish over HTTP while the process is killed and stopped, its
//! plugin is replaced, and its disk is full. What the producers were promised and what the plugin wrote down
//! must agree.
//!
//! The simulation finds what is wrong in any order of steps; this finds threads that forget a step, and what
//! only a real disk, a real kernel and real wasm do.

mod full_disk;
mod hostile;
mod ledger;
mod producers;
mod tellers;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::{Context, Result};
use camshaft_guest_build::{Component, Guests};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::client::Client;
use crate::server::Server;
use crate::{command, toolchain};
use hostile::{Harm, Hostile};
use ledger::Ledger;
use producers::Producers;
use tellers::{Answers, Tellers};

/// How long the process is stopped: longer than the deadline of a handler.
const STILL: Duration = Duration::from_millis(2_500);

/// The plugin's version: that of its package, which is that of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One of so many mishaps is a stop, and one a new plugin file; the others are kills.
const MISHAPS: u32 = 12;

/// What was done to the runtime.
#[derive(Default)]
struct Mishaps {
    kills: u32,
    stops: u32,
    replacements: u32,
}

pub(crate) fn run(minutes: f64, kills: u32, seed: Option<u64>) -> Result<()> {
    let toolchain = toolchain::ensure()?;
    let binary = command::program("camshaft")?;
    println!("▸ building the plugin that writes down what it sees, and the hostile ones beside it");
    let programs = Guests::in_folder(command::root()).packages(["camshaft-test-programs"]).examples();
    let built = toolchain.build(&programs)?;
    let witness = built.iter().find(|component| component.name == "witness");
    let witness = Plugin::of(&witness.context("the plugin was not built")?.path)?;
    let seed = seed.map_or_else(random_seed, Ok)?;
    println!("▸ mishaps of seed {seed}; at least {kills} kills and {minutes} minutes");
    let mishaps = kill_and_stop(&binary, &witness, &built, minutes, kills, seed)?;
    let full = full_disk::run(&binary, &witness)?;
    println!(
        "▸ {} kills, {} stops of {STILL:?}, {} replacements, {} publishes refused for a full disk ({})",
        mishaps.0.kills, mishaps.0.stops, mishaps.0.replacements, full.refused, full.by
    );
    let events = mishaps.1 + full.events;
    let Harm { refused_bombs, dead_letters } = mishaps.2;
    let (accepted, refused) = mishaps.3.counts();
    println!("▸ {refused_bombs} bombs refused, {dead_letters} events failed by hostile plugins");
    println!(
        "▸ {accepted} commands accepted, {refused} refused: each repeat got the first answer, no money lost"
    );
    println!("▸ {events} events published and answered: 0 lost, 0 doubled, order kept");
    Ok(())
}

fn kill_and_stop(
    binary: &Path,
    witness: &Plugin,
    built: &[Component],
    minutes: f64,
    kills: u32,
    seed: u64,
) -> Result<(Mishaps, u64, Harm, Answers)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let folder = tempfile::Builder::new().prefix("camshaft-torture-").tempdir()?;
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins)?;
    witness.put(&plugins, 0)?;
    let bombs = hostile::put(&plugins, built)?;
    tellers::put(&plugins, built)?;
    let mut server = Server::start(binary, folder.path())?;
    Client::new(&server.url).wait_for_plugin("witness", VERSION)?;
    Client::new(&server.url).wait_for_plugin(tellers::AGGREGATE, tellers::VERSION)?;
    let producers = Producers::start(&server.url, 0);
    let tellers = Tellers::start(&server.url, seed);
    let hostile = Hostile::start(&server.url);
    let started = Instant::now();
    let mut mishaps = Mishaps::default();
    let bar = indicatif::ProgressBar::new(kills.into());
    while mishaps.kills < kills || started.elapsed().as_secs_f64() < minutes * 60.0 {
        thread::sleep(Duration::from_millis(u64::from(random.next_u32() % 600) + 20));
        match random.next_u32() % MISHAPS {
            0 => {
                server.stand_still(STILL)?;
                mishaps.stops += 1;
            }
            1 => {
                mishaps.replacements += 1;
                witness.put(&plugins, mishaps.replacements)?;
            }
            _ => {
                server.kill()?;
                mishaps.kills += 1;
                bar.inc(1);
                server = Server::start(binary, folder.path())?;
                producers.go_on_at(&server.url);
                tellers.go_on_at(&server.url);
                hostile.go_on_at(&server.url);
            }
        }
    }
    bar.finish_and_clear();
    let promised = producers.finish()?;
    let answers = tellers.finish()?;
    hostile.finish()?;
    let client = Client::new(&server.url);
    Ledger::read(&client)?.check(&promised)?;
    answers.check(&server.url)?;
    let harm = hostile::check(&client, bombs)?;
    // Once more after a last start, from what lies on the disk.
    server.kill()?;
    mishaps.kills += 1;
    server = Server::start(binary, folder.path())?;
    Ledger::read(&Client::new(&server.url))?.check(&promised)?;
    Client::new(&server.url).wait_for_plugin(tellers::AGGREGATE, tellers::VERSION)?;
    answers.check(&server.url)?;
    server.stop()?;
    Ok((mishaps, promised.total(), harm, answers))
}

fn random_seed() -> Result<u64> {
    Ok(UNIX_EPOCH.elapsed().context("the clock is before 1970")?.as_secs())
}

/// The plugin, as many files that differ.
struct Plugin(Vec<u8>);

impl Plugin {
    fn of(path: &PathBuf) -> Result<Self> {
        Ok(Self(fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?))
    }

    /// Copies it into the plugins directory as an operator should: complete under another name, then renamed.
    /// Each number is another file, by a custom section at its end that nobody reads.
    fn put(&self, plugins: &Path, number: u32) -> Result<()> {
        let partial = plugins.join(".witness.partial");
        let mut bytes = self.0.clone();
        let text = format!("build {number:010}");
        bytes.extend([0, u8::try_from(text.len() + 2)?, 1, b'n']);
        bytes.extend(text.as_bytes());
        fs::write(&partial, bytes)?;
        fs::rename(partial, plugins.join("witness.wasm"))?;
        Ok(())
    }
}
