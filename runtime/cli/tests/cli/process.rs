//! The built program: as a command, and as a runtime for the commands of a test.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Time limit for steps whose duration only the runtime determines, including compiling an interpreter on a
/// busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

const LOOK: Duration = Duration::from_millis(20);

/// The program in `folder`, without environment variables that would change its behaviour.
pub fn camshaft(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_camshaft"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CAMSHAFT_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).env("CI", "true").stdin(Stdio::null());
    // Tests share compiled code with each other, but not with the user of this machine.
    command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/caches"));
    command
}

/// The output and exit code of a command.
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

/// A port that was free just now, on which no process listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `camshaft run` in `folder`, on a free port.
pub fn run(folder: &Path) -> Command {
    let mut command = camshaft(folder);
    command.args(["run", "--listen", "127.0.0.1:0", "--data", "data"]);
    command
}

/// A running `camshaft run` that is ready.
pub struct Runtime {
    process: Child,
    url: String,
    /// Reads its stderr to the end, so that the process never blocks on a full pipe.
    stderr: Option<JoinHandle<String>>,
}

impl Runtime {
    /// Starts it in `folder` on a free port.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(run(folder).args(arguments))
    }

    /// Starts a command from [`run`], or a wrapper around one.
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

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The address that it listens on.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A command that connects to it.
    pub fn camshaft(&self, folder: &Path, line: &str) -> Command {
        let mut command = camshaft(folder);
        command.env("CAMSHAFT_URL", &self.url).args(line.split_whitespace());
        command
    }

    /// Runs a command that connects to it.
    pub fn said(&self, folder: &Path, line: &str) -> Said {
        Said::of(&mut self.camshaft(folder, line))
    }

    /// Repeats a command until `done` accepts its stdout: the runtime works asynchronously.
    #[track_caller]
    pub fn until(&self, folder: &Path, line: &str, done: impl Fn(&str) -> bool) -> Said {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.said(folder, line);
            if done(&said.stdout) {
                return said;
            }
            assert!(Instant::now() < deadline, "`{line}` never produced the expected output: {said:#?}");
            thread::sleep(LOOK);
        }
    }

    /// Stops it with a drain. Returns its exit status and its stderr.
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

    /// Its peak memory so far.
    pub fn peak_memory_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Waits for its end. Returns its exit status and its stderr.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.process.wait().unwrap();
        (status, self.stderr.take().unwrap().join().unwrap())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // Do not leave a process behind after a failed test. It may have ended already.
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<ExitStatus> = self.process.wait();
    }
}

/// Writes a file in `folder`.
pub fn write(folder: &Path, name: &str, content: &str) {
    fs::write(folder.join(name), content).unwrap();
}
