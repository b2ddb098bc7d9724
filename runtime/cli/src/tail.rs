//! `camshaft tail`: prints the last events, then follows new ones.

use std::collections::VecDeque;

use camshaft_wire::ErrorCode;
use clap::Args;

use super::{
    client::Client,
    event_line::{self, offset},
    failure::Failure,
    read::Selection,
};

/// How many offsets the first search covers, and the growth factor of each further search.
const FIRST_WINDOW: u64 = 256;
const GROWTH: u64 = 8;

/// Events per request: the maximum that the runtime returns at a time.
const PAGE: u64 = 100_000;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Number of existing events to print first
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 10)]
    lines: usize,

    #[command(flatten)]
    selection: Selection,
}

pub fn tail(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let health = client.health()?;
    let (first, tail) = (health.first_offset.0, health.tail.0);
    let last = last_events(client, arguments, first, tail)?;
    let mut from = tail;
    for line in &last {
        event_line::print(line, json)?;
        from = from.max(offset(line)?.saturating_add(1));
    }
    for line in client.lines(&arguments.selection.path(Some(from), None, Some(health.log)))? {
        event_line::print(&line?, json)?;
    }
    // The stream ends only when the runtime does.
    Err(Failure::new(ErrorCode::ShuttingDown, "the runtime is shutting down"))
}

/// The last selected events before `tail`, found by searching ever larger ranges at the end of the log.
fn last_events(
    client: &Client,
    arguments: &Arguments,
    first: u64,
    tail: u64,
) -> Result<VecDeque<String>, Failure> {
    let mut window = FIRST_WINDOW.max(arguments.lines as u64);
    let mut found = VecDeque::new();
    if arguments.lines == 0 {
        return Ok(found);
    }
    loop {
        let mut from = tail.saturating_sub(window).max(first);
        let whole = from == first;
        found.clear();
        loop {
            let mut received = 0;
            for line in client.lines(&arguments.selection.path(Some(from), Some(PAGE), None))? {
                if found.len() == arguments.lines {
                    found.pop_front();
                }
                found.push_back(line?);
                received += 1;
            }
            match found.back() {
                Some(last) if received == PAGE => from = offset(last)?.saturating_add(1),
                _ => break,
            }
        }
        if whole || found.len() == arguments.lines {
            return Ok(found);
        }
        window = window.saturating_mul(GROWTH);
    }
}
