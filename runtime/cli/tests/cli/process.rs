//! The built program: as a command, and as a runtime that serves the commands of a test.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long anything may take that only the runtime's work decides, compiling an interpreter on a busy machine included.
const PATIENCE: Duration = Duration::from_secs(300);

const LOOK: Duration = Duration::from_millis(20);

/// The program in `folder`, with nothing of the environment that would change what it does.
pub fn camshaft(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_camshaft"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CAMSHAFT_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).env("CI", "true").stdin(Stdio::null());
    // What the tests compile is kept for the other tests, apart from what the user of this machine has.
    command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/caches"));
    command
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no \"{text}\" in {self:#?}");
        self
    }

    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no \"{text}\" in {self:#?}");
        self
    }
}

impl From<Output> for Said {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

/// A port that was free a moment ago, on which nothing listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `camshaft run` over `folder`, on a free port.
pub fn run(folder: &Path) -> Command {
    let mut command = camshaft(folder);
    command.args(["run", "--listen", "127.0.0.1:0", "--data", "data"]);
    command
}

/// `camshaft run`, ready.
pub struct Runtime {
    process: Child,
    url: String,
    /// Reads its stderr to the end, so that it never waits for a reader.
    stderr: Option<JoinHandle<String>>,
}

impl Runtime {
    /// Starts it over `folder` on a free port.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(run(folder).args(arguments))
    }

    /// Starts what [`run`] gives, or something around it.
    pub fn spawn(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let url = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended before it listened:\n{said}");
            said += &line;
            if let Some((_, url)) = line.split_once("listening on ") {
                break url.trim().to_owned();
            }
        };
        let rest = thread::spawn(move || {
            stderr.read_to_string(&mut said).unwrap();
            said
        });
        Self { process, url, stderr: Some(rest) }
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A command that talks to it.
    pub fn camshaft(&self, folder: &Path, line: &str) -> Command {
        let mut command = camshaft(folder);
        command.env("CAMSHAFT_URL", &self.url).args(line.split_whitespace());
        command
    }

    /// Runs a command that talks to it.
    pub fn said(&self, folder: &Path, line: &str) -> Said {
        Said::of(&mut self.camshaft(folder, line))
    }

    /// Runs a command again and again until `stdout` is as it should be: the runtime works on its own time.
    #[track_caller]
    pub fn until(&self, folder: &Path, line: &str, done: impl Fn(&str) -> bool) -> Said {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.said(folder, line);
            if done(&said.stdout) {
                return said;
            }
            assert!(Instant::now() < deadline, "`{line}` never came to that: {said:#?}");
            thread::sleep(LOOK);
        }
    }

    /// Asks it to drain; how it ended, and all that it said.
    pub fn stop(self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.wait()
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap();
        assert!(sent.success());
    }

    /// The most memory that it has taken so far.
    pub fn peak_memory_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Waits for its end; how it ended, and all that it said.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.process.wait().unwrap();
        (status, self.stderr.take().unwrap().join().unwrap())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // After a failed test nothing is left behind; it may be gone already.
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<ExitStatus> = self.process.wait();
    }
}

/// Writes a file in `folder`.
pub fn write(folder: &Path, name: &str, content: &str) {
    fs::write(folder.join(name), content).unwrap();
}
