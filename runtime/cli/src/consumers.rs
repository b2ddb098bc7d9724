//! `camshaft consumers`: how far each consumer is, and pausing, resuming, resetting, skipping damage or forgetting one.

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

    /// Only this one, with everything about it
    name: Option<String>,

    /// The events that it holds instead: those that are retried and those that wait behind others
    #[arg(long, requires = "name")]
    held: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keep a consumer from taking events until it is resumed; it burns no attempts
    Pause {
        /// Its name
        name: String,
    },
    /// Let a paused consumer go on where it stands, and close its circuit breaker
    Resume {
        /// Its name
        name: String,
    },
    /// Let a consumer begin anew at another place, without its state, dead letters and timers
    Reset {
        /// Its name
        name: String,

        /// earliest, latest, an offset, a time such as 2026-01-31T12:00:00Z, or 2h (ago)
        #[arg(long, value_name = "WHERE", value_parser = place)]
        to: ResetPlace,

        /// Keep its state
        #[arg(long)]
        keep_state: bool,

        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Let a damaged consumer go on without the events or entries that it cannot read
    Skip {
        /// Its name
        name: String,

        /// Go on at this offset; behind the damaged events unless given
        #[arg(long, value_name = "OFFSET")]
        to: Option<u64>,

        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
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
            output::hint(&format!("`camshaft consumers {name} --held` shows why each event is held."));
        }
        return Ok(());
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
    output::table(&all(&consumers.items))?;
    if let Some(damaged) = consumers.items.iter().find(|consumer| !consumer.damage.is_empty()) {
        let name = &damaged.name;
        output::hint(&format!(
            "`camshaft consumers {name}` shows what is damaged; `camshaft consumers skip {name}` lets it go on without that."
        ));
    }
    if let Some(full) = consumers.items.iter().find(|consumer| consumer.status == ConsumerStatusView::Full) {
        output::hint(&frees(&full.name));
    }
    if let Some(waiting) = consumers.items.iter().find(|consumer| consumer.dead > 0) {
        output::hint(&format!("`camshaft dead-letters list --consumer {}` shows what failed.", waiting.name));
    }
    Ok(())
}

/// What frees a consumer of which too many events are held or dead: one letter after the other does not.
fn frees(name: &str) -> String {
    format!(
        "Deploy a version that handles them, then `camshaft dead-letters redrive --consumer {name} --all`; or give them \
         up with `camshaft dead-letters discard --consumer {name} --all`, or with their state by \
         `camshaft consumers reset {name} --to latest`."
    )
}

/// What `--to` means.
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
            output::hint(&format!("`camshaft consumers resume {name}` lets it go on."));
            Ok(())
        }
        Action::Resume { name } => {
            client.act(&path(&["consumers", name, "resume"])).map_err(Refusal::into_failure)?;
            if json {
                return as_it_is(client, name);
            }
            output::note(&format!("consumer \"{name}\" goes on"));
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
    let question = format!("Let consumer \"{name}\" begin anew, without its {dropped} and timers?");
    if !confirm_loss(&question, yes)? {
        return Ok(());
    }
    let view: ResetView = client.post_json(&path(&["consumers", name, "reset"]), request)?;
    if json {
        return output::json(&view);
    }
    output::note(&format!("consumer \"{name}\" begins anew at offset {}", view.offset));
    Ok(())
}

fn skip(client: &Client, name: &str, to: Option<Offset>, yes: bool, json: bool) -> Result<(), Failure> {
    let question = format!("Let consumer \"{name}\" go on without what it cannot read?");
    if !confirm_loss(&question, yes)? {
        return Ok(());
    }
    let view: SkipView = client.post_json(&path(&["consumers", name, "skip"]), &SkipRequest { to })?;
    if json {
        return output::json(&view);
    }
    output::note(&format!("consumer \"{name}\" goes on without {}", skipped(&view)));
    Ok(())
}

fn skipped(view: &SkipView) -> String {
    let offsets = |offsets: &[Offset]| offsets.iter().map(Offset::to_string).collect::<Vec<_>>().join(", ");
    let events = view.from.zip(view.until).map(|(from, until)| {
        format!("the events from offset {from} to before {until} ({} offsets)", until.0 - from.0)
    });
    let held = (!view.held.is_empty()).then(|| format!("held event {}", offsets(&view.held)));
    let dead = (!view.dead.is_empty()).then(|| format!("dead letter {}", offsets(&view.dead)));
    let timers = (!view.timers.is_empty()).then(|| format!("timer {}", view.timers.join(", ")));
    [events, held, dead, timers].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The consumer after an act on it, for programs.
fn as_it_is(client: &Client, name: &str) -> Result<(), Failure> {
    output::json(&client.get::<ConsumerView>(&path(&["consumers", name]))?)
}

fn remove(client: &Client, name: &str, yes: bool, json: bool) -> Result<(), Failure> {
    let question = format!("Forget consumer \"{name}\" with its state, dead letters and timers?");
    if confirm_loss(&question, yes)? {
        client.delete(&path(&["consumers", name]))?;
        if json {
            return output::json(&json!({ "removed": name }));
        }
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
            format!("its newest version failed its probation, with nothing to go back to, {}", time(since))
        }
        PauseView::Breaker { until } => format!("by its circuit breaker, until {}", time(until)),
        PauseView::Unattended => "nothing handles for it: see `camshaft plugins`".to_owned(),
        PauseView::Bound => "too many events are held or dead".to_owned(),
        PauseView::Damaged => "it needs something that is damaged".to_owned(),
    }
}

fn held_longest(held: &OldestHeldView) -> String {
    let OldestHeldView { key, offset, age_ms, events, .. } = held;
    let key = key.as_ref().map_or_else(|| "no key".to_owned(), |key| format!("key {key:?}"));
    let age = age_ms.map_or_else(String::new, |age_ms| format!(", {} old", duration(age_ms)));
    let events = if *events == 1 { "1 event".to_owned() } else { format!("{events} events") };
    format!("{key}: {events} from offset {offset}{age}")
}

/// How often it was tried, and with what outcome.
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
        WaitsForView::Event { offset } => format!("event {offset}, which comes first"),
        WaitsForView::Attempt => "the end of its attempt".to_owned(),
        WaitsForView::DeadLetter { offset } => format!("dead letter {offset} to be redriven or discarded"),
        WaitsForView::Code => "the plugin to be there again".to_owned(),
        WaitsForView::Pause { pause: by } => format!("the end of its pause ({})", pause(by)),
        WaitsForView::Probation { until } => {
            format!("the end of a probation, at {} at the latest", time(until))
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
