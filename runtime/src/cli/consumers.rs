//! `camshaft consumers`: how far each consumer is, and forgetting one.

use clap::{Args, Subcommand};

use super::{
    client::{Client, path},
    confirm::confirm,
    failure::Failure,
    output,
    table::{dash, duration, sheet, table, time},
};
use crate::{
    api::Items,
    view::{ConsumerStatusView, ConsumerView},
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,

    /// Only this one, with everything about it
    name: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Forget a detached consumer, its state, dead letters and timers
    Remove {
        /// Its name
        name: String,

        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

pub fn consumers(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    if let Some(Action::Remove { name, yes }) = &arguments.action {
        return remove(client, name, *yes);
    }
    if let Some(name) = &arguments.name {
        let consumer: ConsumerView = client.get(&path(&["consumers", name]))?;
        return if json { output::json(&consumer) } else { output::print(&one(&consumer)) };
    }
    let consumers: Items<ConsumerView> = client.get("/consumers")?;
    if json {
        return output::json(&consumers);
    }
    if consumers.items.is_empty() {
        output::note("there are no consumers yet");
        output::hint("Each plugin is one: copy a .wasm file into the plugins directory.");
        return Ok(());
    }
    output::print(&all(&consumers.items))?;
    if let Some(waiting) = consumers.items.iter().find(|consumer| consumer.dead > 0) {
        output::hint(&format!("`camshaft dead-letters list --consumer {}` shows what failed.", waiting.name));
    }
    Ok(())
}

fn remove(client: &Client, name: &str, yes: bool) -> Result<(), Failure> {
    let question = format!("Forget consumer \"{name}\" with its state, dead letters and timers?");
    if confirm(&question, yes) {
        client.delete(&path(&["consumers", name]))?;
        output::note(&format!("consumer \"{name}\" is forgotten"));
    }
    Ok(())
}

fn all(consumers: &[ConsumerView]) -> String {
    let rows = consumers.iter().map(|consumer| {
        [
            consumer.name.clone(),
            status(consumer.status).to_owned(),
            consumer.lag.to_string(),
            consumer.in_flight.to_string(),
            consumer.retrying.to_string(),
            consumer.held.to_string(),
            consumer.dead.to_string(),
            consumer.oldest.map_or_else(dash, |oldest| duration(oldest.age_ms)),
        ]
    });
    table(["NAME", "STATUS", "LAG", "IN FLIGHT", "RETRYING", "HELD", "DEAD", "OLDEST"], rows)
}

fn one(consumer: &ConsumerView) -> String {
    let oldest = consumer.oldest;
    sheet([
        ("name", Some(consumer.name.clone())),
        ("status", Some(status(consumer.status).to_owned())),
        ("detached", consumer.detached_at.map(time)),
        ("generation", Some(consumer.generation.to_string())),
        ("partitions", Some(consumer.partitions.to_string())),
        ("checkpoint", Some(consumer.checkpoint.to_string())),
        ("lag", Some(consumer.lag.to_string())),
        ("in flight", Some(consumer.in_flight.to_string())),
        ("retrying", Some(consumer.retrying.to_string())),
        ("held", Some(consumer.held.to_string())),
        ("dead", Some(consumer.dead.to_string())),
        ("oldest", oldest.map(|oldest| format!("offset {}, {} old", oldest.offset, duration(oldest.age_ms)))),
    ])
}

const fn status(status: ConsumerStatusView) -> &'static str {
    match status {
        ConsumerStatusView::Attached => "attached",
        ConsumerStatusView::Detached => "detached",
        ConsumerStatusView::Full => "full",
    }
}

#[cfg(test)]
mod tests {
    use camshaft_event::{Offset, Timestamp};

    use super::*;
    use crate::view::Oldest;

    fn stock() -> ConsumerView {
        ConsumerView {
            name: "stock".into(),
            status: ConsumerStatusView::Attached,
            detached_at: None,
            generation: 1,
            partitions: 64,
            checkpoint: Offset(27_000),
            lag: 4,
            in_flight: 2,
            retrying: 1,
            held: 3,
            dead: 1,
            oldest: Some(Oldest { offset: Offset(17), age_ms: 65_000 }),
        }
    }

    #[test]
    fn the_table_shows_what_holds_consumers_up() {
        let gone = ConsumerView {
            name: "gone".into(),
            status: ConsumerStatusView::Detached,
            detached_at: Some(Timestamp(1_769_860_800_000)),
            oldest: None,
            ..stock()
        };
        insta::assert_snapshot!(all(&[stock(), gone.clone()]), @"
        NAME   STATUS    LAG  IN FLIGHT  RETRYING  HELD  DEAD  OLDEST
        stock  attached  4    2          1         3     1     1m
        gone   detached  4    2          1         3     1     -
        ");
        insta::assert_snapshot!(one(&gone), @"
        name        gone
        status      detached
        detached    2026-01-31T12:00:00Z
        generation  1
        partitions  64
        checkpoint  27000
        lag         4
        in flight   2
        retrying    1
        held        3
        dead        1
        ");
    }
}
