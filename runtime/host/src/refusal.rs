//! Why a plugin is not loaded: one code for programs, one sentence and one hint for people.
//!
//! Every step of loading answers with it; the CLI, the HTTP interface and the system events pass it on as it
//! is. Failures of a running handler are not refusals, see `instance`.

use camshaft_event::RefusalCode;
use serde::Serialize;
use thiserror::Error;

/// Longest message, and longest hint, in bytes.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// A plugin was not taken. Nothing that ran before is disturbed by it.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[error("{message}")]
pub struct Refusal {
    /// Stable.
    pub code: RefusalCode,
    /// What could not be done to what, and where.
    pub message: String,
    /// What to do about it, as a sentence.
    pub hint: String,
}

impl Refusal {
    /// A refusal of one kind.
    ///
    /// Names and texts in the message come from files, whose authors choose their length: it is cut where it
    /// is longer than 4 KiB.
    pub fn new(code: RefusalCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: cut(message.into()), hint: cut(hint.into()) }
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        text.shrink_to_fit();
        text.push('…');
    }
    text
}
