//! The failure of a command: message, details, hint and code.

use std::{fmt::Display, io};

use anstream::eprintln;
use camshaft::{ConfigError, LoadError, OpenError, Refusal, io_reason};
use camshaft_server::ServerError;
use camshaft_wire::{ErrorCode, ExitCode};
use clap::builder::styling::{AnsiColor, Style};
use serde_json::json;

use crate::text;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    code: ErrorCode,
    message: String,
    details: Vec<String>,
    hint: Option<String>,
    quiet: bool,
}

pub const ERROR: Style = AnsiColor::Red.on_default().bold();
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();

impl Failure {
    /// A failure with this message, and with the hint of its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new(), hint: None, quiet: false }
    }

    /// A file that could not be read.
    pub fn read(path: impl Display, error: &io::Error) -> Self {
        Self::new(ErrorCode::InputUnreadable, format!("\"{path}\" could not be read: {}", io_reason(error)))
    }

    /// A file that could not be written.
    pub fn write(path: impl Display, error: &io::Error) -> Self {
        Self::new(
            ErrorCode::OutputUnwritable,
            format!("\"{path}\" could not be written: {}", io_reason(error)),
        )
    }

    /// An error that should not occur, which is a bug.
    pub fn internal(error: impl Display) -> Self {
        Self::new(ErrorCode::Internal, error.to_string()).hint("Report this: it is a bug in camshaft.")
    }

    /// The reader of stdout closed it: the command ends silently and successfully.
    pub fn pipe_closed() -> Self {
        Self { quiet: true, ..Self::new(ErrorCode::Internal, "stdout is closed") }
    }

    /// Adds a line between message and hint.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// Replaces the hint of the code with a more specific one.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The message and code in one line, for lists of failures.
    pub fn line(&self) -> String {
        format!("{} [{}]", text::line(&self.message), self.code)
    }

    pub fn hint_text(&self) -> &str {
        self.hint.as_deref().unwrap_or(self.code.hint())
    }

    /// Prints the failure on stderr, and returns the exit code.
    pub fn report(&self, json: bool) -> ExitCode {
        if self.quiet {
            return ExitCode::Done;
        }
        eprintln!("{}", if json { text::json(&self.json().to_string()).into_owned() } else { self.text() });
        self.code.exit()
    }

    /// Prints the failure on stderr, where the command continues.
    pub fn say(&self) {
        eprintln!("{}", self.text());
    }

    fn text(&self) -> String {
        let mut text = format!("{ERROR}error:{ERROR:#} {}\n", self.line());
        for line in self.details.iter().flat_map(|detail| detail.lines()) {
            text = text + "  " + &text::line(line) + "\n";
        }
        format!("{text}{HINT}hint:{HINT:#} {}", text::line(self.hint_text()))
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "code": self.code.as_str(),
            "message": self.message,
            "details": self.details,
            "hint": self.hint_text(),
        })
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.code(), error.to_string()).hint(error.hint())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Settings(error) => error.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Refused(refusal) => refusal.into(),
            LoadError::Unavailable(unavailable) => Self::new(unavailable.code(), unavailable.to_string()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let code = ErrorCode::from(refusal.code);
        Self::new(code, refusal.message).hint(refusal.hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(failure: &Failure) -> String {
        anstream::adapter::strip_str(&failure.text()).to_string()
    }

    #[test]
    fn a_failure_says_what_failed_its_details_and_what_to_do() {
        let failure = Failure::new(ErrorCode::DataInUse, "data directory \"d\" is in use by another process");
        assert_eq!(
            plain(&failure),
            "error: data directory \"d\" is in use by another process [data-in-use]\n\
             hint: Stop the other runtime, or choose another directory with --data."
        );
        let failure = failure.detail("one\ntwo\u{1b}[0m").hint("Do this.");
        assert_eq!(
            plain(&failure),
            "error: data directory \"d\" is in use by another process [data-in-use]\n  \
             one\n  two\\u{1b}[0m\nhint: Do this."
        );
    }

    #[test]
    fn what_a_server_says_makes_no_line_of_its_own() {
        let failure = Failure::new(ErrorCode::WrongUsage, "a\nerror: forged").hint("b\u{202e}\nhint: forged");
        assert_eq!(
            plain(&failure),
            "error: a\\nerror: forged [wrong-usage]\nhint: b\\u{202e}\\nhint: forged"
        );
    }

    #[test]
    fn a_failure_as_json_has_the_same_parts() {
        let failure = Failure::new(ErrorCode::WrongUsage, "m").detail("d").hint("h");
        let expected = json!({ "code": "wrong-usage", "message": "m", "details": ["d"], "hint": "h" });
        assert_eq!(failure.json(), expected);
    }

    #[test]
    fn the_code_decides_how_the_process_ends() {
        assert_eq!(Failure::new(ErrorCode::PartlyRefused, "m").code().exit(), ExitCode::PartlyRefused);
        assert_eq!(Failure::pipe_closed().report(false), ExitCode::Done);
    }
}
