//! The project's chores. `cargo xtask --help` lists them.
//!
//! Each chore works in a fresh clone: it finds or installs a toolchain for plugins and the tools that the
//! machine lacks, builds the programs that it runs, and prints its progress.

mod bench;
mod ci;
mod client;
mod clients;
mod command;
mod demo;
mod instructions;
mod readme;
mod repository;
mod server;
mod tidy;
mod toolchain;
mod tools;
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
        /// Leave the runtime running at the end.
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
    /// Kill, stop, fill and reload the real binary under load, and count lost and doubled events.
    Torture {
        /// Minimum duration in minutes.
        #[arg(long, default_value_t = 1.0)]
        minutes: f64,
        /// Minimum number of kills.
        #[arg(long, default_value_t = 60)]
        kills: u32,
        /// Seed for the order of faults [default: random].
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Test the HTTP interface with official clients: schemathesis for its description, the CloudEvents SDKs
    /// for events.
    Clients,
    /// Measure beside peers, which are installed into the target folder: `cargo xtask bench [NAME]
    /// [--quick]`. Without a name, all measurements of a release; `--help` lists the names.
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Count the instructions of the hot path, and compare them with the accepted counts.
    Instructions {
        /// Accept the new counts.
        #[arg(long)]
        accept: bool,
    },
    /// Check the house rules: lengths of files and comments, forgotten markers, dependencies that are
    /// compiled twice, and words of unclear prose that may only become fewer.
    Tidy {
        /// Record lower counts of such words.
        #[arg(long)]
        accept: bool,
    },
    /// Check the dependencies against `deny.toml`, and the workflows of hosted CI.
    Repository,
    /// Run every command of the README and the guide once, and compare its output.
    Readme {
        /// Use the program of the other checks instead of an installation for release.
        #[arg(long)]
        built: bool,
    },
    /// Run all checks: house rules, format, lints, docs, tests, and the slow suites that the change can
    /// affect or whose turn it is.
    Ci {
        /// Run every suite.
        #[arg(long)]
        all: bool,
        /// The commit before the change [default: the newest that is a day older than the head commit].
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
        Chore::Tidy { accept } => tidy::run(accept),
        Chore::Repository => repository::run(),
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
