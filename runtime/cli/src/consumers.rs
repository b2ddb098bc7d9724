//! `camshaft consumers`: shows the progress of each consumer; pauses, resumes, resets or removes one, or
//! skips its damaged data.

use bytesize::ByteSize;
use camshaft_event::Offset;
use camshaft_wire::{
    ConsumerStatusView, ConsumerView, DamageView, Items, LastError, OldestHeldView, PauseView, ResetPlace,
    ResetRequest, ResetView, SkipRequest, SkipView, WaitsForView,
};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    client::{Client, Refusal, path},
    confirm::confirm_loss,
    failure::Failure,
    held, output,
    table::{dash, duration, sheet, table, time},
    when::when,
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,

    /// Name of one consumer to show in detail
    name: Option<String>,

    /// List the events that the consumer holds: events being retried and events waiting behind others
    #[arg(long, requires = "name")]
    held: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Stop delivering events to a consumer until it is resumed; uses up no attempts
    Pause {
        /// Name of the consumer
        name: String,
    },
    /// Resume a paused consumer where it stopped, and close its circuit breaker
    Resume {
        /// Name of the consumer
        name: String,
    },
    /// Restart a consumer at another position, dropping its state, dead letters and timers
    Reset {
        /// Name of the consumer
        name: String,

        /// Position: earliest, latest, an offset, a time such as 2026-01-31T12:00:00Z, or an age such as 2h
        #[arg(long, value_name = "WHERE", value_parser = place)]
        to: ResetPlace,

        /// Keep the state
        #[arg(long)]
        keep_state: bool,

        /// Do not ask for confirmation
        #[arg(long, short)]
        yes: bool,
    },
    /// Resume a damaged consumer, skipping the events and entries that cannot be read
    Skip {
        /// Name of the consumer
        name: String,

        /// Offset to resume at [default: after the damaged events]
        #[arg(long, value_name = "OFFSET")]
        to: Option<u64>,

        /// Do not ask for confirmation
        #[arg(long, short)]
        yes: bool,
    },
    /// Delete a detached consumer with its state, dead letters and timers
    Remove {
        /// Name of the consumer
        name: String,

        /// Do not ask for confirmation
        #[arg(long, short)]
        yes: bool,
    },
}

pub fn consumers(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    if let Some(action) = &arguments.action {
        return act(client, action, json);
    }
    if let Some(name) = &arguments.name {
        if arguments.held {
            return held::list(client, name, json);
        }
        let consumer: ConsumerView = client.get(&path(&["consumers", name]))?;
        if json {
            return output::json(&consumer);
        }
        output::print(&one(&consumer))?;
        if consumer.status == ConsumerStatusView::Full {
            output::hint(&frees(name));
        }
        if consumer.retrying > 0 {
            output::hint(&format!("Run `camshaft consumers {name} --held` to see why each event is held."));
        }
        return Ok(());
    }
    let consumers: Items<ConsumerView> = client.get("/consumers")?;
    if json {
        return output::json(&consumers);
    }
    if consumers.items.is_empty() {
        output::note("there are no consumers yet");
        output::hint("Run `camshaft deploy FILE.wasm` to add a plugin; each plugin is one consumer.");
        return Ok(());
    }
    output::table(&all(&consumers.items))?;
    if let Some(damaged) = consumers.items.iter().find(|consumer| !consumer.damage.is_empty()) {
        let name = &damaged.name;
        output::hint(&format!(
            "Run `camshaft consumers {name}` to see the damage, `camshaft consumers skip {name}` to skip it."
        ));
    }
    if let Some(full) = consumers.items.iter().find(|consumer| consumer.status == ConsumerStatusView::Full) {
        output::hint(&frees(&full.name));
    }
    if let Some(waiting) = consumers.items.iter().find(|consumer| consumer.dead > 0) {
        output::hint(&format!(
            "Run `camshaft dead-letters list --consumer {}` to see what failed.",
            waiting.name
        ));
    }
    Ok(())
}

/// How to free a consumer that has too many held or dead events. Handling single dead letters is not enough.
fn frees(name: &str) -> String {
    format!(
        "Deploy a version that handles them and run `camshaft dead-letters redrive --consumer {name} --all`. \
         Or drop them: `camshaft dead-letters discard --consumer {name} --all` discards the dead \
         letters, and `camshaft consumers reset {name} --to latest` also clears the state."
    )
}

/// Parses `--to`.
fn place(text: &str) -> Result<ResetPlace, String> {
    ResetPlace::parse(text, when)
}

fn act(client: &Client, action: &Action, json: bool) -> Result<(), Failure> {
    match action {
        Action::Pause { name } => {
            client.act(&path(&["consumers", name, "pause"])).map_err(Refusal::into_failure)?;
            if json {
                return as_it_is(client, name);
            }
            output::note(&format!("consumer \"{name}\" is paused"));
            output::hint(&format!("Run `camshaft consumers resume {name}` to resume it."));
            Ok(())
        }
        Action::Resume { name } => {
            client.act(&path(&["consumers", name, "resume"])).map_err(Refusal::into_failure)?;
            if json {
                return as_it_is(client, name);
            }
            output::note(&format!("consumer \"{name}\" is resumed"));
            Ok(())
        }
        Action::Reset { name, to, keep_state, yes } => {
            let request = ResetRequest { to: *to, keep_state: *keep_state };
            reset(client, name, &request, *yes, json)
        }
        Action::Skip { name, to, yes } => skip(client, name, to.map(Offset), *yes, json),
        Action::Remove { name, yes } => remove(client, name, *yes, json),
    }
}

fn reset(client: &Client, name: &str, request: &ResetRequest, yes: bool, json: bool) -> Result<(), Failure> {
    let dropped = if request.keep_state { "dead letters" } else { "state, dead letters" };
    let question = format!("Reset consumer \"{name}\" and drop its {dropped} and timers?");
    if !confirm_loss(&question, yes)? {
        return Ok(());
    }
    let view: ResetView = client.post_json(&path(&["consumers", name, "reset"]), request)?;
    if json {
        return output::json(&view);
    }
    output::note(&format!("consumer \"{name}\" restarts at offset {}", view.offset));
    Ok(())
}

fn skip(client: &Client, name: &str, to: Option<Offset>, yes: bool, json: bool) -> Result<(), Failure> {
    let question = format!("Resume consumer \"{name}\" and skip everything that it cannot read?");
    if !confirm_loss(&question, yes)? {
        return Ok(());
    }
    let view: SkipView = client.post_json(&path(&["consumers", name, "skip"]), &SkipRequest { to })?;
    if json {
        return output::json(&view);
    }
    output::note(&format!("consumer \"{name}\" is resumed and skips {}", skipped(&view)));
    Ok(())
}

fn skipped(view: &SkipView) -> String {
    let offsets = |offsets: &[Offset]| offsets.iter().map(Offset::to_string).collect::<Vec<_>>().join(", ");
    let events = view.from.zip(view.until).map(|(from, until)| {
        format!("the events from offset {from} up to but excluding {until} ({} offsets)", until.0 - from.0)
    });
    let held = (!view.held.is_empty()).then(|| format!("held event {}", offsets(&view.held)));
    let dead = (!view.dead.is_empty()).then(|| format!("dead letter {}", offsets(&view.dead)));
    let timers = (!view.timers.is_empty()).then(|| format!("timer {}", view.timers.join(", ")));
    [events, held, dead, timers].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Prints the consumer after an action on it, for programs.
fn as_it_is(client: &Client, name: &str) -> Result<(), Failure> {
    output::json(&client.get::<ConsumerView>(&path(&["consumers", name]))?)
}

fn remove(client: &Client, name: &str, yes: bool, json: bool) -> Result<(), Failure> {
    let question = format!("Remove consumer \"{name}\" with its state, dead letters and timers?");
    if confirm_loss(&question, yes)? {
        client.delete(&path(&["consumers", name]))?;
        if json {
            return output::json(&json!({ "removed": name }));
        }
        output::note(&format!("consumer \"{name}\" is removed"));
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
        ("state", Some(ByteSize(consumer.state_bytes).display().iec().to_string())),
        ("timers", Some(consumer.timers.to_string())),
        ("paused", paused(&consumer.pauses)),
        ("damaged", damaged(&consumer.damage)),
        ("rate limit", consumer.throttled_until.map(|until| format!("waits until {}", time(until)))),
        ("oldest", oldest.map(|oldest| format!("offset {}, {} old", oldest.offset, duration(oldest.age_ms)))),
        ("held longest", consumer.oldest_held.as_ref().map(held_longest)),
        ("waits for", consumer.oldest_held.as_ref().map(|held| waits_for(held.waits_for))),
        ("attempts", consumer.oldest_held.as_ref().and_then(attempts)),
        ("last failure", consumer.last_failure.as_ref().map(last_failure)),
    ])
}

fn paused(pauses: &[PauseView]) -> Option<String> {
    let all: Vec<String> = pauses.iter().copied().map(pause).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn damaged(damage: &[DamageView]) -> Option<String> {
    let all: Vec<String> =
        damage.iter().map(|damage| format!("{}: {}", damage.part, damage.reason)).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

fn pause(pause: PauseView) -> String {
    match pause {
        PauseView::Operator { since } => format!("by hand, since {}", time(since)),
        PauseView::Probation { since } => {
            format!("its newest version failed probation and cannot be rolled back, since {}", time(since))
        }
        PauseView::Breaker { until } => format!("by its circuit breaker, until {}", time(until)),
        PauseView::Unattended => "no code handles its events: see `camshaft plugins`".to_owned(),
        PauseView::Bound => "too many events are held or dead".to_owned(),
        PauseView::Damaged => "data that it needs is damaged".to_owned(),
    }
}

fn held_longest(held: &OldestHeldView) -> String {
    let OldestHeldView { key, offset, age_ms, events, .. } = held;
    let key = key.as_ref().map_or_else(|| "no key".to_owned(), |key| format!("key {key:?}"));
    let age = age_ms.map_or_else(String::new, |age_ms| format!(", {} old", duration(age_ms)));
    let events = if *events == 1 { "1 event".to_owned() } else { format!("{events} events") };
    format!("{key}: {events} from offset {offset}{age}")
}

/// The number of failed attempts and the last failure.
fn attempts(held: &OldestHeldView) -> Option<String> {
    let failed = held.last_failure.as_ref()?;
    Some(format!(
        "{} failed, the last one at {} with {}",
        held.attempts,
        time(failed.at),
        held::failure(failed)
    ))
}

/// A failed attempt of a plugin or closure, with its event.
pub fn last_failure(failed: &LastError) -> String {
    format!("{} at offset {}, {}\n{}", failed.cause, failed.offset, time(failed.at), failed.error)
}

/// What a held event waits for, in words.
pub fn waits_for(waits_for: WaitsForView) -> String {
    match waits_for {
        WaitsForView::Event { offset } => format!("the earlier event {offset}"),
        WaitsForView::Attempt => "its attempt to finish".to_owned(),
        WaitsForView::DeadLetter { offset } => format!("dead letter {offset} to be redriven or discarded"),
        WaitsForView::Code => "the plugin to be loaded again".to_owned(),
        WaitsForView::Pause { pause: by } => format!("its pause to end ({})", pause(by)),
        WaitsForView::Probation { until } => {
            format!("a probation to end, at {} at the latest", time(until))
        }
        WaitsForView::Retry { due } => format!("its next attempt, at {}", time(due)),
        WaitsForView::Rate { until } => format!("the rate limit, until {}", time(until)),
        WaitsForView::Turn => "its turn".to_owned(),
    }
}

const fn status(status: ConsumerStatusView) -> &'static str {
    match status {
        ConsumerStatusView::Attached => "attached",
        ConsumerStatusView::Detached => "detached",
        ConsumerStatusView::Paused => "paused",
        ConsumerStatusView::Full => "full",
        ConsumerStatusView::Damaged => "damaged",
    }
}

#[cfg(test)]
mod tests;
