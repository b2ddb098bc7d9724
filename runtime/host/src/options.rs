//! What the host may use, and its bounds on what plugins ask for.

use std::{ffi::OsString, path::PathBuf};

use crate::egress::WaysOut;

/// What the host may use, from the runtime's settings.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// Folder for compiled code inside the data directory; made if missing.
    pub cache_dir: PathBuf,
    /// Folder for functions of large components, which later compilations do not compile again; made if
    /// missing. Hosts of one user may share it. What lies there is run, so only who may write to `cache_dir`
    /// may write to it. Unless set it is `cache_dir`.
    pub functions_dir: Option<PathBuf>,
    /// Most instances alive at a time, of all plugins together.
    pub max_instances: u32,
    /// Longest `.wasm` file, in bytes.
    pub max_plugin_bytes: u64,
    /// Lines that one attempt may log.
    pub max_log_lines: u32,
    /// Stack of one call, in bytes: 64 KiB to 1 MiB, half of what a thread has.
    pub max_stack_bytes: u64,
    /// Longest deadline that the manifest of a handler may set, in milliseconds. Its call holds a worker.
    pub max_deadline_ms: u64,
    /// Longest deadline that the manifest of a sink may set, in milliseconds. Its call holds no worker.
    pub max_sink_deadline_ms: u64,
    /// Most memory that a manifest may set for an instance, in bytes; at most 4 GiB.
    pub max_memory_bytes: u64,
    /// What operators may grant.
    pub ways_out: WaysOut,
    /// Compiles components in a process of its own; without one they are compiled in this process, without
    /// bounds on memory and time.
    pub compiler: Option<CompilerProgram>,
    /// Whether such a process compiles on all cores. Where events are handled meanwhile it takes one.
    pub compile_on_all_cores: bool,
    /// Address space that such a process may take for its work, in bytes.
    pub max_compile_memory_bytes: u64,
    /// Processor time that it may take, in milliseconds, in whole seconds and one at least. By the clock it
    /// is ten times as much.
    pub max_compile_ms: u64,
}

impl HostOptions {
    /// The defaults, with compiled code in `cache_dir`.
    #[must_use]
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            functions_dir: None,
            max_instances: 1_000,
            max_plugin_bytes: 64 * 1024 * 1024,
            max_log_lines: 200,
            max_stack_bytes: 512 * 1024,
            max_deadline_ms: 5_000,
            max_sink_deadline_ms: 60_000,
            max_memory_bytes: 1024 * 1024 * 1024,
            ways_out: WaysOut::default(),
            compiler: None,
            compile_on_all_cores: false,
            max_compile_memory_bytes: 768 * 1024 * 1024,
            max_compile_ms: 60_000,
        }
    }
}

/// A program that compiles one component from stdin to stdout and ends: `camshaft compile`, or any program
/// that hands the arguments after its own to [`compile_from_stdin`](crate::compile_from_stdin).
///
/// It must be built from the same release as the runtime that starts it. It is started with an empty
/// environment but for `environment`, and sets its own limits before it reads anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerProgram {
    /// The executable.
    pub program: PathBuf,
    /// Arguments before those that the runtime adds, such as `compile`.
    pub arguments: Vec<OsString>,
    /// Variables of its environment, which is empty otherwise.
    pub environment: Vec<(OsString, OsString)>,
}
