//! `camshaft compile`: one component from stdin to machine code on stdout, within limits. The runtime and the commands
//! that load plugins start it; it is no command for people, so help does not list it.

use std::{env, path::PathBuf, process::ExitCode, sync::OnceLock};

use camshaft_host::{CompileOrder, CompilerProgram, compile_from_stdin};
use clap::Args;

/// The name of the command.
pub const COMMAND: &str = "compile";

/// Of a process whose arguments are those of `camshaft`; other programs that hold this library do not know the command.
static OWN: OnceLock<CompilerProgram> = OnceLock::new();

#[derive(Debug, Args)]
pub struct Arguments {
    /// Address space beyond the program's own, in bytes
    memory_bytes: u64,
    /// Processor time
    seconds: u64,
    /// Whether all cores are used
    #[arg(action = clap::ArgAction::Set)]
    all_cores: bool,
    /// What tells code for the engine from other code
    compatibility: String,
    /// File of the functions that earlier compilers have left
    functions: Option<PathBuf>,
}

/// Does the work, and ends the process as its parent expects.
pub fn compile(arguments: Arguments) -> ExitCode {
    let Arguments { memory_bytes, seconds, all_cores, compatibility, functions } = arguments;
    let code =
        compile_from_stdin(&CompileOrder { memory_bytes, seconds, all_cores, compatibility, functions });
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Notes that this process is `camshaft`, which can compile in a process of its own.
pub fn be_own() {
    if let Some(program) = own_executable() {
        // A second time it is the same.
        let _ = OWN.set(CompilerProgram {
            program,
            arguments: vec![COMMAND.into()],
            // The allocator would set aside a gigabyte of address space, which the limit is to bound.
            environment: vec![("MIMALLOC_ARENA_RESERVE".into(), "0".into())],
        });
    }
}

/// This program as a compiler; none in another program that holds this library.
pub fn own_program() -> Option<CompilerProgram> {
    OWN.get().cloned()
}

/// This program, also after its file was replaced by a newer release, where the system has a name for that.
fn own_executable() -> Option<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Some(running) } else { env::current_exe().ok() }
}
