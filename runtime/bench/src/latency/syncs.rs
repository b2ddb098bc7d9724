//! What one sync of the disk takes: in a process of its own, scheduled as the runtime's sync thread is.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::scheduling::as_peer;

pub(super) const ABOUT: &str = "512 bytes appended to a file whose blocks are there already, and fdatasync";

/// What one write takes to the file.
const WRITE: [u8; 512] = [7; 512];

/// Syncs a file again and again.
#[derive(Parser)]
pub struct SyncsArguments {
    /// The file; it is made.
    #[arg(long)]
    file: PathBuf,
    /// How often.
    #[arg(long)]
    count: u64,
}

/// How long each sync took, in microseconds.
pub(super) fn measure(folder: &Path, count: u64) -> Result<Vec<f64>> {
    let mut command = as_peer(std::env::current_exe()?);
    command.args(["syncs", "--count", &count.to_string(), "--file"]).arg(folder.join("synced"));
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The process of its own: prints the times.
pub fn run(arguments: &SyncsArguments) -> Result<()> {
    let mut file = File::create(&arguments.file)?;
    for _ in 0..arguments.count {
        file.write_all(&[0; WRITE.len()])?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let mut times = Vec::new();
    for _ in 0..arguments.count {
        let started = Instant::now();
        file.write_all(&WRITE)?;
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    println!("{}", serde_json::to_string(&times)?);
    Ok(())
}
