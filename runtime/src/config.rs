//! The runtime's settings: `camshaft.toml`, `CAMSHAFT_*`, flags, defaults.
//!
//! The command line loads them; an embedding program fills in a [`Config`] itself.
//! [`Runtime::open`](crate::Runtime::open) validates them in both cases. A flag overrides the environment,
//! the environment overrides the file.

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
use given::Given;
pub use given::Place;
pub use token::Token;
pub use value::duration;

/// The settings file that is read if it exists and no other file is given.
pub const DEFAULT_FILE: &str = "camshaft.toml";

/// Least memory that the runtime can work with, in bytes.
const MIN_MEMORY: u64 = 64 << 20;

/// The settings of the runtime. All sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The data directory, with log and tables; created if missing.
    pub data: PathBuf,
    /// The watched plugins directory; created if missing.
    pub plugins: PathBuf,
    /// The address of the HTTP interface.
    pub listen: SocketAddr,
    /// Memory limit of the process, without the instances of plugins. Values below 192 MiB have the effect of
    /// 192 MiB.
    pub memory: u64,
    /// When a publish is acknowledged.
    pub durability: Durability,
    /// Threads that run handlers; one per core if absent.
    pub workers: Option<usize>,
    /// Web origins, such as `https://example.com`, whose pages may call the HTTP interface.
    pub allowed_origins: Vec<String>,
    /// The token that gives access to the HTTP interface. Without a token, only loopback has access.
    pub token: Option<Token>,
    /// Whether callers with the token may upload files into the plugins directory.
    pub allow_deploy: bool,
    /// How long a detached consumer pins the log.
    pub detached_retention: Duration,
    /// How long events are kept.
    pub retention: Retention,
    /// Limits for requests, events and plugins.
    pub limits: RuntimeLimits,
    /// The program that compiles plugins, in a process with limits on memory and time. `camshaft run` uses
    /// itself. An embedding program uses a `camshaft` of the same release, with the argument `compile`.
    /// Without a program, plugins are compiled in this process and these two limits do not apply: see
    /// [`Runtime::load_plugin`](crate::Runtime::load_plugin).
    pub compiler: Option<CompilerProgram>,
    /// Whether the compiler program uses all cores, as in `camshaft dev`. By default it uses one, so that
    /// events are handled in the meantime.
    pub compile_on_all_cores: bool,
    /// The folder in which the compiler program keeps compiled functions of large plugins, so that an
    /// interpreter in many plugins is compiled once; created if missing. Several runtimes of one user may
    /// share it. The functions in it are executed, so only this user may have write access. By default it is
    /// in the data directory.
    pub functions_dir: Option<PathBuf>,
}

/// When a publish is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// After the sync. Acknowledged events survive a crash of the machine.
    #[default]
    Sync,
    /// At once. A crash may lose the newest events, but never consistency.
    Async,
}

/// How long events are kept. It is also the horizon of deduplication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events older than this may be trimmed.
    pub age: Duration,
    /// The oldest events beyond this size may be trimmed, regardless of their age.
    pub bytes: Option<u64>,
}

/// The limits of the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeLimits {
    /// Size of one event.
    pub max_event_bytes: u64,
    /// Size of one HTTP request's body.
    pub max_request_bytes: u64,
    /// Size of one transaction: the effects of an attempt, or a batch of published events.
    pub max_transaction_bytes: u64,
    /// Memory that the runtime keeps for one running attempt: for its reads, writes, published events and log
    /// lines.
    pub max_attempt_bytes: u64,
    /// Size of one state value.
    pub max_state_value_bytes: u64,
    /// Keys and values of one consumer's state, in bytes.
    pub max_state_bytes: u64,
    /// Events that one attempt may publish or schedule.
    pub max_published_events: u64,
    /// Size of the answer to one command.
    pub max_answer_bytes: u64,
    /// Size of the fold of one scope.
    pub max_fold_bytes: u64,
    /// Scopes that one decision reads or records about.
    pub max_scopes: u64,
    /// Length of the name of a scope, `kind/id`.
    pub max_scope_bytes: u64,
    /// Facts of all aggregates, in the log and beyond its retention. At this size commands whose owner
    /// records facts are refused.
    pub max_kept_bytes: u64,
    /// Lines that one attempt may log; further lines are omitted.
    pub max_log_lines: u32,
    /// Stack of one call of a plugin, 64 KiB to 1 MiB.
    pub max_stack: u64,
    /// Hops from a producer's event to the last event that follows from it. A timer set a second or more
    /// ahead begins the count anew.
    pub max_hops: u32,
    /// Timers that one consumer may have set.
    pub max_timers: u64,
    /// Held events and dead letters of one consumer.
    pub max_held_events: u64,
    /// Size of the held events and dead letters of one consumer.
    pub max_held_bytes: u64,
    /// Plugin instances at a time.
    pub max_instances: u32,
    /// Size of one `.wasm` file.
    pub max_plugin_bytes: u64,
    /// Longest deadline that the manifest of a handler may set. A handler holds a worker while it runs.
    pub max_deadline: Duration,
    /// Longest deadline that the manifest of a sink may set. A sink holds no worker.
    pub max_sink_deadline: Duration,
    /// Largest memory that a manifest may set for an instance.
    pub max_memory: u64,
    /// Address space for compiling one plugin.
    pub max_compile_memory: u64,
    /// Processor time for compiling one plugin, in whole seconds. The limit of elapsed time is ten times as
    /// long.
    pub max_compile_time: Duration,
    /// HTTP requests served at a time.
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
            max_answer_bytes: 16 << 10,
            max_fold_bytes: 64 << 10,
            max_scopes: 16,
            max_scope_bytes: 200,
            max_kept_bytes: 10 << 30,
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
    /// The share of `memory` for all requests and answers together, in bytes. The server enforces it.
    #[must_use]
    pub fn clients_bytes(&self) -> usize {
        Budget::of(self.memory).clients
    }

    /// Loads the settings from all sources: `file`, or `camshaft.toml` if it exists, then the `CAMSHAFT_*`
    /// variables in
    /// `environment`, then `flags` by setting key. Later sources override earlier ones.
    ///
    /// # Errors
    /// The first setting that does not exist or has an invalid value, with its place.
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

    /// Environment variables without effect that are probably misspelled, each with the likely name. The
    /// command line warns about them. Other variables that begin with `CAMSHAFT_` may belong to an
    /// orchestrator.
    pub fn mistaken_variables(
        environment: impl IntoIterator<Item = String>,
    ) -> impl Iterator<Item = (String, String)> {
        environment.into_iter().filter_map(|name| setting::meant_by(&name).map(|meant| (name, meant)))
    }

    /// Validates that the settings do not contradict each other.
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
            return refuse("memory", format!("{} bytes are less than the minimum of 64MiB", self.memory));
        }
        if limits.max_event_bytes > limits.max_transaction_bytes {
            let problem = format!(
                "an event of {} bytes does not fit into a transaction of {} (`limits.max_transaction_bytes`)",
                limits.max_event_bytes, limits.max_transaction_bytes
            );
            return refuse("limits.max_event_bytes", problem);
        }
        if limits.max_attempt_bytes < limits.max_transaction_bytes {
            let problem = format!(
                "{} bytes are less than a transaction of {} (`limits.max_transaction_bytes`)",
                limits.max_attempt_bytes, limits.max_transaction_bytes
            );
            return refuse("limits.max_attempt_bytes", problem);
        }
        if !camshaft_host::STACK_BYTES.contains(&limits.max_stack) {
            return refuse(
                "limits.max_stack",
                format!("{} bytes are not between 64KiB and 1MiB", limits.max_stack),
            );
        }
        if limits.max_event_bytes > limits.max_request_bytes {
            let problem = format!(
                "an event of {} bytes does not fit into a request of {} (`limits.max_request_bytes`)",
                limits.max_event_bytes, limits.max_request_bytes
            );
            return refuse("limits.max_event_bytes", problem);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
