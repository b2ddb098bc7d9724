//! `camshaft held`: retries a held event now, or makes it a dead letter. `camshaft consumers NAME --held`
//! lists held events.

use camshaft_wire::{AttemptView, HeldEventView, Items, WaitsForView};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    client::{Client, Refusal, path},
    consumers::waits_for,
    dead_letters::Id,
    failure::Failure,
    output,
    table::{dash, table, time},
};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Retry an event now, while it waits for its next attempt
    Retry {
        /// Id of the event, as CONSUMER:OFFSET
        id: Id,
    },
    /// Move an event that waits for its next attempt to the dead letters
    Dead {
        /// Id of the event, as CONSUMER:OFFSET
        id: Id,
    },
}

pub fn held(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let (id, act) = match &arguments.action {
        Action::Retry { id } => (id, "retry"),
        Action::Dead { id } => (id, "dead"),
    };
    let (consumer, offset) = (&id.consumer, id.offset.to_string());
    client.act(&path(&["consumers", consumer, "held", &offset, act])).map_err(Refusal::into_failure)?;
    let id = format!("{consumer}:{offset}");
    if json {
        return output::json(&json!({ "id": id, "act": act }));
    }
    match &arguments.action {
        Action::Retry { .. } => output::note(&format!("{id} is due now")),
        Action::Dead { .. } => {
            output::note(&format!("{id} is now a dead letter"));
            output::hint(&format!(
                "Run `camshaft dead-letters show {id}` to see it, `camshaft dead-letters redrive {id}` to retry it."
            ));
        }
    }
    Ok(())
}

/// Lists the events that a consumer holds.
pub fn list(client: &Client, consumer: &str, json: bool) -> Result<(), Failure> {
    let held: Vec<HeldEventView> = client.pages(&path(&["consumers", consumer, "held"]), &[], usize::MAX)?;
    if json {
        return output::json(&Items { items: held });
    }
    if held.is_empty() {
        output::note(&format!("consumer \"{consumer}\" holds no events"));
        return Ok(());
    }
    output::print(&rows(&held))?;
    if let Some(retried) = held.iter().find(|held| matches!(held.waits_for, WaitsForView::Retry { .. })) {
        output::hint(&format!(
            "Run `camshaft held retry {0}` to retry it now, `camshaft held dead {0}` to make it a dead letter.",
            retried.id
        ));
    }
    Ok(())
}

fn rows(held: &[HeldEventView]) -> String {
    let rows = held.iter().map(|held| {
        [
            held.id.clone(),
            held.event_type.clone(),
            held.key.clone().unwrap_or_else(dash),
            held.held_since.map_or_else(dash, time),
            held.attempts.to_string(),
            waits_for(held.waits_for),
            held.last_failure.as_ref().map_or_else(dash, failure),
        ]
    });
    table(["ID", "TYPE", "KEY", "SINCE", "ATTEMPTS", "WAITS FOR", "LAST FAILURE"], rows)
}

/// A failed attempt in one line.
pub fn failure(failed: &AttemptView) -> String {
    format!("{}: {}", failed.cause, failed.error)
}

#[cfg(test)]
mod tests {
    use camshaft_event::{Offset, Timestamp};

    use super::*;

    #[test]
    fn the_table_shows_why_an_event_is_held_and_what_it_waits_for() {
        let at = Timestamp(1_769_860_800_000);
        let retried = HeldEventView {
            id: "stock:17".into(),
            consumer: "stock".into(),
            offset: Offset(17),
            event_type: "order.placed".into(),
            key: Some("o-17".into()),
            attempts: 3,
            redrives: 0,
            held_since: Some(at),
            due: Some(at),
            waits_for: WaitsForView::Retry { due: at },
            last_failure: Some(AttemptView {
                attempt: 3,
                at,
                activation: 1,
                cause: "retry".into(),
                error: "the database is away".into(),
            }),
        };
        let behind = HeldEventView {
            id: "stock:18".into(),
            offset: Offset(18),
            attempts: 0,
            held_since: None,
            due: None,
            waits_for: WaitsForView::Event { offset: Offset(17) },
            last_failure: None,
            ..retried.clone()
        };
        insta::assert_snapshot!(rows(&[retried, behind]), @"
        ID        TYPE          KEY   SINCE                 ATTEMPTS  WAITS FOR                                  LAST FAILURE
        stock:17  order.placed  o-17  2026-01-31T12:00:00Z  3         its next attempt, at 2026-01-31T12:00:00Z  retry: the database is away
        stock:18  order.placed  o-17  -                     0         the earlier event 17                       -
        ");
    }
}
