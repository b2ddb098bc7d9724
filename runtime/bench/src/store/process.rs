//! Child processes, and what the kernel says about this one: memory, CPU, bytes written.

use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::ValueEnum;
use serde::de::DeserializeOwned;

use super::job::Job;
use super::{Arguments, Engine};
use crate::resident::resident_kib;

/// A child process to be: this program, with a job.
pub struct Child<'a> {
    pub engine: Engine,
    pub job: Job,
    pub folder: &'a Path,
    pub few: bool,
    pub arguments: &'a Arguments,
}

impl Child<'_> {
    /// The command that starts it; its output is piped.
    pub fn command(&self) -> anyhow::Result<Command> {
        let job = self.job.to_possible_value().context("every job has a name")?;
        let mut command = Command::new(env::current_exe()?);
        command.args(["store", "--job", job.get_name(), "--engines", &self.engine.name(), "--data"]);
        command.arg(self.folder).stdout(Stdio::piped());
        if self.few {
            command.arg("--few");
        }
        if let Some(overwrites) = self.arguments.overwrites {
            command.args(["--overwrites", &overwrites.to_string()]);
        }
        Ok(command)
    }

    /// Runs it to its end and reads the figures that it prints.
    pub fn result<R: DeserializeOwned>(&self) -> anyhow::Result<R> {
        let output = self.command()?.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{} failed in job {:?}", self.engine.name(), self.job);
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// The highest resident memory while watched, above what the process had when watching last began.
pub struct MemoryPeak {
    anonymous_base: Arc<AtomicU64>,
    anonymous: Arc<AtomicU64>,
    file: Arc<AtomicU64>,
    watching: Arc<AtomicBool>,
}

impl MemoryPeak {
    /// Starts the thread that looks every few milliseconds, until the process ends.
    pub fn watch() -> MemoryPeak {
        let peak = MemoryPeak {
            anonymous_base: Arc::default(),
            anonymous: Arc::default(),
            file: Arc::default(),
            watching: Arc::default(),
        };
        let (base, anonymous) = (peak.anonymous_base.clone(), peak.anonymous.clone());
        let (file, watching) = (peak.file.clone(), peak.watching.clone());
        thread::spawn(move || {
            loop {
                if watching.load(Ordering::Relaxed) {
                    let above = resident_kib("RssAnon:").saturating_sub(base.load(Ordering::Relaxed));
                    anonymous.fetch_max(above, Ordering::Relaxed);
                    file.fetch_max(resident_kib("RssFile:"), Ordering::Relaxed);
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        peak
    }

    /// Sets what is not the store's: the least that the process had at any batch's start, plus the batch
    /// itself. The first call counts, when the store is empty; later batches are of the same size.
    pub fn look(&self) {
        let now = resident_kib("RssAnon:");
        let _ = self.anonymous_base.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        self.watching.store(true, Ordering::Relaxed);
    }

    /// Looks away while the next batch is made.
    pub fn look_away(&self) {
        self.watching.store(false, Ordering::Relaxed);
    }

    /// Anonymous memory above the base, and mapped files, in MiB.
    pub fn peak_mib(&self) -> (f64, f64) {
        let mib = |kib: &AtomicU64| kib.load(Ordering::Relaxed) as f64 / 1024.0;
        (mib(&self.anonymous), mib(&self.file))
    }
}

/// What this process has used since its start.
pub struct Usage {
    pub cpu_seconds: f64,
    pub written_bytes: u64,
}

impl Usage {
    pub fn now() -> anyhow::Result<Usage> {
        let stat = fs::read_to_string("/proc/self/stat")?;
        // After the name in parentheses; user and system time are the 12th and 13th field, in hundredths.
        let fields = stat.rsplit_once(')').context("the kernel names the process")?.1.split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        let io = fs::read_to_string("/proc/self/io")?;
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
        let written_bytes = written.context("the kernel counts writes")?.parse()?;
        Ok(Usage { cpu_seconds: ticks as f64 / 100.0, written_bytes })
    }
}

/// The space that the files in `folder` take, in MiB, holes not counted.
pub fn disk_mib(folder: &Path) -> anyhow::Result<f64> {
    use std::os::unix::fs::MetadataExt;
    let mut blocks = 0;
    for_each_file(folder, &mut |path| {
        // A compaction may have removed it since the folder was listed.
        blocks += fs::metadata(path).map_or(0, |metadata| metadata.blocks());
        Ok(())
    })?;
    Ok(blocks as f64 * 512.0 / f64::from(1 << 20))
}

/// Drops the files in `folder` from the page cache, so that the next open is cold.
pub fn forget_pages(folder: &Path) -> anyhow::Result<()> {
    for_each_file(folder, &mut |path| {
        let file = File::open(path)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        Ok(())
    })
}

fn for_each_file(folder: &Path, visit: &mut dyn FnMut(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { for_each_file(&path, visit)? } else { visit(&path)? }
    }
    Ok(())
}
