//! What commands print. Data to stdout; remarks to stderr.

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

/// Writes text for people to stdout. Its line breaks are the layout.
pub fn print(text: &str) -> Result<(), Failure> {
    write(text::lines(text).as_bytes())
}

/// Writes a table to stdout, with colours for what asks for a look.
pub fn table(table: &str) -> Result<(), Failure> {
    // Control characters of others are gone before ours come.
    let table = text::lines(table);
    let table = if terminal::stdout_has_colors() { table::coloured(&table).into() } else { table };
    write(table.as_bytes())
}

/// Writes text and a line break to stdout. Programs get it as it is, a terminal as one line.
pub fn line(text: &str) -> Result<(), Failure> {
    let text = if terminal::shows_stdout() { text::line(text) } else { text.into() };
    write(format!("{text}\n").as_bytes())
}

/// Writes a value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    json_line(&serde_json::to_string(value).expect("what is shown has a JSON form"))
}

/// Writes a line of JSON. Programs get it as it is, a terminal as JSON of the same value that does nothing to it.
pub fn json_line(json: &str) -> Result<(), Failure> {
    let json = if terminal::shows_stdout() { text::json(json) } else { json.into() };
    write(format!("{json}\n").as_bytes())
}

/// Writes bytes to stdout.
pub fn write(bytes: &[u8]) -> Result<(), Failure> {
    // Flushed with each write: a line that is written is also seen.
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::pipe_closed(),
        _ => Failure::new(
            ErrorCode::OutputUnwritable,
            format!("stdout could not be written: {}", io_reason(&error)),
        ),
    })
}

/// Says something beside the data.
pub fn note(text: &str) {
    eprintln!("{NOTE}note:{NOTE:#} {}", text::lines(text));
}

/// Says what to do next.
pub fn hint(text: &str) {
    eprintln!("{HINT}hint:{HINT:#} {}", text::lines(text));
}
