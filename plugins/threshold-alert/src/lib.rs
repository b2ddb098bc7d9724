//! Tells when a number over a sliding window of events crosses a threshold, once per crossing, and when it is
//! back.
//!
//! A template: the operator's file says which events, which number, how it is gathered over the window, and
//! where the threshold lies. Each group of events, such as one machine's, has a window of its own. What only
//! the passing of time changes, a timer notices.

mod group;
mod settings;
mod window;

use std::time::{Duration, SystemTime};

use camshaft_expression::Input;
use camshaft_sdk::prelude::*;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use group::Group;
use settings::{Settings, Threshold};
use window::Sample;

/// What the timers publish, for this plugin itself.
const DUE: &str = "threshold-alert.due";

/// Longest name of a group, in bytes: it is part of the timer's name.
const MAX_GROUP_BYTES: usize = 200;

/// The data of [`DUE`].
#[derive(Serialize, Deserialize)]
struct Due {
    group: String,
}

/// What is published of a crossing.
#[derive(Serialize)]
struct Crossing<'s> {
    group: &'s str,
    aggregate: &'s str,
    /// Null where there are no samples and so no mean, least or greatest.
    value: Value,
    samples: u32,
    #[serde(skip_serializing_if = "Value::is_null")]
    above: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    below: Value,
    window: &'s str,
    /// Nothing came for so long that the group is given up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    forgotten: bool,
}

#[handler("**", "camshaft.**")]
fn watch(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let settings = Settings::read(ctx)?;
    if event.event_type != DUE {
        return take(&event, ctx, &settings);
    }
    // Another plugin of the same code has timers of its own.
    if event.source == format!("/plugins/{}", ctx.consumer()) {
        return look(&event.decode::<Due>()?.data.group, ctx, &settings);
    }
    Ok(())
}

/// Takes an event as a sample of its group.
fn take(event: &Event<Bytes>, ctx: &Context, settings: &Settings) -> Result {
    let input = Input::of(event)?;
    let value = match &settings.value {
        Some(expression) => expression.number(&input)?,
        None => Some(1.0),
    };
    let Some(value) = value else { return Ok(()) };
    let name = match &settings.group {
        Some(expression) => expression.text(&input)?,
        None => event.key().map(str::to_owned),
    };
    let name = name.unwrap_or_default();
    if name.len() > MAX_GROUP_BYTES {
        return Err(Error::reject(format_args!(
            "the group \"{name}\" is longer than {MAX_GROUP_BYTES} bytes"
        )));
    }
    let now_ms = ctx.now_ms();
    // A clock that runs ahead must not move the window away from everybody else.
    let at_ms = event.time.as_deref().and_then(milliseconds).unwrap_or(now_ms).min(now_ms);
    let sample = Sample { at_ms, value };
    let mut group = match ctx.state().get::<Group>(key(&name))? {
        Some(group) => group.fitting(&settings.rule, at_ms, now_ms),
        None => Group::new(&settings.rule, at_ms, now_ms),
    };
    if !group.take(&settings.rule, sample, now_ms) {
        ctx.debug(format_args!("a sample of the group \"{name}\" is older than the window and is ignored"));
        return Ok(());
    }
    judge(&name, group, ctx, settings)
}

/// Looks at a group because time has passed.
fn look(name: &str, ctx: &Context, settings: &Settings) -> Result {
    let Some(group) = ctx.state().get::<Group>(key(name))? else { return Ok(()) };
    let (newest_ms, seen_ms) = (group.newest_ms, group.seen_ms);
    let mut group = group.fitting(&settings.rule, newest_ms, seen_ms).silent_until(ctx.now_ms());
    group.due_ms = None;
    judge(name, group, ctx, settings)
}

/// Publishes a crossing if there is one, and keeps the group with a timer, or gives it up.
fn judge(name: &str, mut group: Group, ctx: &Context, settings: &Settings) -> Result {
    let rule = &settings.rule;
    let forgotten = group.is_forgotten(rule);
    let is_beyond = group.is_beyond(rule) && !forgotten;
    if is_beyond != group.alerting {
        group.alerting = is_beyond;
        let event_type = if is_beyond { Some(&settings.publish) } else { settings.publish_cleared.as_ref() };
        if let Some(event_type) = event_type {
            publish(name, &group, ctx, settings, event_type, forgotten)?;
        }
    }
    if group.is_over(rule) {
        ctx.cancel(&key(name))?;
        return ctx.state().delete(key(name));
    }
    let due_ms = group.next_change_ms(rule);
    if group.needs_timer(rule, due_ms) {
        group.due_ms = Some(due_ms);
        let due = Due { group: name.to_owned() };
        let event = ctx.event(DUE, &due);
        let event = if name.is_empty() { event } else { event.subject(name).key(name) };
        event.schedule(&key(name), SystemTime::UNIX_EPOCH + Duration::from_millis(due_ms))?;
    }
    ctx.state().set(key(name), &group)
}

fn publish(
    name: &str,
    group: &Group,
    ctx: &Context,
    settings: &Settings,
    event_type: &str,
    forgotten: bool,
) -> Result {
    let total = group.total(&settings.rule);
    // By way of its text, so that a whole number is written as one.
    let number = |number: f64| number.to_string().parse().unwrap_or_default();
    let (above, below) = match settings.rule.threshold {
        Threshold::Above(threshold) => (number(threshold), Value::Null),
        Threshold::Below(threshold) => (Value::Null, number(threshold)),
    };
    let crossing = Crossing {
        group: name,
        aggregate: settings.rule.aggregate.name(),
        value: settings.rule.aggregate.of(&total).map_or(Value::Null, number),
        samples: total.count,
        above,
        below,
        window: &settings.window,
        forgotten,
    };
    let mut event = ctx.event(event_type, &crossing);
    if !name.is_empty() {
        event = event.subject(name).key(name);
    }
    if let Some(time) = i64::try_from(group.end_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
        event = event.time(time.to_string());
    }
    event.publish()
}

/// Under which a group has its state and its timer.
fn key(group: &str) -> String {
    format!("group/{group}")
}

fn milliseconds(time: &str) -> Option<u64> {
    let time: Timestamp = time.parse().ok()?;
    // What happened before 1970 happened in 1970.
    Some(u64::try_from(time.as_millisecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests;
