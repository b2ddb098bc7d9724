//! `camshaft compile`: compiles one component from stdin to machine code on stdout, within limits. The
//! runtime and the commands that load plugins start it as a child process. It is not meant for users, so help
//! does not list it.

use std::{env, path::PathBuf, process::ExitCode, sync::OnceLock};

use camshaft_host::{CompileOrder, CompilerProgram, compile_from_stdin};
use clap::Args;

/// The name of the command.
pub const COMMAND: &str = "compile";

/// Set only in a `camshaft` process; other programs that link this library do not have the `compile` command.
static OWN: OnceLock<CompilerProgram> = OnceLock::new();

#[derive(Debug, Args)]
pub struct Arguments {
    /// Address space beyond the program's own, in bytes
    memory_bytes: u64,
    /// Processor time, in seconds
    seconds: u64,
    /// Whether to use all cores
    #[arg(action = clap::ArgAction::Set)]
    all_cores: bool,
    /// Identifies code that is compatible with the engine
    compatibility: String,
    /// File of functions that earlier compilations stored
    functions: Option<PathBuf>,
}

/// Compiles, and returns the exit code that the parent process expects.
pub fn compile(arguments: Arguments) -> ExitCode {
    let Arguments { memory_bytes, seconds, all_cores, compatibility, functions } = arguments;
    let code =
        compile_from_stdin(&CompileOrder { memory_bytes, seconds, all_cores, compatibility, functions });
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Records that this process is `camshaft`, which can start itself as a compiler process.
pub fn be_own() {
    if let Some(program) = own_executable() {
        // A second call sets the same value.
        let _ = OWN.set(CompilerProgram {
            program,
            arguments: vec![COMMAND.into()],
            // Otherwise the allocator reserves a gigabyte of address space, which counts against the limit.
            environment: vec![("MIMALLOC_ARENA_RESERVE".into(), "0".into())],
        });
    }
}

/// This program as a compiler; none in another program that links this library.
pub fn own_program() -> Option<CompilerProgram> {
    OWN.get().cloned()
}

/// The path of this program. It stays valid after a newer release replaces the file, where the system has a
/// name for the running executable.
fn own_executable() -> Option<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Some(running) } else { env::current_exe().ok() }
}
