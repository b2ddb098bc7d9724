//! The runtime's own log, on stderr: which lines, and in which form.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::super::{failure::Failure, terminal};
use crate::ErrorCode;

/// What is logged unless something else is asked for: all that Camshaft has to say, and warnings of what it is
/// made of.
const DEFAULT_FILTER: &str = "warn,camshaft=info";

/// What is logged, and how.
#[derive(Debug, Args)]
pub(super) struct Logging {
    /// What to log: error, warn, info, debug or trace, also per part, such as "info,camshaft_host=debug"
    /// [default: info]
    #[arg(long, value_name = "FILTER", env = "CAMSHAFT_LOG", hide_env_values = true)]
    log: Option<String>,
    /// How a line is written
    #[arg(long, value_name = "FORMAT", env = "CAMSHAFT_LOG_FORMAT", default_value = "text", hide_env_values = true)]
    log_format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl Logging {
    /// Logs from now on.
    pub(super) fn start(&self) -> Result<(), Failure> {
        let text = self.log.as_deref().filter(|text| *text != "info").unwrap_or(DEFAULT_FILTER);
        let filter = EnvFilter::try_new(text).map_err(|error| {
            Failure::new(ErrorCode::WrongUsage, format!("\"{text}\" is not a log filter: {error}"))
                .hint("Write a level such as \"debug\", or levels per part such as \"info,camshaft_host=debug\".")
        })?;
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let started = match self.log_format {
            Format::Text => lines.with_ansi(terminal::stderr_has_colors()).try_init(),
            Format::Json => lines.json().flatten_event(true).try_init(),
        };
        started.map_err(Failure::internal)
    }

    /// Says what the filter must not hide.
    pub(super) fn say(&self, text: &str) {
        match self.log_format {
            Format::Text => eprintln!("{text}"),
            Format::Json => eprintln!("{}", serde_json::json!({ "level": "INFO", "message": text })),
        }
    }
}
