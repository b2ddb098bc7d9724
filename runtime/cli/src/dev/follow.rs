//! Prints what a handler did with each event.

use std::collections::BTreeMap;

use camshaft_event::{
    ActivationId, Event, FailedAttempt, Offset,
    transaction::{Handled, Outcome},
};
use serde_json::json;

use super::super::{effects, failure::Failure, output};
use crate::text;

/// Maximum number of events to remember until they are handled.
const MAX_EVENTS: usize = 10_000;

/// Follows one plugin.
pub struct Follower {
    pub name: String,
    /// Address at which other commands reach the runtime.
    url: String,
    json: bool,
    /// Descriptions of events, by their offset.
    events: BTreeMap<Offset, String>,
}

impl Follower {
    pub fn new(name: String, url: String, json: bool) -> Self {
        Self { name, url, json, events: BTreeMap::new() }
    }

    /// Remembers the description of `event`.
    pub fn note(&mut self, offset: Offset, event: &Event) {
        let key = event.ordering_key().map(|key| format!(" [{key}]")).unwrap_or_default();
        self.events.insert(offset, format!("{}{key}", event.event_type));
        if self.events.len() > MAX_EVENTS {
            self.events.pop_first();
        }
    }

    /// Prints the outcome of an event. Returns the version that handled it, if one did.
    pub fn show(&self, handled: &Handled) -> Result<Option<ActivationId>, Failure> {
        let Some(outcome) = outcome(handled) else { return Ok(None) };
        let failed = failed(handled);
        let event = self.events.get(&handled.cause).map_or("an event", String::as_str);
        let asked = if failed.is_none() { handled.clone() } else { Handled::default() };
        if self.json {
            output::json(&json!({
                "offset": handled.cause.0,
                "event": event,
                "activation": handled.activation.0,
                "attempt": handled.attempt,
                "outcome": outcome,
                "cause": failed.map(|failed| failed.cause.code()),
                "error": failed.map(|failed| &failed.error),
                "effects": effects::json(&asked),
            }))?;
            return Ok(Some(handled.activation));
        }
        let attempt =
            if handled.attempt > 1 { format!(", attempt {}", handled.attempt) } else { String::new() };
        let mut shown = format!("{}  {}  {outcome}{attempt}\n", handled.cause, text::line(event));
        for line in effects::lines(&asked) {
            shown += &format!("      {}\n", text::line(&line));
        }
        if let Some(failed) = failed {
            let error = failed.error.trim_end().replace('\n', "\n      ");
            shown += &format!("      {}: {error}\n", failed.cause.code());
        }
        if handled.outcome == Outcome::DeadLettered {
            let (name, url) = (&self.name, &self.url);
            shown += &format!("      `camshaft debug {name}:{} --url {url}` reruns it\n", handled.cause);
        }
        output::print(&shown)?;
        Ok(Some(handled.activation))
    }
}

/// The outcome of the attempt; none if the handler was not called, or has not finished.
const fn outcome(handled: &Handled) -> Option<&'static str> {
    match handled.outcome {
        Outcome::Done => Some("ok"),
        Outcome::Retrying | Outcome::Suspended => Some("failed, will be tried again"),
        Outcome::DeadLettered => Some("failed, a dead letter now"),
        Outcome::Held | Outcome::Released => None,
    }
}

fn failed(handled: &Handled) -> Option<&FailedAttempt> {
    let waiting = handled.held.iter().find_map(|held| held.event.as_ref()?.history.latest());
    let dead = handled.dead.iter().find_map(|dead| dead.letter.as_ref()?.history.latest());
    match handled.outcome {
        Outcome::Retrying | Outcome::Suspended => waiting,
        Outcome::DeadLettered => dead,
        _ => None,
    }
}
