//! A reader's terminal: an empty folder beside the checkout, and a free port.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use super::blocks::Command;
use super::install::{self, Install};
use crate::client::Client;
use crate::command::{root, target_folder};

/// The port in the text; another free one takes its place.
const README_PORT: &str = "4077";

/// How long the runtime may take to start.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a reader takes to type the next command, at most. The events of these documents are handled
/// within milliseconds; what takes longer, such as loading a plugin, a command of the text has to wait for.
const TYPING: Duration = Duration::from_secs(1);

const LOOK: Duration = Duration::from_millis(10);

pub(crate) struct Session<'i> {
    install: &'i Install,
    /// Removed with everything in it at the end.
    _folder: TempDir,
    current: PathBuf,
    port: String,
    /// What the reader exported.
    exported: Vec<(String, String)>,
    background: Vec<Child>,
}

impl<'i> Session<'i> {
    pub(crate) fn new(install: &'i Install) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("camshaft-readme-").tempdir()?;
        let checkout = folder.path().join("camshaft");
        symlink(root(), &checkout)?;
        // The runtime's directories are made where the reader stands, not in the checkout itself.
        let current = folder.path().join("try");
        fs::create_dir(&current)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        Ok(Self { install, _folder: folder, current, port, exported: Vec::new(), background: Vec::new() })
    }

    pub(crate) fn save(&self, path: &str, content: &str) -> Result<()> {
        let path = self.current.join(path);
        fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        fs::write(&path, content).with_context(|| path.display().to_string())
    }

    /// Runs the command, once, and returns what it printed.
    pub(crate) fn run(&mut self, command: &Command) -> Result<String> {
        let line = command.line.replace(README_PORT, &self.port);
        if let Some(folder) = line.strip_prefix("cd ") {
            self.current = self.current.join(folder).canonicalize().context(folder.to_owned())?;
            return Ok(String::new());
        }
        if let Some((name, _)) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
            let value = self.once(&format!("{line}; printf %s \"${name}\""))?;
            self.exported.push((name.to_owned(), value));
            return Ok(String::new());
        }
        if let Some(line) = line.strip_suffix(" &") {
            return self.start(line);
        }
        if let Some(place) = install::place(&line) {
            let place = self.current.join(place);
            if let Install::Built(program) = self.install {
                return install::put(program, &place).map(|()| String::new());
            }
            let printed = self.once(&line)?;
            return install::check_size(&place).map(|()| printed).with_context(|| line);
        }
        self.type_on();
        self.once(&line)
    }

    /// Lets the time pass that a reader takes to type, or less, if the consumers have handled everything by
    /// then.
    fn type_on(&self) {
        let client = Client::new(&format!("http://127.0.0.1:{}", self.port));
        let end = Instant::now() + TYPING;
        // Without a runtime there is nothing that goes on meanwhile.
        while let Ok(consumers) = client.get("/consumers") {
            let is_idle =
                |consumer: &Value| ["lag", "in_flight", "retrying"].iter().all(|count| consumer[count] == 0);
            if consumers["items"].as_array().is_some_and(|all| all.iter().all(is_idle))
                || Instant::now() > end
            {
                return;
            }
            thread::sleep(LOOK);
        }
    }

    fn once(&self, line: &str) -> Result<String> {
        let output = self.shell(&format!("{{ {line}\n}} 2>&1")).stdin(Stdio::null()).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).replace(&self.port, README_PORT))
    }

    /// Starts a command and returns what it prints until it listens.
    fn start(&mut self, line: &str) -> Result<String> {
        let mut process =
            self.shell(&format!("exec {line}")).stderr(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let stderr = process.stderr.take().context("a process has a stderr")?;
        self.background.push(process);
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut sender = Some(sender);
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if line.contains("listening on")
                    && let Some(sender) = sender.take()
                {
                    let _: Result<(), _> = sender.send(line);
                }
            }
        });
        match receiver.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line.replace(&self.port, README_PORT)),
            Err(_) => bail!("`{line}` did not listen"),
        }
    }

    fn shell(&self, script: &str) -> Process {
        let mut process = Process::new("bash");
        process
            .args(["-c", script])
            .current_dir(&self.current)
            .env("CI", "true")
            .env("COLUMNS", "120")
            .env("CARGO_TARGET_DIR", target_folder())
            .env("CAMSHAFT_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("CAMSHAFT_URL", format!("http://127.0.0.1:{}", self.port))
            .env_remove("CAMSHAFT_TOKEN")
            .envs(self.exported.iter().cloned());
        process
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        for process in &mut self.background {
            // It may have ended by itself, as the text says or not.
            let _: std::io::Result<()> = process.kill();
            let _: std::io::Result<std::process::ExitStatus> = process.wait();
        }
    }
}
