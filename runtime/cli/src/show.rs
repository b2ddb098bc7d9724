//! `camshaft show`: shows one event and its status at each consumer, and its state if it is a command.

use camshaft_wire::{CommandView, DeliveryStatus, DeliveryView, ErrorCode, EventView, HeldBecause};
use clap::Args;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    client::{Client, query},
    event_line,
    failure::Failure,
    output, send,
    table::{dash, table, time},
};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Offset of the event, or its source and id as SOURCE#ID
    #[arg(value_name = "OFFSET|SOURCE#ID")]
    event: String,
}

/// The event, with the state of the command that it is.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    view: EventView,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<CommandView>,
}

/// The part of an event that marks it as a command.
#[derive(Deserialize)]
struct Mark {
    camshaftcommand: Option<IgnoredAny>,
}

pub fn show(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let view = find(client, &arguments.event)?;
    let command = command(client, &view)?;
    if json {
        return output::json(&Shown { view, command });
    }
    event_line::print(view.event.get(), false)?;
    if let Some(command) = &command {
        output::print(&send::shown(command))?;
    }
    if view.deliveries.is_empty() {
        output::note("there are no consumers yet");
        output::hint("Run `camshaft deploy FILE.wasm` to add one. It also handles earlier events.");
        return Ok(());
    }
    let header = ["CONSUMER", "STATUS", "AT", "ATTEMPT", "VERSION", "DETAILS"];
    output::table(&table(header, view.deliveries.iter().map(row)))
}

/// The event's state as a command; none if it is no command, or is known as one no longer.
fn command(client: &Client, view: &EventView) -> Result<Option<CommandView>, Failure> {
    let is_command =
        serde_json::from_str::<Mark>(view.event.get()).is_ok_and(|mark| mark.camshaftcommand.is_some());
    if !is_command {
        return Ok(None);
    }
    match client.get(&format!("/commands/{}", view.offset)) {
        Ok(command) => Ok(Some(command)),
        Err(failure) if failure.code() == ErrorCode::CommandNotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn find(client: &Client, event: &str) -> Result<EventView, Failure> {
    if !event.is_empty() && event.bytes().all(|byte| byte.is_ascii_digit()) {
        return client.get(&format!("/events/{event}"));
    }
    // A source may contain one `#`, and an id any number of them.
    let mut marks: Vec<usize> = event.match_indices('#').map(|(at, _)| at).collect();
    let last = marks.pop().ok_or_else(|| {
        Failure::new(ErrorCode::WrongUsage, format!("\"{event}\" is neither an offset nor SOURCE#ID"))
            .hint("Write an offset such as 17, or SOURCE#ID such as '/shop#o-1'.")
    })?;
    let mut found = find_at(client, event, last);
    for mark in marks.into_iter().rev() {
        match &found {
            Err(failure) if failure.code() == ErrorCode::EventNotFound => {
                found = find_at(client, event, mark);
            }
            _ => break,
        }
    }
    found
}

/// The event whose source ends at `mark`.
fn find_at(client: &Client, event: &str, mark: usize) -> Result<EventView, Failure> {
    let (source, id) = event.split_at(mark);
    let id = id.strip_prefix('#').unwrap_or(id);
    client.get(&query("/events/find", &[("source", Some(source.to_owned())), ("id", Some(id.to_owned()))]))
}

fn row(delivery: &DeliveryView) -> [String; 6] {
    let version = delivery.version.clone().filter(|version| !version.is_empty());
    [
        delivery.consumer.clone(),
        status(delivery.status).to_owned(),
        delivery.at.map_or_else(dash, time),
        delivery.attempt.map_or_else(dash, |attempt| attempt.to_string()),
        version.unwrap_or_else(dash),
        details(delivery),
    ]
}

const fn status(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Done => "done",
        DeliveryStatus::Called => "called",
        DeliveryStatus::Held => "held",
        DeliveryStatus::Dead => "dead",
        DeliveryStatus::Discarded => "discarded",
        DeliveryStatus::Dropped => "dropped",
        DeliveryStatus::Skipped => "skipped",
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::NotWanted => "not wanted",
        DeliveryStatus::Unknown => "unknown",
    }
}

/// Further details, in one line.
fn details(delivery: &DeliveryView) -> String {
    let mut parts = Vec::new();
    if let Some(because) = delivery.waits_for {
        parts.push(match (because, delivery.due) {
            (HeldBecause::Retry, Some(due)) => format!("next attempt at {}", time(due)),
            (HeldBecause::Retry, None) => "waits for its next attempt".to_owned(),
            (HeldBecause::Probation, _) => "waits for the end of the probation".to_owned(),
            (HeldBecause::EarlierEvent, _) => "waits behind an earlier event with its key".to_owned(),
            (HeldBecause::Turn, _) => "runs next".to_owned(),
        });
    }
    if let Some(failure) = &delivery.last_failure {
        let failed = delivery.failed_attempts.unwrap_or(1);
        let line = failure.error.lines().next().unwrap_or_default();
        parts.push(format!("failed {failed} times, last with {}: {line}", failure.cause));
    }
    let published: Vec<String> = delivery
        .published
        .iter()
        .map(|published| format!("{} at {}", published.event_type, published.offset))
        .collect();
    if !published.is_empty() {
        parts.push(format!("published {}", published.join(", ")));
    }
    match (delivery.status, parts.is_empty()) {
        (DeliveryStatus::Dropped, true) => "skipped by a reset".to_owned(),
        (DeliveryStatus::Called, true) => "called at most once; no outcome is recorded".to_owned(),
        (_, true) => dash(),
        (_, false) => parts.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use camshaft_event::{Offset, Timestamp};
    use camshaft_wire::{AttemptView, PublishedView};

    use super::*;

    fn delivery(status: DeliveryStatus) -> DeliveryView {
        DeliveryView::new("stock".to_owned(), status)
    }

    #[test]
    fn a_row_says_what_became_of_the_event() {
        let done = DeliveryView {
            at: Some(Timestamp(1_769_860_800_123)),
            attempt: Some(2),
            version: Some("1.2.0".to_owned()),
            published: vec![PublishedView { offset: Offset(18), event_type: "stock.reserved".to_owned() }],
            ..delivery(DeliveryStatus::Done)
        };
        let published = "published stock.reserved at 18";
        assert_eq!(row(&done), ["stock", "done", "2026-01-31T12:00:00Z", "2", "1.2.0", published]);
        let failure = AttemptView {
            attempt: 3,
            at: Timestamp(0),
            activation: 1,
            cause: "retry".to_owned(),
            error: "the database is away\nmore".to_owned(),
        };
        let held = DeliveryView {
            waits_for: Some(HeldBecause::Retry),
            due: Some(Timestamp(1_769_860_800_123)),
            failed_attempts: Some(3),
            last_failure: Some(failure),
            ..delivery(DeliveryStatus::Held)
        };
        let details =
            "next attempt at 2026-01-31T12:00:00Z; failed 3 times, last with retry: the database is away";
        assert_eq!(row(&held), ["stock", "held", "-", "-", "-", details]);
        assert_eq!(row(&delivery(DeliveryStatus::NotWanted)), ["stock", "not wanted", "-", "-", "-", "-"]);
    }
}
