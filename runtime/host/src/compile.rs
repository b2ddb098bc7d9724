//! From a component to machine code, in a child process with limits or, without a compiler program, in this
//! process.
//!
//! The code cache calls it for components that it does not hold. Compiling is the one step of loading whose
//! cost no cheap check can bound, so a child process bounds it: address space, processor time and time by the
//! clock. A bomb ends that process and becomes a refusal. The result is an image whose checksum the parent
//! verifies.

mod child;
mod functions;
pub mod image;
mod program;
mod turns;

use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use camshaft_event::Limit;
use wasmtime::Engine;

use crate::{
    Refusal, RefusalCode,
    options::{CompilerProgram, HostOptions},
    panic::catch_panic,
};
use child::{End, Limits};
pub use functions::Functions;
pub use program::{CompileOrder, LOADING_NICENESS, compile_from_stdin};
pub use turns::Turn;
use turns::Turns;

/// How one load is done. The loader of a directory hands one over; all other callers compile to the end.
#[derive(Clone, Copy)]
pub struct Loading<'l> {
    /// Whether the compiler gives way to other loads.
    pub haste: Haste,
    /// Called before anything of the file runs in this process: before its code is mapped and its start code
    /// runs, and before it is compiled where that happens in this process. It may be called twice.
    pub before_start: &'l dyn Fn(),
    /// Whether nobody needs the result any more. It ends a compiler in a child process.
    pub is_abandoned: &'l dyn Fn() -> bool,
    /// Called once, when a first try has used up its slice: whether it may go on, as a slow load that gives
    /// way at once.
    pub becomes_slow: &'l dyn Fn() -> bool,
}

/// Whether a load gives way to others while it compiles in a child process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// It does not.
    Whole,
    /// A first try: after [`SLICE`] it is slow, or gives way if it must not be.
    Slice,
    /// It was tried and is slow: it starts when no other waits, and gives way at once.
    Slow,
}

/// Why a load came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The file is refused.
    Refused(Refusal),
    /// It gave way to another load, or was abandoned: it may be tried again.
    GaveWay,
}

/// How long a first try compiles before it gives way.
pub const SLICE: Duration = Duration::from_secs(10);

/// How much longer than its processor time a compiler may take by the clock: the machine may be busy.
const CLOCK_FACTOR: u32 = 10;

/// Compiles components, and says when they may be tried out: a bounded number at a time.
pub struct Compiler {
    program: Option<CompilerProgram>,
    memory_bytes: u64,
    time: Duration,
    all_cores: bool,
    compatibility: String,
    /// Where the functions of large components are kept.
    functions: PathBuf,
    turns: Turns,
}

impl Loading<'_> {
    /// Compiles to the end, and tells nobody.
    pub const WHOLE: Loading<'static> = Loading {
        haste: Haste::Whole,
        before_start: &|| (),
        is_abandoned: &|| false,
        becomes_slow: &|| true,
    };
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Halt {
    /// The refusal of a load that gives way to nobody.
    #[must_use]
    pub fn into_refusal(self, file: &Path) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::GaveWay => failed(file, "the runtime is stopping"),
        }
    }
}

impl Compiler {
    /// A compiler whose code `engine` runs.
    pub fn new(options: &HostOptions, engine: &Engine) -> Self {
        let compatibility = image::compatibility(engine);
        let folder = options.functions_dir.as_ref().unwrap_or(&options.cache_dir);
        let functions = folder.join(format!("{}{compatibility}", functions::NAME));
        Self {
            program: options.compiler.clone(),
            memory_bytes: options.max_compile_memory_bytes,
            time: Duration::from_millis(options.max_compile_ms),
            all_cores: options.compile_on_all_cores,
            compatibility,
            functions,
            turns: Turns::of_this_machine(),
        }
    }

    /// What tells its code from that of other engines.
    pub fn compatibility(&self) -> &str {
        &self.compatibility
    }

    /// Whether components are compiled in this process.
    pub const fn works_here(&self) -> bool {
        self.program.is_none()
    }

    /// Waits until the start code of a file may be tried out, and lets it run until the turn is dropped: code
    /// that does not end takes a core until its deadline, as a compiler does. What an operator waits for
    /// comes at once.
    pub fn turn_to_try(&self, loading: &Loading<'_>) -> Option<Turn<'_>> {
        (loading.haste != Haste::Whole).then(|| self.turns.take(loading.haste == Haste::Slow))
    }

    /// The image of the component `bytes`; `file` is only named in refusals.
    pub fn compile(
        &self,
        engine: &Engine,
        bytes: &[u8],
        file: &Path,
        loading: &Loading<'_>,
    ) -> Result<Vec<u8>, Halt> {
        let turn = self.turns.take(loading.haste == Haste::Slow);
        let Some(program) = &self.program else { return Ok(here(engine, bytes, file)?) };
        let may_go_on = OnceCell::new();
        let gives_way = |elapsed: Duration| {
            let is_due = match loading.haste {
                Haste::Whole => false,
                Haste::Slice if elapsed < SLICE => false,
                Haste::Slice => !*may_go_on.get_or_init(|| (loading.becomes_slow)()) || turn.is_wanted(),
                Haste::Slow => turn.is_wanted(),
            };
            is_due || (loading.is_abandoned)()
        };
        let limits = Limits {
            order: CompileOrder {
                memory_bytes: self.memory_bytes,
                seconds: self.time.as_secs().max(1),
                all_cores: self.all_cores,
                compatibility: self.compatibility.clone(),
                functions: (bytes.len() >= functions::LEAST_COMPONENT_BYTES).then(|| self.functions.clone()),
            },
            clock: self.time.saturating_mul(CLOCK_FACTOR),
        };
        match child::compile(program, &limits, bytes, &gives_way) {
            Ok(image) => Ok(image),
            Err(End::GaveWay) => Err(Halt::GaveWay),
            Err(end) => Err(self.refuse(end, file).into()),
        }
    }

    fn refuse(&self, end: End, file: &Path) -> Refusal {
        let seconds = self.time.as_secs().max(1);
        match end {
            End::Memory => over(file, &ByteSize(self.memory_bytes).display().iec(), Limit::CompileMemory),
            End::Time => over(file, &format_args!("{seconds} s of processor time"), Limit::CompileTime),
            End::Clock => {
                let clock = seconds * u64::from(CLOCK_FACTOR);
                over(file, &format_args!("{clock} s, {CLOCK_FACTOR} times the limit"), Limit::CompileTime)
            }
            End::Invalid(reason) => invalid(file, &reason),
            End::Failed(reason) => failed(file, &reason),
            End::GaveWay => failed(file, "it yielded to other plugins"),
        }
    }
}

fn here(engine: &Engine, bytes: &[u8], file: &Path) -> Result<Vec<u8>, Refusal> {
    // A guest must never be able to stop the host, not even by a mistake in the compiler.
    match catch_panic(|| engine.precompile_component(bytes)) {
        Ok(Ok(code)) => Ok(image::seal(code)),
        Ok(Err(error)) if error.is::<wasmparser::Error>() => Err(invalid(file, &format!("{error:#}"))),
        Ok(Err(error)) => Err(failed(file, &format!("{error:#}"))),
        Err(panic) => Err(failed(file, &panic)),
    }
}

fn invalid(file: &Path, reason: &str) -> Refusal {
    Refusal::new(
        RefusalCode::InvalidComponent,
        format!("\"{}\" is not a component that can run here: {reason}", file.display()),
        "Rebuild it with a current toolchain and without experimental WebAssembly features.",
    )
}

fn over(file: &Path, allowed: &dyn std::fmt::Display, limit: Limit) -> Refusal {
    let raised_by = limit.raised_by();
    Refusal::new(
        RefusalCode::CompileFailed,
        format!("\"{}\" could not be compiled within {allowed} ({raised_by})", file.display()),
        format!("Build a smaller plugin, or raise the runtime's {raised_by}."),
    )
}

/// What is said of a file that could not be compiled.
pub fn failed(file: &Path, reason: &str) -> Refusal {
    Refusal::new(
        RefusalCode::CompileFailed,
        format!("\"{}\" could not be compiled: {reason}", file.display()),
        "Rebuild it with a current toolchain; if that does not help, report it with the file.",
    )
}

#[cfg(test)]
mod tests;
