//! The compiler process itself: limits first, then one component from stdin, compiled, to stdout.
//!
//! `camshaft compile` calls it. It reads no settings, starts no thread and knows no plugin: what it is told
//! stands on its command line.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read, Write},
    path::PathBuf,
    sync::Arc,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    functions::{self, Functions},
    image,
};
use crate::{engine, panic::catch_panic};

/// Ends the process if the component breaks a rule of WebAssembly.
pub const INVALID: i32 = 3;
/// Ends the process if it was refused memory and could say so.
pub const OUT_OF_MEMORY: i32 = 4;
/// Ends the process in all other cases without an image.
const FAILED: i32 = 1;

/// How much less of the processor goes to loading plugins than to the threads that handle events, as `nice`
/// counts: a quarter of a busy core, so that a plugin is loaded on a busy machine, too.
pub const LOADING_NICENESS: i32 = 5;

/// What a compiler process is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileOrder {
    /// Address space that it may take beyond what the program takes before it begins.
    pub memory_bytes: u64,
    /// Processor time that it may take.
    pub seconds: u64,
    /// Whether it uses all cores.
    pub all_cores: bool,
    /// For which engine it compiles.
    pub compatibility: String,
    /// Where functions lie that earlier compilers have left, and where it leaves its own; none without it.
    pub functions: Option<PathBuf>,
}

impl CompileOrder {
    /// What is written on the command line, in the order of the fields.
    pub(super) fn arguments(&self) -> impl Iterator<Item = OsString> {
        let numbers = [self.memory_bytes, self.seconds].map(|number| number.to_string().into());
        let words = [self.all_cores.to_string().into(), OsString::from(&self.compatibility)];
        let functions = self.functions.as_ref().map(OsString::from);
        numbers.into_iter().chain(words).chain(functions)
    }

    /// The longest image that is read: it was in the process's memory.
    pub(super) const fn max_image_bytes(&self) -> u64 {
        self.memory_bytes
    }
}

/// Why there is no image: what is said on stderr, and how the process ends.
struct Fault {
    code: i32,
    reason: String,
}

/// Limits this process for good, compiles the component on stdin, and writes the result to stdout. Returns
/// how the process is to end. Nothing else should run in this process.
#[must_use]
pub fn compile_from_stdin(order: &CompileOrder) -> i32 {
    match compile(order) {
        Ok(()) => 0,
        Err(Fault { code, reason }) => {
            // Whoever reads stderr may be gone; the code says the rest.
            let _ = writeln!(io::stderr(), "{reason}");
            code
        }
    }
}

fn compile(order: &CompileOrder) -> Result<(), Fault> {
    step_back();
    // IMPORTANT: before anything of the component is read.
    limit(order).map_err(|error| failed(format!("the compiler's limits could not be set: {error}")))?;
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component).map_err(|error| failed(error.to_string()))?;
    let functions = order.functions.as_deref().map(|path| (path, Arc::new(Functions::read(path))));
    let store = functions.as_ref().map(|(_, functions)| Arc::clone(functions));
    let engine = engine::compiling(store, order.all_cores).map_err(|error| failed(format!("{error:#}")))?;
    if image::compatibility(&engine) != order.compatibility {
        return Err(failed("the compiler and the runtime are of different releases".to_owned()));
    }
    let image = match catch_panic(|| engine.precompile_component(&component)) {
        Ok(Ok(code)) => image::seal(code),
        Ok(Err(error)) => return Err(fault(&error)),
        Err(panic) => return Err(failed(panic)),
    };
    if let Some((path, functions)) = functions {
        // The plugin runs all the same; only the next compilation is slower.
        if let Err(error) = functions.write(path) {
            let _ = writeln!(io::stderr(), "\"{}\" could not be written: {error}", path.display());
        }
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(&image).and_then(|()| stdout.flush()).map_err(|error| failed(error.to_string()))
}

fn failed(reason: String) -> Fault {
    Fault { code: FAILED, reason }
}

fn fault(error: &wasmtime::Error) -> Fault {
    let is_out_of_memory = |error: &io::Error| error.kind() == io::ErrorKind::OutOfMemory;
    let code = match error {
        error if error.is::<wasmparser::Error>() => INVALID,
        error if error.chain().any(|cause| cause.downcast_ref().is_some_and(is_out_of_memory)) => {
            OUT_OF_MEMORY
        }
        _ => FAILED,
    };
    Fault { code, reason: format!("{error:#}") }
}

/// Makes others come first: for the processor, and for memory where the whole machine runs out of it. Neither
/// is needed for the limits, so a system that refuses is no fault.
fn step_back() {
    // On Linux it has the priority of the thread that started it, which may have stepped back itself.
    let niceness = rustix::process::getpriority_process(None).unwrap_or_default();
    let _ = rustix::process::nice(LOADING_NICENESS.saturating_sub(niceness).max(0));
    #[cfg(target_os = "linux")]
    {
        let _ = fs::write("/proc/self/oom_score_adj", "1000");
        // It must not outlive the runtime that waits for it.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}

fn limit(order: &CompileOrder) -> io::Result<()> {
    let functions = if order.functions.is_some() { functions::MAX_BYTES } else { 0 };
    // What was read of them, and what is written.
    let address_space = mapped_bytes().saturating_add(order.memory_bytes).saturating_add(functions * 3);
    lower(Resource::As, address_space, address_space)?;
    // At the first the kernel sends SIGXCPU, which tells the parent why; at the second it kills.
    lower(Resource::Cpu, order.seconds, order.seconds.saturating_add(2))?;
    // No dump of a plugin's code, and no file but that of the functions.
    lower(Resource::Core, 0, 0)?;
    let file = if functions > 0 { functions + image::SEAL_BYTES } else { 0 };
    lower(Resource::Fsize, file, file)
}

/// Sets a limit, unless a lower one is set already.
fn lower(resource: Resource, current: u64, maximum: u64) -> io::Result<()> {
    let set = getrlimit(resource);
    let least = |most: u64, set: Option<u64>| Some(set.map_or(most, |set| set.min(most)));
    let limit = Rlimit { current: least(current, set.current), maximum: least(maximum, set.maximum) };
    Ok(setrlimit(resource, limit)?)
}

/// The address space that the program takes by itself; unknown is none.
fn mapped_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<u64> = statm.split_whitespace().next().and_then(|pages| pages.parse().ok());
    let page_bytes = u64::try_from(rustix::param::page_size()).unwrap_or(4_096);
    pages.unwrap_or_default().saturating_mul(page_bytes)
}
