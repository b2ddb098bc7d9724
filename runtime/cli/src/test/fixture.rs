//! The format of a fixture file. `camshaft test --help` shows an example; the SDK's page `testing` describes
//! it in full.
//!
//! Events are CloudEvents in their JSON form, written as TOML, so that the runtime's own rules validate them.

mod value;

use std::{collections::BTreeMap, fmt, path::Path};

use camshaft_event::{Event, FailureCause, cloudevents};
use camshaft_host::manifest::toml_mistake;
use camshaft_wire::ErrorCode;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value, json};

use super::super::{effects::is_messagepack, failure::Failure};
pub use value::{Json, List, Moment, REST, Span, Text};

/// One file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// One test case: given, when, then.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    #[serde(default)]
    pub given: Given,
    pub when: EventTable,
    #[serde(default)]
    pub then: Then,
}

/// The state of the world before the event.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// State values, written as MessagePack; `{ base64 = "…" }` stands for bytes.
    pub state: BTreeMap<String, Json>,
    /// Configuration values that override the manifest's.
    pub config: BTreeMap<String, String>,
    /// Events that the plugin handled earlier, in order, starting at offset 0.
    pub events: Vec<EventTable>,
    /// Responses to the plugin's requests, in order. A request without a response is denied.
    pub responses: Vec<ResponseTable>,
    /// The attempt's time; default: 1970-01-01.
    pub now: Option<Moment>,
    /// The attempt's number; default: 1.
    pub attempt: Option<u32>,
    /// The event's offset in the log; default: after the earlier events.
    pub offset: Option<u64>,
}

/// A CloudEvent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventTable {
    pub id: Option<String>,
    pub source: Option<String>,
    #[serde(rename = "type")]
    pub event_type: String,
    pub subject: Option<String>,
    pub time: Option<Text>,
    pub partitionkey: Option<String>,
    pub datacontenttype: Option<String>,
    pub dataschema: Option<String>,
    #[serde(default)]
    pub extensions: BTreeMap<String, String>,
    pub data: Option<Json>,
    pub data_base64: Option<String>,
}

/// A response to a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseTable {
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
}

/// An expected request. Parts and headers that are not named are not checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestTable {
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<Json>,
}

/// The expected results. Results that are not named are not checked, except the outcome.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Then {
    /// The expected outcome; default: success.
    pub outcome: Option<Expected>,
    /// A part of the expected reason or error.
    pub reason: Option<String>,
    /// The delay that the handler requests for a retry.
    pub retry_after: Option<Span>,
    /// The published events, in order.
    pub published: Option<List<EventTable>>,
    /// The sent requests, in order.
    pub requests: Option<List<RequestTable>>,
    /// The plugin's whole state.
    pub state: Option<Json>,
    /// All set timers, by name.
    pub timers: Option<List<TimerTable>>,
    /// Parts of logged lines, in order.
    pub log: Option<Vec<String>>,
}

/// An expected timer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerTable {
    pub name: String,
    pub at: Option<Moment>,
    /// Delay from the attempt's time.
    pub after: Option<Span>,
    pub event: Option<EventTable>,
}

/// The expected outcome of the attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    #[default]
    Ok,
    /// No handler subscribes to the event.
    Ignored,
    Failed(FailureCause),
}

impl Then {
    /// The expected outcome of the attempt.
    pub fn outcome(&self) -> Expected {
        self.outcome.unwrap_or_default()
    }

    /// Whether nothing would be checked.
    fn is_empty(&self) -> bool {
        let Self { outcome, reason, retry_after, published, requests, state, timers, log } = self;
        let of_the_attempt = outcome.is_none() && reason.is_none() && retry_after.is_none();
        let effects = published.is_none() && requests.is_none() && state.is_none() && timers.is_none();
        of_the_attempt && effects && log.is_none()
    }
}

impl Fixture {
    /// Rejects cases that check nothing: they would pass whatever the handler does. `file` is their origin.
    ///
    /// # Errors
    /// The first such case.
    pub fn check(&self, file: &Path) -> Result<(), Failure> {
        let Some(case) = self.cases.iter().find(|case| case.then.is_empty()) else { return Ok(()) };
        let message =
            format!("\"{}\", case \"{}\" has no `then`: it checks nothing", file.display(), case.name);
        let hint = "Add expected results, such as `then.state = { ada = 1750 }` or `then.outcome = \"ok\"`.";
        Err(Failure::new(ErrorCode::InvalidFixture, message).hint(hint))
    }

    /// Parses `text`, which was read from `file`.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::new(ErrorCode::InvalidFixture, message);
        let origin = format!("\"{}\"", file.display());
        let fixture: Self =
            toml::from_str(text).map_err(|error| wrong(toml_mistake(&origin, text, &error)))?;
        for (number, case) in fixture.cases.iter().enumerate() {
            if fixture.cases.iter().take(number).any(|before| before.name == case.name) {
                return Err(wrong(format!("{origin} has two cases named \"{}\"", case.name)));
            }
            let events = case.given.events.iter().chain([&case.when]);
            for event in events {
                event
                    .event("1")
                    .map_err(|problem| wrong(format!("{origin}, case \"{}\": {problem}", case.name)))?;
            }
        }
        Ok(fixture)
    }
}

impl EventTable {
    /// The event. `id` is used if the table has no id.
    pub fn event(&self, id: &str) -> Result<Event, String> {
        let mut members = Map::new();
        members.insert("specversion".into(), json!("1.0"));
        members.insert("id".into(), json!(self.id.as_deref().unwrap_or(id)));
        members.insert("source".into(), json!(self.source.as_deref().unwrap_or("/test")));
        for (name, value) in self.attributes() {
            if members.insert(name.into(), json!(value)).is_some() && name != "id" && name != "source" {
                return Err(format!("\"{name}\" is set twice"));
            }
        }
        match (&self.data, &self.data_base64) {
            (Some(_), Some(_)) => return Err("an event has `data` or `data_base64`, not both".to_owned()),
            (Some(Json(data)), None) if !is_messagepack(self.datacontenttype.as_deref()) => {
                members.insert("data".into(), data.clone());
                members.entry("datacontenttype").or_insert_with(|| json!("application/json"));
            }
            (_, Some(base64)) => drop(members.insert("data_base64".into(), json!(base64))),
            _ => {}
        }
        let mut event = cloudevents::parse(Value::Object(members).to_string().as_bytes())
            .map_err(|error| format!("an event is not valid: {error}"))?;
        if let (Some(Json(data)), true) = (&self.data, is_messagepack(self.datacontenttype.as_deref())) {
            event.data = messagepack(data);
        }
        Ok(event)
    }

    /// The attributes of the table, by their CloudEvents names.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let fixed = [
            ("id", self.id.as_deref()),
            ("source", self.source.as_deref()),
            ("type", Some(self.event_type.as_str())),
            ("subject", self.subject.as_deref()),
            ("time", self.time.as_ref().map(|time| time.0.as_str())),
            ("partitionkey", self.partitionkey.as_deref()),
            ("datacontenttype", self.datacontenttype.as_deref()),
            ("dataschema", self.dataschema.as_deref()),
        ];
        let fixed = fixed.into_iter().filter_map(|(name, value)| Some((name, value?)));
        fixed.chain(self.extensions.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

/// The bytes of a state value: MessagePack as the SDK writes it, or the bytes of `{ base64 = "…" }`.
pub fn state_bytes(value: &Value) -> Result<Vec<u8>, String> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    match value.as_object().filter(|members| members.len() == 1).and_then(|members| members.get("base64")) {
        Some(Value::String(text)) => STANDARD.decode(text).map_err(|_| format!("\"{text}\" is not base64")),
        _ => Ok(messagepack(value)),
    }
}

fn messagepack(value: &Value) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("JSON has a form in MessagePack")
}

impl<'de> Deserialize<'de> for Expected {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source)?;
        match text.as_str() {
            "ok" => Ok(Self::Ok),
            "ignored" => Ok(Self::Ignored),
            code => FailureCause::from_code(code).map(Self::Failed).ok_or_else(|| {
                D::Error::custom(format!(
                    "\"{code}\" is not an outcome; write \"ok\", \"retry\", \"reject\", \"ignored\", \
                     or a failure such as \"trap\" or \"deadline\""
                ))
            }),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Ignored => "ignored",
            Self::Failed(cause) => cause.code(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Fixture, String> {
        Fixture::parse(Path::new("a.toml"), text).map_err(|failure| failure.line())
    }

    #[test]
    fn events_are_cloudevents_with_what_a_test_need_not_say_filled_in() {
        let fixture = parse(
            r#"
            [[case]]
            name = "one"
            [case.when]
            type = "order.placed"
            time = 2026-01-31T12:00:00Z
            partitionkey = "k"
            extensions = { tenant = "t" }
            data = { sku = "pen", at = 2026-01-31 }
            "#,
        );
        let event = fixture.unwrap().cases[0].when.event("7").unwrap();
        assert_eq!((event.id.as_str(), event.source.as_str()), ("7", "/test"));
        assert_eq!(event.time.as_deref(), Some("2026-01-31T12:00:00Z"));
        assert_eq!((event.ordering_key(), event.extension("tenant")), (Some("k"), Some("t")));
        assert_eq!(event.data, br#"{"at":"2026-01-31","sku":"pen"}"#);
        let packed = parse(
            r#"
            [[case]]
            name = "one"
            when = { type = "a.b", datacontenttype = "application/msgpack", data = 5 }
            "#,
        );
        assert_eq!(packed.unwrap().cases[0].when.event("7").unwrap().data, [5]);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let case = |rest: &str| parse(&format!("[[case]]\nname = \"one\"\n{rest}")).unwrap_err();
        for (rest, expected) in [
            ("wen = 1", "\"a.toml\", line 3: unknown key `wen`; did you mean `when`?"),
            ("when = { type = \"a.b\", sujbect = \"x\" }", "did you mean `subject`?"),
            (
                "when = { type = \"a.b\" }\nthen = { outcome = \"maybe\" }",
                "line 4: \"maybe\" is not an outcome",
            ),
            (
                "when = { type = \"a.b\" }\nthen = { published = [{ type = \"a.c\", dat = 1 }] }",
                "did you mean `data`?",
            ),
            (
                "when = { type = \"a.b\" }\nthen = { published = [\"..\", { type = \"a.c\" }] }",
                "must be the last item of a list",
            ),
            ("when = { type = \"a.b\", time = \"noon\" }", "case \"one\": an event is not valid"),
            ("when = { type = \"a.b\", extensions = { type = \"c\" } }", "\"type\" is set twice"),
            ("when = { type = \"a.b\", data = nan }", "JSON has no NaN"),
            (
                "when = { type = \"a.b\" }\n[[case]]\nname = \"one\"\nwhen = { type = \"a.b\" }",
                "two cases named \"one\"",
            ),
        ] {
            let line = case(rest);
            assert!(line.contains(expected) && line.ends_with("[invalid-fixture]"), "{line}");
        }
    }
}
