//! What a guest says: log lines within bounds, standard streams cut into lines, last words before a trap.
//!
//! The guest chooses how much it writes; everything kept or passed on here has a limit.

use std::borrow::Cow;

use camshaft_event::{Limit, LogLevel, without_users};

/// Longest line, and longest last words, in bytes.
const MAX_LINE_BYTES: usize = 4 * 1024;
/// Most fields of a line, and their longest name and value.
const MAX_FIELDS: usize = 32;
const MAX_FIELD_BYTES: usize = 512;
/// Text that is kept of one attempt's lines, in bytes: the usual number of lines at their longest fits.
const MAX_LOG_BYTES: usize = 1024 * 1024;

/// The log of one attempt after another.
pub struct GuestLog {
    max_lines: u32,
    lines: u32,
    /// Text of the lines that were passed on.
    bytes: usize,
    is_full: bool,
    last_words: Option<String>,
    /// The end of what was written to standard error.
    stderr: Vec<u8>,
}

impl GuestLog {
    /// A log that takes `max_lines` of each attempt.
    pub const fn new(max_lines: u32) -> Self {
        Self { max_lines, lines: 0, bytes: 0, is_full: false, last_words: None, stderr: Vec::new() }
    }

    /// An attempt begins with a full allowance.
    pub fn begin(&mut self) {
        self.lines = 0;
        self.bytes = 0;
        self.is_full = false;
        self.last_words = None;
        self.stderr.clear();
    }

    /// Passes a line on to `pass`, shortened where it is too long. The line that exceeds the allowance says
    /// so, the ones after it are dropped.
    pub fn line(
        &mut self,
        level: LogLevel,
        mut message: String,
        mut fields: Vec<(String, String)>,
        pass: impl FnOnce(LogLevel, &str, &[(String, String)]),
    ) {
        if self.is_full {
            return;
        }
        if self.lines >= self.max_lines {
            let allowed = format!("{} are allowed", self.max_lines);
            return self.close(&allowed, Limit::LogLines, pass);
        }
        self.lines += 1;
        strip(&mut message);
        fields.iter_mut().for_each(|(_, value)| strip(value));
        shorten(&mut message, MAX_LINE_BYTES);
        fields.truncate(MAX_FIELDS);
        for (name, value) in &mut fields {
            shorten(name, MAX_FIELD_BYTES);
            shorten(value, MAX_FIELD_BYTES);
        }
        self.bytes += message.len();
        self.bytes += fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if self.bytes > MAX_LOG_BYTES {
            return self.close("1 MiB of text is allowed", Limit::LogText, pass);
        }
        pass(level, &message, &fields);
    }

    /// Takes no further line of this attempt, and says so.
    fn close(&mut self, allowed: &str, limit: Limit, pass: impl FnOnce(LogLevel, &str, &[(String, String)])) {
        self.is_full = true;
        let raised_by = limit.raised_by();
        let line = format!("further lines of this attempt are omitted; {allowed} ({raised_by})");
        pass(LogLevel::Warn, &line, &[]);
    }

    /// Remembers `words` as the last ones.
    pub fn note_last_words(&mut self, words: &str) {
        let end = words.floor_char_boundary(MAX_LINE_BYTES);
        self.last_words = words.get(..end).map(str::to_owned);
    }

    /// Keeps the end of what the guest writes to standard error, where languages put a panic's message.
    pub fn note_stderr(&mut self, bytes: &[u8]) {
        self.stderr.extend_from_slice(bytes);
        let excess = self.stderr.len().saturating_sub(MAX_LINE_BYTES);
        self.stderr.drain(..excess);
    }

    /// The last words of this attempt: what was said as such, else the end of standard error.
    pub fn last_words(&self) -> Option<Cow<'_, str>> {
        let stderr = || String::from_utf8_lossy(self.stderr.trim_ascii());
        self.last_words.as_deref().map(Cow::Borrowed).or_else(|| Some(stderr()).filter(|end| !end.is_empty()))
    }
}

/// Cuts what is written to a standard stream into lines.
#[derive(Default)]
pub struct LineBuffer(Vec<u8>);

impl LineBuffer {
    /// Takes `bytes` and hands every complete line to `line`. A line that is too long is cut in two.
    pub fn write(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        for &byte in bytes {
            if byte != b'\n' {
                self.0.push(byte);
            }
            if byte == b'\n' || self.0.len() >= MAX_LINE_BYTES {
                line(self.take());
            }
        }
    }

    /// What has no line end yet, if there is anything.
    pub fn flush(&mut self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let line = String::from_utf8_lossy(&self.0).into_owned();
        self.0.clear();
        line
    }
}

/// Passwords in URLs are not passed on.
fn strip(text: &mut String) {
    if let Cow::Owned(shown) = without_users(text) {
        *text = shown;
    }
}

fn shorten(text: &mut String, max_bytes: usize) {
    if text.len() > max_bytes {
        text.truncate(text.floor_char_boundary(max_bytes));
        text.push('…');
    }
}
