//! Output of commands: data to stdout, notes and hints to stderr.

use std::io::{self, Write};

use anstream::eprintln;
use camshaft::io_reason;
use camshaft_wire::ErrorCode;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use super::{
    failure::{Failure, HINT},
    table, terminal,
};
use crate::text;

const NOTE: Style = AnsiColor::Yellow.on_default().bold();

/// Writes text for people to stdout, keeping its line breaks.
pub fn print(text: &str) -> Result<(), Failure> {
    write(text::lines(text).as_bytes())
}

/// Writes a table to stdout, with colours for rows that need attention.
pub fn table(table: &str) -> Result<(), Failure> {
    // Escape control characters in the data before adding our own.
    let table = text::lines(table);
    let table = if terminal::stdout_has_colors() { table::coloured(&table).into() } else { table };
    write(table.as_bytes())
}

/// Writes text and a line break to stdout. Programs receive it unchanged, a terminal as one escaped line.
pub fn line(text: &str) -> Result<(), Failure> {
    let text = if terminal::shows_stdout() { text::line(text) } else { text.into() };
    write(format!("{text}\n").as_bytes())
}

/// Writes a value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    json_line(&serde_json::to_string(value).expect("output values serialize to JSON"))
}

/// Writes a line of JSON. Programs receive it unchanged. A terminal receives JSON of the same value, without
/// characters that act on it.
pub fn json_line(json: &str) -> Result<(), Failure> {
    let json = if terminal::shows_stdout() { text::json(json) } else { json.into() };
    write(format!("{json}\n").as_bytes())
}

/// Writes bytes to stdout.
pub fn write(bytes: &[u8]) -> Result<(), Failure> {
    // Flush after each write, so that each line is visible at once.
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::pipe_closed(),
        _ => Failure::new(
            ErrorCode::OutputUnwritable,
            format!("stdout could not be written: {}", io_reason(&error)),
        ),
    })
}

/// Prints a note to stderr.
pub fn note(text: &str) {
    eprintln!("{NOTE}note:{NOTE:#} {}", text::lines(text));
}

/// Prints a hint about the next step to stderr.
pub fn hint(text: &str) {
    eprintln!("{HINT}hint:{HINT:#} {}", text::lines(text));
}
