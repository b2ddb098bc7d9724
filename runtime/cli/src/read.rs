//! `camshaft read`: prints events and exits.

use camshaft_event::TypePattern;
use camshaft_wire::LogId;
use clap::Args;

use super::{
    client::{Client, query},
    event_line::{self, offset},
    failure::Failure,
    output,
};

/// Events per request: the maximum that the runtime returns at a time.
const PAGE: u64 = 100_000;

#[derive(Debug, Args)]
pub struct Arguments {
    /// First offset to print [default: the first retained offset]
    #[arg(long, value_name = "OFFSET")]
    from: Option<u64>,

    #[command(flatten)]
    selection: Selection,

    /// Maximum number of events [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

/// Selects events.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Selection {
    /// Only events whose type matches, such as order.placed or order.*
    #[arg(long = "type", value_name = "PATTERN")]
    pub event_type: Option<TypePattern>,

    /// Only events with this subject
    #[arg(long)]
    pub subject: Option<String>,

    /// Include the runtime's own camshaft.* events
    #[arg(long)]
    pub system: bool,
}

pub fn read(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let mut from = arguments.from;
    let mut remaining = arguments.limit.unwrap_or(u64::MAX);
    let mut printed = 0;
    while remaining > 0 {
        let page = remaining.min(PAGE);
        let mut received = 0;
        let mut last = String::new();
        for line in client.lines(&arguments.selection.path(from, Some(page), None))? {
            last = line?;
            event_line::print(&last, json)?;
            received += 1;
        }
        printed += received;
        remaining -= received;
        if received < page {
            break;
        }
        from = Some(offset(&last)?.saturating_add(1));
    }
    if printed == 0 && !json { nothing(client) } else { Ok(()) }
}

impl Selection {
    /// The request for events of this selection. With `follow`, the response stays open while the runtime
    /// serves that log.
    pub fn path(&self, from: Option<u64>, limit: Option<u64>, follow: Option<LogId>) -> String {
        let parameters = [
            ("from", from.map(|from| from.to_string())),
            ("limit", limit.map(|limit| limit.to_string())),
            ("type", self.event_type.as_ref().map(ToString::to_string)),
            ("subject", self.subject.clone()),
            ("system", self.system.then(|| "true".to_owned())),
            ("follow", follow.map(|_| "true".to_owned())),
            ("log", follow.map(|log| log.to_string())),
        ];
        query("/events", &parameters)
    }
}

fn nothing(client: &Client) -> Result<(), Failure> {
    let health = client.health()?;
    if health.tail == health.first_offset {
        output::note("the log is empty");
        output::hint("Run `camshaft publish` to publish events.");
    } else {
        let last = health.tail.0.saturating_sub(1);
        output::note(&format!("no event matches; the log has offsets {} to {last}", health.first_offset));
        output::hint("Run `camshaft read` without options to see all; add --system for the runtime's own.");
    }
    Ok(())
}
