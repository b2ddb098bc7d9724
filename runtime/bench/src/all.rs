//! All that a release is judged by: every bench in a process of its own, and their tables at the end.

use std::env;
use std::fs;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::Result;

use crate::bench::Bench;

/// The benches, in their order.
pub const NAMES: [&str; 10] =
    ["pipeline", "publish", "latency", "call", "reload", "start", "recovery", "memory", "scale", "soak"];

/// Runs all and prints what they found. One that fails does not keep the others from running.
pub fn run(bench: &Bench) -> Result<ExitCode> {
    let program = env::current_exe()?;
    let (mut tables, mut failed) = (String::new(), Vec::new());
    for name in NAMES {
        let started = Instant::now();
        eprintln!("── {name}");
        let mut command = Command::new(&program);
        command.args(env::args_os().skip(1)).arg(name).stdout(Stdio::null());
        let status = command.status()?;
        let file = bench.folder.join(format!("{name}.md"));
        if status.success() {
            let text = fs::read_to_string(file)?;
            // The conditions stand above the first one's tables only.
            let tables_begin = text.find("## ").unwrap_or(0);
            tables.push_str(text.get(if tables.is_empty() { 0 } else { tables_begin }..).unwrap_or_default());
            tables.push('\n');
        } else {
            failed.push(name);
        }
        eprintln!("{:>6} s", started.elapsed().as_secs());
    }
    fs::write(bench.folder.join("all.md"), &tables)?;
    print!("{tables}");
    eprintln!("written: {}/all.md, and JSON and pictures beside it", bench.folder.display());
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("error: these failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}
