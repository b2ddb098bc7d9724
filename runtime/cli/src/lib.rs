//! The command line: one file per subcommand.
//!
//! `run`, `new`, `build`, `dev`, `test`, `check`, `verify` and `wit` work here; every other command is a client of the HTTP
//! interface. Data goes to stdout, all else to stderr. No command decides anything about events.

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

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use camshaft_wire::{ErrorCode, ExitCode};
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
    /// Run the runtime until it is asked to stop
    Run(run::Arguments),
    /// Publish events from a file or from stdin
    Publish(Remote<publish::Arguments>),
    /// Print events, then end
    Read(Remote<read::Arguments>),
    /// Print the last events, then those to come
    Tail(Remote<tail::Arguments>),
    /// Show one event and what every consumer did with it
    Show(Remote<show::Arguments>),
    /// Show the plugins and what keeps one from running, go back to an earlier version, or pin one
    Plugins(Remote<plugins::Arguments>),
    /// Put a plugin into the runtime's directory, and wait until it runs
    Deploy(Remote<deploy::Arguments>),
    /// Show how far each consumer is and what holds it up, or forget one
    Consumers(Remote<consumers::Arguments>),
    /// Let an event that waits for its next attempt go on now, or make a dead letter of it
    Held(Remote<held::Arguments>),
    /// Show what could not be handled, redrive it or discard it
    DeadLetters(Remote<dead_letters::Arguments>),
    /// Run a dead letter's last attempt again, here, and compare
    Debug(Remote<debug::Arguments>),
    /// Show the jobs that redrive dead letters, or cancel one
    Redrives(Remote<redrives::Arguments>),
    /// Show what plugins keep
    State(Remote<state::Arguments>),
    /// Make a plugin that builds, with tests
    New(new::Arguments),
    /// Build a plugin into one checked .wasm file
    Build(build::Arguments),
    /// Build and run a plugin, again after each edit, and show what it does
    Dev(dev::Arguments),
    /// Run a plugin's fixtures against its component
    Test(test::Arguments),
    /// Tell what a .wasm file is and asks for
    Check(check::Arguments),
    /// Check a data directory that no runtime uses, without changing it
    Verify(verify::Arguments),
    /// Write the contract that plugins are written against
    Wit(wit::Arguments),
    /// Compile one component, for the process that started this one
    #[command(hide = true)]
    Compile(compile::Arguments),
}

/// A command that talks to a runtime.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct Remote<A: clap::Args> {
    #[command(flatten)]
    arguments: A,

    #[command(flatten)]
    connection: Connection,
}

/// Does what the arguments of the process say.
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
            // Help and version are no errors, and go to stdout.
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

/// A mistake on the command line as programs read it.
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
        Command::State(remote) => {
            remote.with(&outer, |client, arguments| state::state(client, arguments, json))
        }
        _ if outer.is_given() => {
            let message = "--url and --token are for commands that talk to a runtime; this one works here";
            Err(Failure::new(ErrorCode::WrongUsage, message).hint("Leave them out."))
        }
        Command::Run(arguments) => run::run(&arguments),
        Command::New(arguments) => new::new(&arguments, json),
        Command::Build(arguments) => build::build(&arguments, json),
        Command::Dev(arguments) => dev::dev(&arguments, json),
        Command::Test(arguments) => test::test(&arguments, json),
        Command::Check(arguments) => check::check(&arguments, json),
        Command::Verify(arguments) => verify::verify(&arguments, json),
        Command::Wit(arguments) => wit::wit(&arguments, json),
        Command::Compile(_) => Err(Failure::internal("the compiler runs in a process of its own")),
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
