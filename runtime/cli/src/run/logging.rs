//! The runtime's own log on stderr: filter and format.

use std::io;

use camshaft_wire::ErrorCode;
use clap::{Args, ValueEnum};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::super::{failure::Failure, log_line, terminal};

/// Libraries that log each error of a guest's requests. The guest and its dead letter already contain these
/// errors, and a guest could use them to write log lines without limit. So they are logged only if the filter
/// names the library.
const OF_GUESTS: [&str; 2] = ["wasmtime_wasi_http", "rustls"];

/// Options of the log.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub struct Logging {
    /// Log filter: error, warn, info, debug or trace; libraries log only warnings, unless named as in
    /// info,rustls=debug
    #[arg(
        long = "log",
        value_name = "FILTER",
        env = "CAMSHAFT_LOG",
        hide_env_values = true,
        default_value = "info"
    )]
    filter: String,

    /// Log format
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
    /// Starts logging. Call it only once per process.
    pub fn start(&self) -> Result<(), Failure> {
        let filter = filter(&self.filter)?;
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

    /// Prints a message regardless of the filter.
    pub fn say(&self, text: &str) {
        match self.format {
            Format::Text => eprintln!("{text}"),
            Format::Json => eprintln!("{}", serde_json::json!({ "level": "INFO", "message": text })),
        }
    }
}

fn filter(text: &str) -> Result<EnvFilter, Failure> {
    let wrong = |problem: String| {
        Failure::new(ErrorCode::WrongUsage, format!("\"{text}\" is not a log filter: {problem}"))
            .hint("Write error, warn, info, debug or trace; add NAME=LEVEL for a part, after a comma.")
    };
    let parts: Vec<String> =
        text.split(',').map(str::trim).map(own).collect::<Result<_, _>>().map_err(wrong)?;
    let filter = EnvFilter::builder().parse(parts.join(",")).map_err(|error| wrong(error.to_string()))?;
    let quiet = OF_GUESTS.iter().filter(|part| !text.contains(**part));
    quiet.into_iter().try_fold(filter, |filter, part| {
        Ok(filter.add_directive(format!("{part}=off").parse().map_err(Failure::internal)?))
    })
}

/// Expands a part of the filter that has no target. A level alone applies to Camshaft's own crates: libraries
/// log thousands of lines below the level of warnings. Any other word is a misspelt level, which the filter's
/// parser would take for a target that logs everything.
fn own(part: &str) -> Result<String, String> {
    if part.contains(['=', '[']) {
        return Ok(part.to_owned());
    }
    // The parser of levels accepts an empty text, too.
    let level = Some(part).filter(|part| !part.is_empty()).and_then(|part| part.parse::<LevelFilter>().ok());
    let level = level.ok_or_else(|| format!("\"{part}\" is not a level"))?;
    let libraries = level.min(LevelFilter::WARN);
    Ok(format!("{libraries},camshaft={level}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The log lines of warnings of a library, of this program, and of a guest's request.
    fn written(text: &str) -> String {
        let (written, filter) = (Written::default(), filter(text).unwrap());
        let writer = written.clone();
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone());
        tracing::subscriber::with_default(log.with_ansi(false).finish(), || {
            tracing::warn!(target: "fjall", "of a library");
            tracing::debug!(target: "cranelift_codegen", "each instruction");
            tracing::debug!(target: "camshaft_host::cache", "of ours");
            tracing::warn!(target: "wasmtime_wasi_http::p2::error", "of a guest");
        });
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_a_guests_requests_make_a_library_log_is_left_out_unless_it_is_asked_for() {
        for text in ["info", "warn", "debug"] {
            let written = written(text);
            assert!(written.contains("of a library") && !written.contains("of a guest"), "{text}: {written}");
        }
        assert!(written("warn,wasmtime_wasi_http=warn").contains("of a guest"));
    }

    #[test]
    fn a_level_is_for_our_own_parts_and_a_word_that_is_none_is_refused() {
        for (text, ours, theirs) in [
            ("debug", true, false),
            ("trace", true, false),
            ("info", false, false),
            ("info,camshaft_host=debug", true, false),
            ("debug,cranelift_codegen=debug", true, true),
            ("cranelift_codegen=debug", false, true),
        ] {
            let written = written(text);
            assert_eq!(written.contains("of ours"), ours, "{text}: {written}");
            assert_eq!(written.contains("each instruction"), theirs, "{text}: {written}");
        }
        assert!(!written("error").contains("of a library"));
        for text in ["nonsense", "debg", "info,nonsense", "", "camshaft=loud", "info,"] {
            let failure = filter(text).err().unwrap_or_else(|| panic!("\"{text}\" is taken"));
            assert_eq!(failure.code(), ErrorCode::WrongUsage, "{text}");
        }
    }
}
