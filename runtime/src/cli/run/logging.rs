//! The runtime's own log, on stderr: which lines, and in which form.

use std::io;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::super::{failure::Failure, log_line, terminal};
use crate::ErrorCode;

/// What "info" means: all that Camshaft has to say, and warnings of what it is made of.
const INFO: &str = "warn,camshaft=info";

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub struct Logging {
    /// What to log: error, warn, info, debug or trace; also by part, such as info,camshaft_host=debug
    #[arg(
        long = "log",
        value_name = "FILTER",
        env = "CAMSHAFT_LOG",
        hide_env_values = true,
        default_value = "info"
    )]
    filter: String,

    /// How to write it
    #[arg(
        long = "log-format",
        value_name = "FORMAT",
        env = "CAMSHAFT_LOG_FORMAT",
        hide_env_values = true,
        default_value = "text"
    )]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Logging {
    /// Logs from now on. Only once in a process.
    pub fn start(&self) -> Result<(), Failure> {
        let text = if self.filter == "info" { INFO } else { &self.filter };
        let filter = EnvFilter::builder().parse(text).map_err(|error| {
            Failure::new(ErrorCode::WrongUsage, format!("\"{text}\" is not a log filter: {error}"))
                .hint("Write error, warn, info, debug or trace.")
        })?;
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
        let started = match self.format {
            Format::Text => {
                let log = log.fmt_fields(log_line::fields()).with_ansi(terminal::stderr_has_colors());
                log.with_target(false).try_init()
            }
            Format::Json => {
                log.json().flatten_event(true).with_writer(|| log_line::Json(io::stderr())).try_init()
            }
        };
        started.map_err(Failure::internal)
    }

    /// Says what no filter may hide.
    pub fn say(&self, text: &str) {
        match self.format {
            Format::Text => eprintln!("{text}"),
            Format::Json => eprintln!("{}", serde_json::json!({ "level": "INFO", "message": text })),
        }
    }
}
