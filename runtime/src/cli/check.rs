//! `camshaft check`: what a `.wasm` file is and asks for, or why the runtime would refuse it.

use std::path::PathBuf;

use clap::Args;

use super::{failure::Failure, inspect::inspect, output, terminal::printable};

#[derive(Debug, Args)]
#[command(after_help = "Ends with 3 if the runtime would refuse the file.")]
pub struct Arguments {
    /// The plugin; an operator's file of the same stem beside it counts
    file: PathBuf,
}

pub fn check(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let report = inspect(&arguments.file)?;
    if json { output::json(&report) } else { output::print(&printable(&report.to_string())) }
}
