//! The command line: `run`, `build`, `check` and `wit` work here, every other command is a client of a running
//! runtime.
//!
//! One file per command. Data goes to stdout, everything else to stderr; a failure is told by [`failure`], whose
//! exit codes are those of [`ErrorCode`](crate::ErrorCode). No command decides anything about events.

mod failure;
mod run;
mod terminal;

use std::process;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::ExitCode;
use failure::Failure;

/// An event runtime whose handlers are WebAssembly components
#[derive(Debug, Parser)]
#[command(name = "camshaft", version, max_term_width = 100, propagate_version = true)]
#[command(after_help = "Exit codes: 0 done, 1 internal, 2 usage or settings, 3 input refused, 4 runtime \
    unreachable, 5 data directory unusable or in use, 6 partly refused, 7 log poisoned by a failed sync.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
}

/// Does what the arguments of the process say.
#[must_use]
pub fn main() -> process::ExitCode {
    terminal::prepare();
    let matches = Cli::command().color(terminal::clap_colors()).get_matches();
    let done = Cli::from_arg_matches(&matches).map_err(|error| error.exit()).and_then(|cli| cli.command.run());
    done.unwrap_or_else(|failure: Failure| failure.tell()).into()
}

impl Command {
    fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Run(run) => run.run(),
        }
    }
}
