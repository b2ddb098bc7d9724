//! Runs seeds of the simulation. `cargo xtask sim` calls it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use camshaft_sim::{Fault, Faults, Sabotage, Summary, Trace, simulate};
use clap::Parser;
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// Seeds that CI runs.
const CHECKED_SEEDS: u64 = 3_000;

/// How often each kind of fault must occur in them.
const LEAST_FAULTS: u64 = 100;

/// Seeds in which each sabotage must be found.
const SABOTAGE_SEEDS: u64 = 400;

#[derive(Parser)]
#[command(name = "cargo xtask sim", about = "Simulate the runtime under every fault, one run for each seed")]
struct Arguments {
    /// Replay one seed and tell everything that happens in it.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run so many seeds from a random start on, instead of the fixed ones with the sabotages.
    #[arg(long)]
    seeds: Option<u64>,
    /// Take a guard out: the number of the sabotage, from 0.
    #[arg(long, value_parser = sabotage)]
    sabotage: Option<Sabotage>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A broken promise is a panic of the model; it is told once, in words.
    std::panic::set_hook(Box::new(|_| {}));
    let done = match arguments {
        Arguments { seed: Some(seed), sabotage, .. } => replay(seed, sabotage),
        Arguments { seeds: Some(seeds), sabotage, .. } => explore(seeds, sabotage),
        Arguments { .. } => check(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn replay(seed: u64, sabotage: Option<Sabotage>) -> Result<ExitCode> {
    match simulate(seed, sabotage, Trace::Print) {
        Ok(summary) => {
            let Summary { events, transactions, digest, .. } = summary;
            println!(
                "seed {seed}: sound; {events} events, {transactions} transactions, digest {digest:016x}"
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            println!("seed {seed}: {broken}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn explore(seeds: u64, sabotage: Option<Sabotage>) -> Result<ExitCode> {
    let since_epoch = std::time::UNIX_EPOCH.elapsed().context("the clock is before 1970")?;
    let first = since_epoch.as_secs() << 20;
    let tally = Tally::over(first, seeds, sabotage);
    Ok(tally.tell(false))
}

/// The fixed seeds, every kind of fault often enough, and every sabotage found.
fn check() -> Result<ExitCode> {
    let tally = Tally::over(0, CHECKED_SEEDS, None);
    let code = tally.tell(true);
    if code != ExitCode::SUCCESS {
        return Ok(code);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["sabotage", "found by seed", "as"]);
    let found = Mutex::new(BTreeMap::new());
    each(Sabotage::ALL.len() as u64, |number| {
        let sabotage = Sabotage::ALL.get(usize::try_from(number).unwrap_or(usize::MAX)).copied();
        let first = (0..SABOTAGE_SEEDS)
            .find_map(|seed| simulate(seed, sabotage, Trace::Off).err().map(|broken| (seed, broken)));
        found.lock().unwrap_or_else(PoisonError::into_inner).insert(number, first);
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut missed = false;
    for (sabotage, found) in Sabotage::ALL.iter().zip(found.into_values()) {
        missed |= found.is_none();
        let (seed, broken) = found.map_or(("never".to_owned(), String::new()), |(seed, broken)| {
            (seed.to_string(), first_words(&broken))
        });
        table.add_row([format!("{sabotage:?}"), seed, broken]);
    }
    println!("\n{table}");
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What came of many seeds.
struct Tally {
    seeds: u64,
    seconds: u64,
    faults: Faults,
    events: u64,
    sabotage: Option<Sabotage>,
    /// The first seeds that broke a promise.
    broken: Vec<(u64, String)>,
}

impl Tally {
    fn over(first: u64, seeds: u64, sabotage: Option<Sabotage>) -> Self {
        let started = Instant::now();
        let bar = ProgressBar::new(seeds);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {eta} left") {
            bar.set_style(style);
        }
        let collected = Mutex::new((Faults::default(), 0, Vec::new()));
        each(seeds, |number| {
            let seed = first + number;
            let outcome = simulate(seed, sabotage, Trace::Off);
            bar.inc(1);
            let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(summary) => {
                    collected.0.add(&summary.faults);
                    collected.1 += summary.events;
                }
                Err(reason) => collected.2.push((seed, reason)),
            }
        });
        bar.finish_and_clear();
        let (faults, events, mut broken) = collected.into_inner().unwrap_or_else(PoisonError::into_inner);
        broken.sort_unstable();
        Self { seeds, seconds: started.elapsed().as_secs(), faults, events, sabotage, broken }
    }

    /// Prints it; whether all is well. Faults that occurred too rarely count as ill if they `must` occur.
    fn tell(&self, must: bool) -> ExitCode {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["times", "what happened"]);
        let mut rare: Vec<Fault> = Vec::new();
        for (fault, count) in self.faults.iter() {
            table.add_row([count.to_string(), fault.text().to_owned()]);
            if count < LEAST_FAULTS {
                rare.push(fault);
            }
        }
        println!("{table}\n");
        println!(
            "{} seeds with {} events in {} s; {} broke a promise",
            self.seeds,
            self.events,
            self.seconds,
            self.broken.len()
        );
        let armed = |sabotage: Sabotage| Sabotage::ALL.iter().position(|other| *other == sabotage);
        let sabotage = self.sabotage.and_then(armed).map_or(String::new(), |n| format!(" --sabotage {n}"));
        for (seed, broken) in self.broken.iter().take(10) {
            let words = first_words(broken);
            println!("seed {seed}: {words}\n  replay it with: cargo xtask sim --seed {seed}{sabotage}");
        }
        let is_rare = must && !rare.is_empty();
        if is_rare {
            println!("fewer than {LEAST_FAULTS} times: {rare:?}");
        }
        if self.broken.is_empty() && !is_rare { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Calls `run` with each number below `count`, on all cores.
fn each(count: u64, run: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    run(number);
                }
            });
        }
    });
}

fn sabotage(text: &str) -> Result<Sabotage, String> {
    let number: usize = text.parse().map_err(|error| format!("{error}"))?;
    Sabotage::ALL.get(number).copied().ok_or_else(|| format!("there are {} of them", Sabotage::ALL.len()))
}

/// Enough of a message for one line.
fn first_words(message: &str) -> String {
    let line = message.lines().collect::<Vec<_>>().join(" ");
    line.chars().take(120).collect()
}
