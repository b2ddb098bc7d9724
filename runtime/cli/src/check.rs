//! `camshaft check`: what a `.wasm` file is and asks for, or why the runtime would refuse it.

use std::path::PathBuf;

use clap::Args;

use super::{failure::Failure, inspect, output};

#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 3 if the runtime would refuse the file, for the reason that `camshaft plugins`
would give. Warnings are about names: events are in the past tense. Whether events have
the keys that keep them in order, and whether all that a handler publishes is declared,
is told by `camshaft test`.")]
pub struct Arguments {
    /// The plugin; an operator's file of the same stem beside it counts
    file: PathBuf,
}

pub fn check(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let report = inspect::check(&arguments.file)?;
    if json {
        output::json(&report)?;
    } else {
        output::print(&inspect::shown(&report))?;
    }
    // In the words that a runtime has for it.
    report.refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}
