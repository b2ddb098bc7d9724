//! The project's chores: `cargo xtask demo | test | sim | torture | clients | bench | instructions | tidy | ci`.
//!
//! Each does all it needs from a fresh clone, whatever the machine lacks: it finds or installs a toolchain for
//! plugins, builds what it runs, and says what it is doing.

mod bench;
mod ci;
mod client;
mod clients;
mod command;
mod demo;
mod instructions;
mod readme;
mod server;
mod tidy;
mod toolchain;
mod torture;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of the Camshaft project")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run a month of real flights through the runtime, with a kill in the middle, and check every sum.
    Demo {
        /// Leave the runtime running at the end, to look around.
        #[arg(long)]
        keep: bool,
    },
    /// Run all tests. Arguments go to `cargo test`.
    Test {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Simulate the runtime under every fault. Arguments go to the simulator; `--help` lists them.
    Sim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Kill, stop, fill and replace under load, with the real binary, and count what was lost or doubled.
    Torture {
        /// How long at least.
        #[arg(long, default_value_t = 1.0)]
        minutes: f64,
        /// How many kills at least.
        #[arg(long, default_value_t = 60)]
        kills: u32,
        /// Another order of mishaps; random unless given.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Let official clients judge the HTTP interface: schemathesis its description, CloudEvents' SDKs the events.
    Clients,
    /// Measure beside peers, which are installed into the target folder: `cargo xtask bench [NAME] [--quick]`. All
    /// that a release is judged by without a name; `--help` lists the names.
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Count the instructions of the hot path, and compare them with the ones accepted last.
    Instructions {
        /// Accept what is counted now.
        #[arg(long)]
        accept: bool,
    },
    /// House rules: lengths of files, no forgotten markers, no dependency that is compiled twice.
    Tidy,
    /// Run every command of the README and the guide once, and compare what it prints.
    Readme {
        /// With the program that the other checks run, instead of installing it for release as they say.
        #[arg(long)]
        built: bool,
    },
    /// All checks: house rules, format, lints, docs, tests, and the slow suites: simulation, torture, demo, README,
    /// official clients, instructions, a quick bench. A slow suite runs if the change can touch it, or in turn.
    Ci {
        /// Run every suite, whatever changed.
        #[arg(long)]
        all: bool,
        /// The commit before the change; unless given, the newest that is a day older than the head commit.
        #[arg(long, value_name = "REVISION", conflicts_with = "all")]
        since: Option<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Demo { keep } => demo::run(keep),
        Chore::Test { arguments } => ci::test(&arguments),
        Chore::Sim { arguments } => ci::sim(&arguments),
        Chore::Torture { minutes, kills, seed } => torture::run(minutes, kills, seed),
        Chore::Clients => clients::run(),
        Chore::Bench { arguments } => bench::run(&arguments),
        Chore::Instructions { accept } => instructions::run(accept),
        Chore::Tidy => tidy::run(),
        Chore::Readme { built } => readme::run(!built),
        Chore::Ci { all, since } => ci::run(all, since.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
