//! The effects of a handler, formatted for people and for programs. Used by `test`, `debug` and `dev`.

use base64::{Engine, engine::general_purpose::STANDARD};
use camshaft_engine::LogLine;
use camshaft_event::{
    Event,
    cloudevents::is_json,
    transaction::{Handled, StateWrite, TimerChange},
};
use camshaft_wire::{Encoding, moment, state_json};
use serde_json::{Value, json};

/// One line per effect, in the order state, events, timers.
pub fn lines(effects: &Handled) -> Vec<String> {
    let state = effects.state.iter().map(|StateWrite { key, value }| {
        let (key, _) = Encoding::of(key);
        match value {
            Some(value) => format!("state      {key} = {}", state_json(value)),
            None => format!("state      {key} deleted"),
        }
    });
    let events = effects.events.iter().map(|event| format!("published  {}", event_line(event)));
    let timers = effects.timers.iter().map(|change| match change {
        TimerChange::Set { name, at, event } => {
            format!("timer      {name} at {}: {}", moment::text(*at), event_line(event))
        }
        TimerChange::Cancel { name } => format!("timer      {name} cancelled"),
    });
    state.chain(events).chain(timers).collect()
}

/// The effects as JSON.
pub fn json(effects: &Handled) -> Value {
    let state = effects.state.iter().map(|StateWrite { key, value }| {
        let (key, encoding) = Encoding::of(key);
        let value = value.as_ref().map(|value| state_json(value));
        json!({ "key": key, "encoding": encoding, "deleted": value.is_none(), "value": value })
    });
    let timers = effects.timers.iter().map(|change| match change {
        TimerChange::Set { name, at, event } => {
            json!({ "name": name, "at": moment::text(*at), "event": event_json(event) })
        }
        TimerChange::Cancel { name } => json!({ "name": name, "cancelled": true }),
    });
    json!({
        "state": state.collect::<Vec<_>>(),
        "published": effects.events.iter().map(event_json).collect::<Vec<_>>(),
        "timers": timers.collect::<Vec<_>>(),
    })
}

/// Type, ordering key and data of an event.
pub fn event_line(event: &Event) -> String {
    let key = event.ordering_key().map(|key| format!(" [{key}]")).unwrap_or_default();
    format!("{}{key} {}", event.event_type, data(event))
}

fn event_json(event: &Event) -> Value {
    serde_json::from_str(&camshaft_event::cloudevents::print(event, None)).unwrap_or_default()
}

/// An event's data as JSON: decoded by its content type, or else as text, or else as bytes.
pub fn data(event: &Event) -> Value {
    let media_type = event.datacontenttype.as_deref();
    let text = || str::from_utf8(&event.data).map_or_else(|_| bytes(&event.data), |text| json!(text));
    match () {
        () if event.data.is_empty() => Value::Null,
        () if is_messagepack(media_type) => state_json(&event.data),
        () if is_json(media_type) => serde_json::from_slice(&event.data).unwrap_or_else(|_| text()),
        () => text(),
    }
}

/// Bytes, in the same form as in views of state.
pub fn bytes(bytes: &[u8]) -> Value {
    json!({ "base64": STANDARD.encode(bytes) })
}

/// Whether data of this content type is MessagePack, by the same rule as in the SDK.
pub fn is_messagepack(datacontenttype: Option<&str>) -> bool {
    let essence = datacontenttype.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    !is_json(datacontenttype) && essence.to_ascii_lowercase().ends_with("msgpack")
}

/// Formats a line of a handler's log.
pub fn log_line(line: &LogLine) -> String {
    let fields: String = line.fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    format!("{} {}{fields}", format!("{:?}", line.level).to_lowercase(), line.message)
}
