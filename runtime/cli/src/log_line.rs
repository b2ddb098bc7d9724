//! Formats the lines of the runtime's log. Each event is one line, whatever text a plugin or a peer makes it
//! contain.
//!
//! `run` and `dev` use it.

use std::{fmt, io};

use tracing::field::Field;
use tracing_subscriber::{
    field::MakeExt,
    fmt::{
        FormatFields,
        format::{self, Writer},
    },
};

use crate::text;

/// Writes an event's fields as text: its message, then `name=value`, all escaped.
pub fn fields() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    format::debug_fn(field).delimited(" ")
}

fn field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    if field.name().starts_with("log.") {
        // Metadata of a record of the crate `log`; the line already contains it.
        return Ok(());
    }
    let value = format!("{value:?}");
    let value = text::line(&value);
    match field.name() {
        "message" => out.write_str(&value),
        name => {
            let (italic, dim, end) =
                if out.has_ansi_escapes() { ("\u{1b}[3m", "\u{1b}[2m", "\u{1b}[0m") } else { ("", "", "") };
            write!(out, "{italic}{name}{end}{dim}={end}{value}")
        }
    }
}

/// Writes JSON events with the same value, but without characters that act on a terminal.
pub struct Json<W>(pub W);

impl<W: io::Write> io::Write for Json<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        // Each call receives a whole event.
        match str::from_utf8(event) {
            Ok(json) => self.0.write_all(text::json(json).as_bytes())?,
            Err(_) => self.0.write_all(event)?,
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// Logs as a guest would.
    fn log() {
        let message = "well\nFORGED 2026-01-31T12:00:00Z ERROR \u{202e}\u{9b}31m\u{1b}[0m\u{2028}";
        tracing::info!(consumer = "c", fields = %"a\nb", "{message}");
    }

    #[test]
    fn a_guest_forges_no_line_in_the_log() {
        let written = Written::default();
        let writer = written.clone();
        let log_as_text = tracing_subscriber::fmt()
            .fmt_fields(fields())
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .with_target(false);
        with_default(log_as_text.finish(), log);
        assert_eq!(
            written.text(),
            " INFO well\\nFORGED 2026-01-31T12:00:00Z ERROR \\u{202e}\\u{9b}31m\\u{1b}[0m\\u{2028} \
             consumer=\"c\" fields=a\\nb\n"
        );
    }

    #[test]
    fn a_log_as_json_acts_on_no_terminal() {
        let written = Written::default();
        let writer = written.clone();
        let log_as_json = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || Json(writer.clone()))
            .without_time();
        with_default(log_as_json.finish(), log);
        let text = written.text();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(text.is_ascii() && text.contains("\\u202e\\u009b31m"), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(value["message"].as_str().unwrap().ends_with("\u{202e}\u{9b}31m\u{1b}[0m\u{2028}"));
    }
}
