//! Runs one case in the sandbox, and reports results that differ from the expected ones.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use camshaft_engine::Rehearsed;
use camshaft_event::{AfterDeadLetter, Event, Generation, Offset, Timestamp};
use camshaft_wire::{moment, state_json};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    super::effects::{bytes, data, log_line},
    compare::{align, difference, without_nulls},
    fixture::{Case, EventTable, Expected, List, REST, Then, TimerTable, state_bytes},
    requests,
};
use crate::{sandbox::Facts, sandbox::Sandbox, sandbox::World};

/// The result of a case.
#[derive(Debug, Serialize)]
pub struct Verdict {
    pub name: String,
    pub passed: bool,
    pub mismatches: Vec<Mismatch>,
    /// The error of the attempt, if it failed: reason, panic message and backtrace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The lines that the handler logged.
    pub log: Vec<String>,
    /// The type of the event, if it should have an ordering key but has none.
    #[serde(skip)]
    pub keyless: Option<String>,
    pub ms: u64,
}

/// A result that differs from the expected one.
#[derive(Debug, Serialize)]
pub struct Mismatch {
    /// `outcome`, `reason`, `published`, `state`, …
    pub what: String,
    /// The expected value, without the parts that are not compared.
    pub expected: Value,
    pub actual: Value,
}

impl Mismatch {
    /// The differences, line by line.
    pub fn difference(&self) -> String {
        difference(&self.expected, &self.actual)
    }
}

/// Runs `case` in a new world.
pub fn run(sandbox: &mut Sandbox, case: &Case) -> Result<Verdict, String> {
    let started = Instant::now();
    let manifest = &sandbox.plugin().manifest().config;
    let config: BTreeMap<String, String> =
        manifest.clone().into_iter().chain(case.given.config.clone()).collect();
    sandbox.configure(config);
    let mut played = Play::begin(sandbox, case)?;
    played.earlier(case)?;
    let mismatches = match played.mismatches.is_empty() {
        true => played.judge(case)?,
        // If the earlier events failed, the results of the case are meaningless.
        false => std::mem::take(&mut played.mismatches),
    };
    Ok(Verdict {
        name: case.name.clone(),
        passed: mismatches.is_empty(),
        mismatches,
        error: played.error,
        log: played.log,
        keyless: played.keyless,
        ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

struct Play<'s> {
    sandbox: &'s Sandbox,
    world: Arc<World>,
    now: Timestamp,
    mismatches: Vec<Mismatch>,
    error: Option<String>,
    log: Vec<String>,
    keyless: Option<String>,
}

impl<'s> Play<'s> {
    fn begin(sandbox: &'s Sandbox, case: &Case) -> Result<Self, String> {
        let mut world = World::default();
        for (key, value) in &case.given.state {
            world.state.insert(key.clone().into_bytes(), state_bytes(&value.0)?);
        }
        let now = case.given.now.map_or(Timestamp(0), |now| now.0);
        let (mismatches, error, log, keyless) = (Vec::new(), None, Vec::new(), None);
        Ok(Self { sandbox, world: Arc::new(world), now, mismatches, error, log, keyless })
    }

    /// Runs the earlier events of the case.
    fn earlier(&mut self, case: &Case) -> Result<(), String> {
        for (table, offset) in case.given.events.iter().zip(0_u64..) {
            let event = table.event(&format!("given-{}", offset + 1))?;
            let what = || format!("earlier event {}", offset + 1);
            if !self.sandbox.wants(&event) {
                self.differs(what(), &json!("ok"), &json!("ignored"));
                return Ok(());
            }
            let done = self.attempt(event, offset, 1);
            if let Some(cause) = done.cause() {
                self.differs(what(), &json!("ok"), &json!(cause.code()));
                return Ok(());
            }
            self.take(&done);
        }
        Ok(())
    }

    fn judge(&mut self, case: &Case) -> Result<Vec<Mismatch>, String> {
        let offset = case.given.offset.unwrap_or(case.given.events.len() as u64);
        let event = case.when.event("when")?;
        let then = &case.then;
        if !self.sandbox.wants(&event) {
            self.differs(
                "outcome",
                &json!(then.outcome().to_string()),
                &json!(Expected::Ignored.to_string()),
            );
            self.state(then);
            return Ok(std::mem::take(&mut self.mismatches));
        }
        self.sandbox.wire().prepare(requests::answers(&case.given.responses)?);
        let done = self.attempt(event, offset, case.given.attempt.unwrap_or(1));
        let actual = done.cause().map_or(Expected::Ok, Expected::Failed);
        self.differs("outcome", &json!(then.outcome().to_string()), &json!(actual.to_string()));
        let error = self.error.clone().unwrap_or_default();
        if let Some(reason) = then.reason.as_ref().filter(|reason| !error.contains(*reason)) {
            self.differs("reason", &json!(reason), &json!(error));
        }
        if let Some(after) = then.retry_after {
            self.differs("retry after, ms", &json!(after.0), &json!(done.retry_after_ms));
        }
        let events: &[Event] = if done.failure.is_none() { &done.effects.events } else { &[] };
        if let Some(expected) = &then.published {
            let (expected, actual) = published(expected, events);
            self.differs("published", &expected, &actual);
        }
        if let Some(expected) = &then.requests {
            let (expected, actual) = requests::compared(expected, &self.sandbox.wire().sent());
            self.differs("requests", &expected, &actual);
        }
        if done.failure.is_none() {
            self.take(&done);
        }
        self.state(then);
        if let Some(expected) = &then.timers {
            let (expected, actual) = timers(expected, &self.world, self.now);
            self.differs("timers", &expected, &actual);
        }
        if let Some(parts) = &then.log
            && !in_order(parts, &self.log)
        {
            self.differs("log", &json!(parts), &json!(self.log));
        }
        Ok(std::mem::take(&mut self.mismatches))
    }

    fn attempt(&mut self, event: Event, offset: u64, attempt: u32) -> Rehearsed {
        let is_ordered = event.ordering_key().is_some();
        let event_type = event.event_type.clone();
        let facts = Facts { generation: Generation(1), offset: Offset(offset), attempt, now: self.now };
        let done = self.sandbox.attempt(&self.world, &facts, event);
        self.error = done.failure.as_ref().map(|failure| failure.error.clone());
        self.log = done.log.iter().map(log_line).collect();
        let parks = self.sandbox.plugin().manifest().policy.after_dead_letter == AfterDeadLetter::Park;
        if parks && !is_ordered && !done.effects.state.is_empty() {
            self.keyless = Some(event_type);
        }
        done
    }

    fn take(&mut self, done: &Rehearsed) {
        Arc::get_mut(&mut self.world).expect("no attempt is running").take(&done.effects);
    }

    fn state(&mut self, then: &Then) {
        let Some(expected) = &then.state else { return };
        let name = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
        let state = self.world.state.iter().map(|(key, value)| (name(key), state_json(value)));
        let actual = Value::Object(state.collect());
        self.differs("state", &expected.0, &actual);
    }

    /// Records a mismatch if the two values differ.
    fn differs(&mut self, what: impl Into<String>, expected: &Value, actual: &Value) {
        let (expected, actual) = align(expected, actual);
        if expected != actual {
            self.mismatches.push(Mismatch { what: what.into(), expected, actual });
        }
    }
}

/// The expected and the actual published events. An event is compared by the attributes that the expected
/// event names.
fn published(expected: &List<EventTable>, actual: &[Event]) -> (Value, Value) {
    let wanted = expected.items.iter().map(expected_event);
    let shown = actual.iter().enumerate().map(|(at, event)| event_as(expected.items.get(at), event));
    (listed(wanted, expected.is_open), shown.collect())
}

/// The expected and the actual timers, by name.
fn timers(expected: &List<TimerTable>, world: &World, now: Timestamp) -> (Value, Value) {
    let due = |timer: &TimerTable| {
        timer.at.map(|at| at.0).or_else(|| timer.after.map(|after| now.plus_ms(after.0))).map(moment::text)
    };
    let mut by_name: Vec<&TimerTable> = expected.items.iter().collect();
    by_name.sort_by(|one, other| one.name.cmp(&other.name));
    let wanted = by_name.iter().map(
        |timer| json!({ "name": timer.name, "at": due(timer), "event": timer.event.as_ref().map(expected_event) }),
    );
    let wanted: Vec<Value> = wanted.map(|timer| without_nulls(&timer)).collect();
    let is_named = |name: &str| by_name.iter().find(|timer| timer.name == name);
    let set = world.timers.iter().filter(|(name, _)| !expected.is_open || is_named(name).is_some());
    let shown = set.map(|(name, (at, event))| {
        let timer = is_named(name);
        let event = timer
            .is_none_or(|timer| timer.event.is_some())
            .then(|| event_as(timer.and_then(|timer| timer.event.as_ref()), event));
        let at = timer.is_none_or(|timer| due(timer).is_some()).then(|| moment::text(*at));
        without_nulls(&json!({ "name": name, "at": at, "event": event }))
    });
    (wanted.into(), shown.collect())
}

pub fn listed(items: impl Iterator<Item = Value>, is_open: bool) -> Value {
    items.chain(is_open.then(|| json!(REST))).collect()
}

fn expected_event(table: &EventTable) -> Value {
    let mut members: Map<String, Value> =
        table.attributes().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    if let Some(data) = &table.data {
        members.insert("data".into(), data.0.clone());
    }
    if let Some(base64) = &table.data_base64 {
        members.insert("data".into(), json!({ "base64": base64 }));
    }
    Value::Object(members)
}

/// The attributes of `event` that `table` names; the main attributes if the event is unexpected.
fn event_as(table: Option<&EventTable>, event: &Event) -> Value {
    let attribute = |name: &str| match name {
        "id" => Some(event.id.as_str()),
        "source" => Some(event.source.as_str()),
        "type" => Some(event.event_type.as_str()),
        "subject" => event.subject.as_deref(),
        "time" => event.time.as_deref(),
        "partitionkey" => event.partitionkey.as_deref(),
        "datacontenttype" => event.datacontenttype.as_deref(),
        "dataschema" => event.dataschema.as_deref(),
        extension => event.extension(extension),
    };
    let names: Vec<&str> = match table {
        Some(table) => table.attributes().map(|(name, _)| name).collect(),
        None => vec!["type", "subject"],
    };
    let mut members: Map<String, Value> =
        names.into_iter().filter_map(|name| Some((name.to_owned(), json!(attribute(name)?)))).collect();
    if table.is_none_or(|table| table.data.is_some() || table.data_base64.is_some()) {
        let as_bytes = table.is_some_and(|table| table.data_base64.is_some());
        let shown = if as_bytes { bytes(&event.data) } else { data(event) };
        members.insert("data".into(), shown);
    }
    Value::Object(members)
}

/// Whether the parts occur in the lines, in order, each in a separate line.
fn in_order(parts: &[String], lines: &[String]) -> bool {
    let mut lines = lines.iter();
    parts.iter().all(|part| lines.any(|line| line.contains(part)))
}
