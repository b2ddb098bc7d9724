//! The runtime's settings: `camshaft.toml`, `CAMSHAFT_*`, flags, defaults.
//!
//! The command line loads them, an embedder fills in a [`Config`] by hand; [`Runtime::open`](crate::Runtime::open)
//! checks them either way. A flag wins over the environment, the environment over the file.

mod error;
mod file;
mod given;
mod setting;
mod token;
mod value;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use camshaft_host::CompilerProgram;

use crate::compose::budget::Budget;
pub use error::ConfigError;
use given::{Given, Place};
pub use token::Token;
pub use value::duration;

/// The settings file that is read if it exists and no other is named.
pub const DEFAULT_FILE: &str = "camshaft.toml";

/// Least memory that the runtime can work with, in bytes.
const MIN_MEMORY: u64 = 64 << 20;

/// What the runtime may use, and where. All sizes are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where log and tables lie; made if missing.
    pub data: PathBuf,
    /// Which directory is watched for plugins; made if missing.
    pub plugins: PathBuf,
    /// Where the HTTP interface listens.
    pub listen: SocketAddr,
    /// Memory that the process stays within, plugins' instances aside. Less than 192 MiB works like 192 MiB.
    pub memory: u64,
    /// When a publish is answered.
    pub durability: Durability,
    /// Threads that run handlers; one per core if absent.
    pub workers: Option<usize>,
    /// Web origins, such as `https://example.com`, whose pages may call the HTTP interface.
    pub allowed_origins: Vec<String>,
    /// Who knows it may use the HTTP interface; without one, only loopback may.
    pub token: Option<Token>,
    /// Whether callers with the token may put files into the plugins directory.
    pub allow_deploy: bool,
    /// How long a detached consumer pins the log.
    pub detached_retention: Duration,
    /// How long events are kept.
    pub retention: Retention,
    /// What a request, an event or a plugin may use at most.
    pub limits: RuntimeLimits,
    /// Which program compiles plugins, in a process with limits on memory and time. `camshaft run` names itself; an
    /// embedder names a `camshaft` of the same release, with the argument `compile`. Without one, plugins are compiled in
    /// this process and those two limits do not hold: see [`Runtime::load_plugin`](crate::Runtime::load_plugin).
    pub compiler: Option<CompilerProgram>,
    /// Whether that program compiles on all cores, as `camshaft dev` has it do. Unless set it takes one, so that events are
    /// handled meanwhile.
    pub compile_on_all_cores: bool,
    /// Folder for functions that the compiler program keeps of large plugins, so that an interpreter that many plugins bring
    /// is compiled once; made if missing. Several runtimes of one user may share it. What lies there is run: only this user
    /// may write to it. Unless set it is in the data directory.
    pub functions_dir: Option<PathBuf>,
}

/// When a publish is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// After the sync: what was answered survives a crash of the machine.
    #[default]
    Sync,
    /// At once: a crash may lose the newest events, never consistency.
    Async,
}

/// How long events are kept. It is also the horizon of deduplication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events older than this may be trimmed.
    pub age: Duration,
    /// The oldest events beyond this size may be trimmed, whatever their age.
    pub bytes: Option<u64>,
}

/// Upper bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeLimits {
    /// Size of one event.
    pub max_event_bytes: u64,
    /// Size of one HTTP request's body.
    pub max_request_bytes: u64,
    /// Size of one transaction: what an attempt writes and publishes, or a batch.
    pub max_transaction_bytes: u64,
    /// What the runtime keeps for one attempt while it runs: what it read, wrote, published and logged.
    pub max_attempt_bytes: u64,
    /// Size of one state value.
    pub max_state_value_bytes: u64,
    /// Keys and values of one consumer's state, in bytes.
    pub max_state_bytes: u64,
    /// Events that one attempt may publish or schedule.
    pub max_published_events: u64,
    /// Lines that one attempt may log; further ones are left out.
    pub max_log_lines: u32,
    /// Stack of one call of a plugin, 64 KiB to 1 MiB.
    pub max_stack: u64,
    /// Events between a producer's and the last that follows from it.
    pub max_hops: u32,
    /// Timers that one consumer may have set.
    pub max_timers: u64,
    /// Held events and dead letters of one consumer.
    pub max_held_events: u64,
    /// Their size.
    pub max_held_bytes: u64,
    /// Plugin instances alive at a time.
    pub max_instances: u32,
    /// Size of one `.wasm` file.
    pub max_plugin_bytes: u64,
    /// Longest deadline that the manifest of a handler may set. A handler holds a worker while it runs.
    pub max_deadline: Duration,
    /// Longest deadline that the manifest of a sink may set. A sink holds no worker.
    pub max_sink_deadline: Duration,
    /// Most memory that a manifest may set for an instance.
    pub max_memory: u64,
    /// Address space that compiling one plugin may take.
    pub max_compile_memory: u64,
    /// Processor time that it may take, in whole seconds; ten times as much by the clock.
    pub max_compile_time: Duration,
    /// Connections to the HTTP interface at a time.
    pub max_connections: usize,
}

impl Default for Config {
    fn default() -> Self {
        let week = Duration::from_hours(7 * 24);
        Self {
            data: "./camshaft-data".into(),
            plugins: "./plugins".into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4077)),
            memory: 256 << 20,
            durability: Durability::Sync,
            workers: None,
            allowed_origins: Vec::new(),
            token: None,
            allow_deploy: false,
            detached_retention: week,
            retention: Retention { age: week, bytes: None },
            limits: RuntimeLimits::default(),
            compiler: None,
            compile_on_all_cores: false,
            functions_dir: None,
        }
    }
}

impl Default for RuntimeLimits {
    fn default() -> Self {
        Self {
            max_event_bytes: 1 << 20,
            max_request_bytes: 16 << 20,
            max_transaction_bytes: 4 << 20,
            max_attempt_bytes: 32 << 20,
            max_state_value_bytes: 1 << 20,
            max_state_bytes: 10 << 30,
            max_published_events: 1_000,
            max_log_lines: 200,
            max_stack: 512 << 10,
            max_hops: 100,
            max_timers: 100_000,
            max_held_events: 100_000,
            max_held_bytes: 256 << 20,
            max_instances: 1_000,
            max_plugin_bytes: 64 << 20,
            max_deadline: Duration::from_secs(5),
            max_sink_deadline: Duration::from_mins(1),
            max_memory: 1 << 30,
            max_compile_memory: 768 << 20,
            max_compile_time: Duration::from_mins(1),
            max_connections: 1_024,
        }
    }
}

impl Config {
    /// The share of `memory` for all requests and answers together, in bytes. The server keeps within it.
    #[must_use]
    pub fn clients_bytes(&self) -> usize {
        Budget::of(self.memory).clients
    }

    /// Puts the sources together: `file`, or `camshaft.toml` if that exists, then the `CAMSHAFT_*` among
    /// `environment`, then `flags` by setting key.
    ///
    /// # Errors
    /// The first setting that does not exist or has a value that it may not have, with its place.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, ConfigError> {
        let mut given = match file {
            Some(path) => file::read(path)?,
            None if Path::new(DEFAULT_FILE).exists() => file::read(Path::new(DEFAULT_FILE))?,
            None => Vec::new(),
        };
        let mut token = None;
        for (name, text) in environment {
            if name == "CAMSHAFT_TOKEN" {
                token = Some(Token::given(&text, &Place::Environment(name))?);
            } else if let Some(key) = setting::key_of_variable(&name) {
                given.push(Given::text(key, text, Place::Environment(name)));
            }
        }
        // A token file that a flag names wins over the token in the environment, which wins over all others.
        let mut token_file = None;
        for (key, text) in flags {
            given.push(Given::text(key, text, Place::Flag(key)));
        }
        let mut config = Self::default();
        for given in &given {
            if given.key == "token_file" {
                token_file = Some(given);
                continue;
            }
            setting::apply(&mut config, given)?;
        }
        let by_flag = token_file.is_some_and(|given| matches!(given.place, Place::Flag(_)));
        config.token = match (token, token_file) {
            (Some(token), _) if !by_flag => Some(token),
            (_, Some(given)) => Some(Token::read(given)?),
            (token, None) => token,
        };
        config.check()?;
        Ok(config)
    }

    /// Variables of the environment that set nothing and probably were meant to, each with the one that is meant.
    /// The command line warns of them. Others that begin with `CAMSHAFT_` may be an orchestrator's.
    pub fn mistaken_variables(
        environment: impl IntoIterator<Item = String>,
    ) -> impl Iterator<Item = (String, String)> {
        environment.into_iter().filter_map(|name| setting::meant_by(&name).map(|meant| (name, meant)))
    }

    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let refuse = |key: &'static str, problem: String| {
            Err(ConfigError::Value { key: key.to_owned(), problem, place: None })
        };
        if !self.listen.ip().is_loopback() && self.token.is_none() {
            return Err(ConfigError::TokenRequired { listen: self.listen });
        }
        if self.memory < MIN_MEMORY {
            return refuse("memory", format!("{} bytes are less than the least, 64MiB", self.memory));
        }
        if limits.max_event_bytes > limits.max_transaction_bytes {
            let problem = format!(
                "an event of {} bytes would not fit a transaction of {} (`limits.max_transaction_bytes`)",
                limits.max_event_bytes, limits.max_transaction_bytes
            );
            return refuse("limits.max_event_bytes", problem);
        }
        if limits.max_attempt_bytes < limits.max_transaction_bytes {
            let problem = format!(
                "{} bytes would not hold a transaction of {} (`limits.max_transaction_bytes`)",
                limits.max_attempt_bytes, limits.max_transaction_bytes
            );
            return refuse("limits.max_attempt_bytes", problem);
        }
        if !camshaft_host::STACK_BYTES.contains(&limits.max_stack) {
            return refuse(
                "limits.max_stack",
                format!("{} bytes are not within 64KiB and 1MiB", limits.max_stack),
            );
        }
        if limits.max_event_bytes > limits.max_request_bytes {
            let problem = format!(
                "an event of {} bytes would not fit a request of {} (`limits.max_request_bytes`)",
                limits.max_event_bytes, limits.max_request_bytes
            );
            return refuse("limits.max_event_bytes", problem);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
