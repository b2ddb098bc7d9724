//! The runtime as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

/// How long a start may take: recovery and compiled code are quick, a busy machine is not.
const START: Duration = Duration::from_secs(120);

pub(crate) struct Server {
    process: Option<Child>,
    pub(crate) url: String,
}

impl Server {
    /// Starts it over `folder`, on a free port, and waits until it listens.
    pub(crate) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        // A file that may not grow is an error to the runtime, not its end.
        let mut process = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(binary)
            .args(["run", "--listen", "127.0.0.1:0", "--data", "data", "--plugins", "plugins"])
            .current_dir(folder)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{} could not be started", binary.display()))?;
        let stderr = process.stderr.take().context("the runtime has no stderr")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut sender = Some(sender);
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((_, url)) = line.split_once("listening on ") {
                    if let Some(sender) = sender.take() {
                        let _: Result<(), _> = sender.send(url.trim().to_owned());
                    }
                } else if line.contains("ERROR") || line.starts_with("error") {
                    eprintln!("  runtime: {line}");
                }
            }
        });
        match receiver.recv_timeout(START) {
            Ok(url) => Ok(Self { process: Some(process), url }),
            Err(RecvTimeoutError::Timeout) => {
                process.kill()?;
                bail!("the runtime did not listen within {START:?}");
            }
            Err(RecvTimeoutError::Disconnected) => {
                bail!("the runtime ended with {} before it listened", process.wait()?);
            }
        }
    }

    fn pid(&self) -> Result<Pid> {
        let process = self.process.as_ref().context("the runtime is not running")?;
        Pid::from_raw(i32::try_from(process.id())?).context("a process has a number")
    }

    /// Lets it stand still for a while, as a busy or suspended machine would.
    pub(crate) fn stand_still(&self, time: Duration) -> Result<()> {
        kill_process(self.pid()?, Signal::STOP)?;
        thread::sleep(time);
        kill_process(self.pid()?, Signal::CONT)?;
        Ok(())
    }

    /// Lets no file of it grow beyond a size, or any.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) -> Result<()> {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(self.pid()?), Resource::Fsize, limit).context("the limit of its files cannot be set")?;
        Ok(())
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the runtime is not running")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Asks it to drain and waits for its end.
    pub(crate) fn stop(&mut self) -> Result<()> {
        kill_process(self.pid()?, Signal::TERM)?;
        let mut process = self.process.take().context("the runtime is not running")?;
        let status = process.wait()?;
        if !status.success() {
            bail!("the runtime ended with {status} instead of 0");
        }
        Ok(())
    }

    /// Lets it live on when this process ends.
    pub(crate) fn leave_running(&mut self) -> String {
        self.process = None;
        self.url.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failure nothing is left behind; it may be gone already.
        if let Some(process) = &mut self.process {
            let _: std::io::Result<()> = process.kill();
            let _: std::io::Result<std::process::ExitStatus> = process.wait();
        }
    }
}
