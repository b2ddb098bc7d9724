//! How a command that failed says so, and with which exit code it ends.
//!
//! `error: what failed`, then details, then `hint: what to do`. The facts come from the errors of the runtime and
//! from problem documents; nothing is decided here.

use std::{
    fmt,
    io::{self, Write},
};

use camshaft_host::Refusal;

use crate::{
    ConfigError, ErrorCode, ExitCode, OpenError,
    api::{ServerError, problem::ProblemDocument},
};

const RED: &str = "\u{1b}[1;31m";
const CYAN: &str = "\u{1b}[1;36m";
const RESET: &str = "\u{1b}[0m";

/// Why a command did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Something is to be told.
    Error(Box<Told>),
    /// Whoever read stdout has seen enough, such as `head`: no failure in anybody's eyes.
    ReaderGone,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    code: ErrorCode,
    message: String,
    details: Vec<String>,
    hint: String,
}

impl Failure {
    /// A failure of a kind, with that kind's hint. `message` says what failed on what, in lower case.
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let hint = code.hint().to_owned();
        Self::Error(Box::new(Told { code, message: message.into(), details: Vec::new(), hint }))
    }

    /// The same with a better hint: a sentence.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Error(told) = &mut self {
            told.hint = hint.into();
        }
        self
    }

    /// The same with a further line between message and hint.
    pub(super) fn detail(mut self, line: impl Into<String>) -> Self {
        if let Self::Error(told) = &mut self {
            told.details.push(line.into());
        }
        self
    }

    /// Something that may not happen did.
    pub(super) fn internal(error: impl fmt::Display) -> Self {
        Self::new(ErrorCode::Internal, error.to_string())
            .hint("This is a fault of camshaft; please report it with this message.")
    }

    /// Stdout does not take what is written.
    pub(super) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::internal(format!("stdout cannot be written: {}", crate::io_reason(error)))
                .hint("Check where the output goes."),
        }
    }

    /// How the process ends.
    pub(super) fn exit(&self) -> ExitCode {
        match self {
            Self::Error(told) => told.code.exit(),
            Self::ReaderGone => ExitCode::Done,
        }
    }

    /// Tells it on stderr.
    pub(super) fn tell(&self) -> ExitCode {
        // Where stderr cannot be written, the exit code still says it.
        let _: io::Result<()> = write!(anstream::stderr(), "{}", self.rendered());
        self.exit()
    }

    /// The lines that are told, with colours.
    fn rendered(&self) -> String {
        let Self::Error(told) = self else { return String::new() };
        let mut text = format!("{RED}error:{RESET} {}\n", told.message);
        for line in told.details.iter().flat_map(|detail| detail.lines()) {
            text.push_str(&format!("  {line}\n"));
        }
        text.push_str(&format!("{CYAN}hint:{RESET} {}\n", told.hint));
        text
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.code(), error.to_string()).hint(error.hint())
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Settings(error) => error.into(),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let code = ErrorCode::from_text(refusal.code).unwrap_or(ErrorCode::Internal);
        Self::new(code, refusal.message).hint(refusal.hint).detail(format!("code: {}", refusal.code))
    }
}

impl From<ProblemDocument> for Failure {
    fn from(problem: ProblemDocument) -> Self {
        let code = ErrorCode::from_urn(&problem.urn).unwrap_or(ErrorCode::UnexpectedAnswer);
        let message = if problem.detail.is_empty() { problem.title } else { problem.detail };
        let failure = Self::new(code, message);
        if problem.hint.is_empty() { failure } else { failure.hint(problem.hint) }
    }
}
