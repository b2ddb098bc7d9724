//! The command line: one file per subcommand.
//!
//! `run`, `new`, `build`, `dev`, `test`, `check`, `verify` and `wit` work on this machine; every other
//! command is a client of the HTTP interface. Data goes to stdout, everything else to stderr. No command
//! makes decisions about events.

mod build;
mod cache;
mod check;
mod client;
mod compile;
mod confirm;
mod consumers;
mod dead_letters;
mod debug;
mod deploy;
mod dev;
mod effects;
mod event_line;
mod failure;
mod held;
mod inspect;
mod log_line;
mod new;
mod output;
mod plugins;
mod publish;
mod read;
mod redrives;
mod run;
mod sandbox;
mod scopes;
mod send;
mod show;
mod signals;
mod state;
mod table;
mod tail;
mod terminal;
mod test;
mod text;
mod verify;
mod when;
mod wit;

use std::{env, process};

use camshaft_wire::{ErrorCode, ExitCode};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use client::{Client, Connection, OuterConnection};
use failure::Failure;

/// An event runtime whose handlers are WebAssembly components
///
/// Each event takes effect exactly once, through crashes, retries, reloads and redrives.
#[derive(Debug, Parser)]
#[command(
    name = "camshaft",
    version,
    after_help = "\
Exit codes: 0 done, 1 internal, 2 usage or settings, 3 input refused, 4 runtime
unreachable, 5 data directory unusable or in use, 6 partly refused, 7 log poisoned by a
failed sync."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print data as JSON, and errors as JSON on stderr
    #[arg(long, global = true)]
    json: bool,

    #[command(flatten)]
    connection: OuterConnection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the runtime until it is stopped
    Run(run::Arguments),
    /// Publish events from a file or from stdin
    Publish(Remote<publish::Arguments>),
    /// Send a command and print its answer
    Send(Remote<send::Arguments>),
    /// Print events and exit
    Read(Remote<read::Arguments>),
    /// Print the last events, then follow new ones
    Tail(Remote<tail::Arguments>),
    /// Show one event and its status at each consumer, and the answer to a command
    Show(Remote<show::Arguments>),
    /// Show plugins and their errors, roll back to an earlier version, or pin a version
    Plugins(Remote<plugins::Arguments>),
    /// Install a plugin in the runtime's plugins directory and wait until it runs
    Deploy(Remote<deploy::Arguments>),
    /// Show the progress of each consumer and what blocks it; pause, resume, reset or remove one
    Consumers(Remote<consumers::Arguments>),
    /// Retry a held event now, or move it to the dead letters
    Held(Remote<held::Arguments>),
    /// List, show, redrive or discard dead letters
    DeadLetters(Remote<dead_letters::Arguments>),
    /// Rerun a dead letter's last attempt on this machine and compare the results
    Debug(Remote<debug::Arguments>),
    /// Show redrive jobs, or cancel one
    Redrives(Remote<redrives::Arguments>),
    /// List the scopes of an aggregate, or show the fold or the facts of one
    Scopes(Remote<scopes::Arguments>),
    /// Show the state that plugins store
    State(Remote<state::Arguments>),
    /// Create a new plugin with tests
    New(new::Arguments),
    /// Build a plugin into one checked .wasm file
    Build(build::Arguments),
    /// Build and run a plugin, rebuild it after each edit, and show its effects
    Dev(dev::Arguments),
    /// Run a plugin's fixtures against its component
    Test(test::Arguments),
    /// Check whether the runtime would accept a .wasm file, and show what it needs
    Check(check::Arguments),
    /// Check an unused data directory for damage, without changing it
    Verify(verify::Arguments),
    /// Write the WIT files of the contract between plugins and the runtime
    Wit(wit::Arguments),
    /// Compile one component for the parent process
    #[command(hide = true)]
    Compile(compile::Arguments),
}

/// A command that connects to a runtime.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct Remote<A: clap::Args> {
    #[command(flatten)]
    arguments: A,

    #[command(flatten)]
    connection: Connection,
}

/// Parses the arguments of the process and runs the command.
#[must_use]
pub fn main() -> process::ExitCode {
    let mut command = Cli::command();
    if terminal::is_unattended() {
        anstream::ColorChoice::Never.write_global();
        command = command.color(clap::ColorChoice::Never);
    }
    let cli = match command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors, and go to stdout.
            let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Done };
            if error.use_stderr() && env::args_os().any(|argument| argument == "--json") {
                return misused(&error).report(true).into();
            }
            let _: Result<(), std::io::Error> = error.print();
            return code.into();
        }
    };
    let json = cli.json;
    if let Command::Compile(arguments) = cli.command {
        return compile::compile(arguments);
    }
    compile::be_own();
    match execute(cli) {
        Ok(()) => ExitCode::Done.into(),
        Err(failure) => failure.report(json).into(),
    }
}

/// A usage error in the form for programs.
fn misused(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    lines.fold(Failure::new(ErrorCode::WrongUsage, message), Failure::detail)
}

fn execute(cli: Cli) -> Result<(), Failure> {
    let Cli { command, json, connection: outer } = cli;
    match command {
        Command::Publish(remote) => {
            remote.with(&outer, |client, arguments| publish::publish(client, arguments, json))
        }
        Command::Send(remote) => remote.with(&outer, |client, arguments| send::send(client, arguments, json)),
        Command::Read(remote) => remote.with(&outer, |client, arguments| read::read(client, arguments, json)),
        Command::Show(remote) => remote.with(&outer, |client, arguments| show::show(client, arguments, json)),
        Command::Tail(remote) => remote.with(&outer, |client, arguments| tail::tail(client, arguments, json)),
        Command::Plugins(remote) => {
            remote.with(&outer, |client, arguments| plugins::plugins(client, arguments, json))
        }
        Command::Deploy(remote) => {
            remote.with(&outer, |client, arguments| deploy::deploy(client, arguments, json))
        }
        Command::Consumers(remote) => {
            remote.with(&outer, |client, arguments| consumers::consumers(client, arguments, json))
        }
        Command::Held(remote) => remote.with(&outer, |client, arguments| held::held(client, arguments, json)),
        Command::DeadLetters(remote) => {
            remote.with(&outer, |client, arguments| dead_letters::dead_letters(client, arguments, json))
        }
        Command::Debug(remote) => {
            remote.with(&outer, |client, arguments| debug::debug(client, arguments, json))
        }
        Command::Redrives(remote) => {
            remote.with(&outer, |client, arguments| redrives::redrives(client, arguments, json))
        }
        Command::Scopes(remote) => {
            remote.with(&outer, |client, arguments| scopes::scopes(client, arguments, json))
        }
        Command::State(remote) => {
            remote.with(&outer, |client, arguments| state::state(client, arguments, json))
        }
        _ if outer.is_given() => {
            let message = "--url and --token apply only to commands that connect to a runtime";
            Err(Failure::new(ErrorCode::WrongUsage, message).hint("Remove them."))
        }
        Command::Run(arguments) => run::run(&arguments),
        Command::New(arguments) => new::new(&arguments, json),
        Command::Build(arguments) => build::build(&arguments, json),
        Command::Dev(arguments) => dev::dev(&arguments, json),
        Command::Test(arguments) => test::test(&arguments, json),
        Command::Check(arguments) => check::check(&arguments, json),
        Command::Verify(arguments) => verify::verify(&arguments, json),
        Command::Wit(arguments) => wit::wit(&arguments, json),
        Command::Compile(_) => Err(Failure::internal("the compiler runs in its own process")),
    }
}

impl<A: clap::Args> Remote<A> {
    fn with(
        self,
        outer: &OuterConnection,
        act: impl FnOnce(&Client, &A) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        act(&Client::new(&self.connection.or(outer))?, &self.arguments)
    }
}

#[cfg(test)]
mod tests;
