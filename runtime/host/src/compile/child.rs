//! The parent's side of a compiler process: start it, feed it, bound it, believe only a whole image.
//!
//! Three threads move bytes, so that a process that neither reads nor writes holds up nobody: the caller's
//! thread looks at the clock and kills. The limits on memory and processor time are the process's own.

use std::{
    io::{self, Read, Write},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread::{Builder, Scope},
    time::{Duration, Instant},
};

use super::{
    CompilerProgram, image,
    program::{CompileOrder, INVALID, OUT_OF_MEMORY},
};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How long a process may take to end after it closed its stdout.
const ENDING: Duration = Duration::from_secs(2);

/// Bytes of stderr that are kept: a message, or the beginning of a flood.
const MAX_SAID_BYTES: u64 = 4 * 1024;

/// What the process is told, and how long it may take by the clock.
pub struct Limits {
    pub order: CompileOrder,
    pub clock: Duration,
}

/// How a process ended that made no image.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// It was killed, since its caller gave way.
    GaveWay,
    /// It needed more memory than it may have.
    Memory,
    /// It needed more processor time.
    Time,
    /// It took longer by the clock.
    Clock,
    /// The component breaks a rule of WebAssembly.
    Invalid(String),
    /// Anything else.
    Failed(String),
}

/// Kills the process unless it has ended.
struct Running(Child);

/// Lets `program` compile `component`, until `gives_way` says otherwise, given the time since the start.
pub fn compile(
    program: &CompilerProgram,
    limits: &Limits,
    component: &[u8],
    gives_way: &dyn Fn(Duration) -> bool,
) -> Result<Vec<u8>, End> {
    let started = Instant::now();
    let mut command = Command::new(&program.program);
    command.args(&program.arguments).args(limits.order.arguments());
    command.env_clear().envs(program.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let not_started = |error: io::Error| {
        End::Failed(format!("the compiler \"{}\" could not be started: {error}", program.program.display()))
    };
    let mut child = command.spawn().map_err(not_started)?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut running = Running(child);
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(not_started(io::Error::other("its pipes are missing")));
    };
    std::thread::scope(|scope| {
        // Ends the process before the scope waits for the threads, whatever happens in between.
        let running = &mut running;
        let run = Pipes { stdin, stdout, stderr }.run(scope, component, limits.order.max_image_bytes());
        let (image, said) = run.map_err(|error| {
            running.kill();
            not_started(error)
        })?;
        let image = wait(&image, started, limits.clock, gives_way);
        if image.is_err() {
            running.kill();
        }
        let status = running.end().map_err(|error| End::Failed(error.to_string()))?;
        // It ends with the process.
        let said = said.recv().unwrap_or_default();
        let image = image?;
        match image::code(&image) {
            Some(_) => Ok(image),
            None => Err(judge(status, &String::from_utf8_lossy(&said))),
        }
    })
}

/// What the process wrote to stdout, once it closed that.
fn wait(
    image: &mpsc::Receiver<Vec<u8>>,
    started: Instant,
    clock: Duration,
    gives_way: &dyn Fn(Duration) -> bool,
) -> Result<Vec<u8>, End> {
    loop {
        match image.recv_timeout(LOOK) {
            Ok(image) => return Ok(image),
            Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let elapsed = started.elapsed();
        if gives_way(elapsed) {
            return Err(End::GaveWay);
        }
        if elapsed >= clock {
            return Err(End::Clock);
        }
    }
}

/// Why there is no image.
fn judge(status: ExitStatus, said: &str) -> End {
    let said = said.trim();
    if status.code() == Some(OUT_OF_MEMORY) || said.contains("memory allocation of ") {
        return End::Memory;
    }
    match (status.code(), signal(status)) {
        (Some(INVALID), _) => End::Invalid(said.to_owned()),
        (_, Some(SIGXCPU)) => End::Time,
        (_, Some(signal)) => End::Failed(with(&format!("signal {signal} ended the compiler"), said)),
        (Some(0), _) => End::Failed(with("the compiler's output is damaged", said)),
        (code, _) if said.is_empty() => {
            End::Failed(format!("the compiler ended with {}", code.unwrap_or_default()))
        }
        _ => End::Failed(said.to_owned()),
    }
}

fn with(what: &str, said: &str) -> String {
    if said.is_empty() { what.to_owned() } else { format!("{what}: {said}") }
}

/// The signal of a process that used up its processor time, the same on all systems that have it.
const SIGXCPU: i32 = 24;

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

struct Pipes {
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

/// What comes of stdout and of stderr.
type Output = (mpsc::Receiver<Vec<u8>>, mpsc::Receiver<Vec<u8>>);

impl Pipes {
    fn run<'scope, 'env>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        component: &'env [u8],
        max_image_bytes: u64,
    ) -> io::Result<Output> {
        let Self { mut stdin, stdout, stderr } = self;
        let named = |name: &str| Builder::new().name(format!("camshaft-compile-{name}"));
        // A process that ended early says why elsewhere.
        let feed = move || drop(stdin.write_all(component));
        named("in").spawn_scoped(scope, feed)?;
        let (tell_image, image) = mpsc::channel();
        named("out").spawn_scoped(scope, move || drop(tell_image.send(bounded(stdout, max_image_bytes))))?;
        let (tell_said, said) = mpsc::channel();
        named("err").spawn_scoped(scope, move || drop(tell_said.send(bounded(stderr, MAX_SAID_BYTES))))?;
        Ok((image, said))
    }
}

/// The first `max` bytes; the rest is read and dropped.
fn bounded(mut from: impl Read, max: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    let read = from.by_ref().take(max).read_to_end(&mut kept);
    let rest = read.and_then(|_| io::copy(&mut from, &mut io::sink()));
    if let Err(error) = rest {
        tracing::debug!(%error, "a compiler's output was cut off");
    }
    kept
}

impl Running {
    fn kill(&mut self) {
        if let Err(error) = self.0.kill() {
            tracing::debug!(%error, "a compiler could not be killed");
        }
    }

    /// How it ended, by itself or by force.
    fn end(&mut self) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + ENDING;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                self.0.kill()?;
                return self.0.wait();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        if let Err(error) = self.0.wait() {
            tracing::debug!(%error, "a compiler could not be waited for");
        }
    }
}
