//! `camshaft check`: shows what a `.wasm` file is and what it asks for, or why the runtime would refuse it.

use std::path::PathBuf;

use clap::Args;

use super::{failure::Failure, inspect, output};

#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 3 if the runtime would refuse the file, with the reason that `camshaft plugins`
would show. Warnings concern names: event types should be in the past tense. Run
`camshaft test` to check that events have ordering keys, and that the manifest declares
all event types that the handlers publish.")]
pub struct Arguments {
    /// Plugin file; an operator's file with the same stem beside it is applied
    file: PathBuf,
}

pub fn check(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let report = inspect::check(&arguments.file)?;
    if json {
        output::json(&report)?;
    } else {
        output::print(&inspect::shown(&report))?;
    }
    // The same message that a runtime reports.
    report.refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}
