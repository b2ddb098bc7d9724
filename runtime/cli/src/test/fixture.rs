//! The form of a fixture file. `camshaft test --help` shows an example; the SDK's page `testing` describes all of it.
//!
//! Events are CloudEvents in their JSON form, written as TOML, so that the rules for them are the runtime's own.

use std::{collections::BTreeMap, fmt, marker::PhantomData, path::Path};

use camshaft_event::{Event, FailureCause, Timestamp, cloudevents};
use camshaft_host::manifest::{duration_ms, toml_mistake};
use camshaft_wire::{ErrorCode, moment};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value, json};

use super::super::{effects::is_messagepack, failure::Failure};

/// What stands for "and whatever else": the last item of a list, or a key of a table.
pub const REST: &str = "..";

/// One file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// Given that, when this event comes, then so much must be so.
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

/// What the handler finds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// State values, written as MessagePack; `{ base64 = "…" }` stands for bytes.
    pub state: BTreeMap<String, Json>,
    /// Over what the manifest says.
    pub config: BTreeMap<String, String>,
    /// Events that the plugin handled before, in order, beginning at offset 0.
    pub events: Vec<EventTable>,
    /// Answers to the plugin's requests, in order. A request without one is denied.
    pub responses: Vec<ResponseTable>,
    /// The attempt's time; 1970 unless given.
    pub now: Option<Moment>,
    /// The attempt's number; 1 unless given.
    pub attempt: Option<u32>,
    /// The event's place in the log; behind the earlier events unless given.
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

/// An answer to a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseTable {
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
}

/// A request. What is not mentioned may be as it is; of the headers, too.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestTable {
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<Json>,
}

/// What must be so. What is not mentioned may be as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Then {
    /// Success unless given.
    pub outcome: Option<Expected>,
    /// Part of the reason, or of the error.
    pub reason: Option<String>,
    /// After what time the handler asks to be tried again.
    pub retry_after: Option<Span>,
    /// What it published, in order.
    pub published: Option<List<EventTable>>,
    /// What it sent, in order.
    pub requests: Option<List<RequestTable>>,
    /// All of the plugin's state.
    pub state: Option<Json>,
    /// All timers that are set, by name.
    pub timers: Option<List<TimerTable>>,
    /// Parts of lines that it logged, in order.
    pub log: Option<Vec<String>>,
}

/// A timer that is set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerTable {
    pub name: String,
    pub at: Option<Moment>,
    /// Counted from the attempt's time.
    pub after: Option<Span>,
    pub event: Option<EventTable>,
}

/// How the attempt must end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    #[default]
    Ok,
    /// No handler wants the event.
    Ignored,
    Failed(FailureCause),
}

/// A list that may be followed by more than it says.
#[derive(Debug)]
pub struct List<T> {
    pub items: Vec<T>,
    pub is_open: bool,
}

/// A TOML value as JSON; dates are their texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub Value);

/// A text, or a date of TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

/// Milliseconds, written as `"5m"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub u64);

impl Then {
    /// How the attempt must end.
    pub fn outcome(&self) -> Expected {
        self.outcome.unwrap_or_default()
    }

    /// Whether nothing would be looked at.
    fn is_empty(&self) -> bool {
        let Self { outcome, reason, retry_after, published, requests, state, timers, log } = self;
        let of_the_attempt = outcome.is_none() && reason.is_none() && retry_after.is_none();
        let effects = published.is_none() && requests.is_none() && state.is_none() && timers.is_none();
        of_the_attempt && effects && log.is_none()
    }
}

impl Fixture {
    /// Refuses cases that look at nothing: they would pass whatever the handler does. `file` is where they came from.
    ///
    /// # Errors
    /// The first of them.
    pub fn check(&self, file: &Path) -> Result<(), Failure> {
        let Some(case) = self.cases.iter().find(|case| case.then.is_empty()) else { return Ok(()) };
        let message =
            format!("\"{}\", case \"{}\" has no `then`: it looks at nothing", file.display(), case.name);
        let hint = "Write what must be so, such as `then.state = { ada = 1750 }` or `then.outcome = \"ok\"`.";
        Err(Failure::new(ErrorCode::InvalidFixture, message).hint(hint))
    }

    /// Reads `text`, which came from `file`.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::new(ErrorCode::InvalidFixture, message);
        let origin = format!("\"{}\"", file.display());
        let fixture: Self =
            toml::from_str(text).map_err(|error| wrong(toml_mistake(&origin, text, &error)))?;
        for (number, case) in fixture.cases.iter().enumerate() {
            if fixture.cases.iter().take(number).any(|before| before.name == case.name) {
                return Err(wrong(format!("{origin} has two cases \"{}\"", case.name)));
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
    /// The event; `id` is its id unless it has one.
    pub fn event(&self, id: &str) -> Result<Event, String> {
        let mut members = Map::new();
        members.insert("specversion".into(), json!("1.0"));
        members.insert("id".into(), json!(self.id.as_deref().unwrap_or(id)));
        members.insert("source".into(), json!(self.source.as_deref().unwrap_or("/test")));
        for (name, value) in self.attributes() {
            if members.insert(name.into(), json!(value)).is_some() && name != "id" && name != "source" {
                return Err(format!("\"{name}\" is said twice"));
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

    /// Attributes that it names, by their names in CloudEvents.
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

/// A value as the SDK would write it into state, or the bytes that `{ base64 = "…" }` stands for.
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
                    "\"{code}\" is not an outcome; write \"ok\", \"retry\", \"reject\", \"ignored\", or how it fails, \
                     such as \"trap\" or \"deadline\""
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

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        json_of(toml::Value::deserialize(source)?).map(Self).map_err(D::Error::custom)
    }
}

fn json_of(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) if number.is_finite() => json!(number),
        toml::Value::Float(number) => return Err(format!("JSON has no {number}")),
        toml::Value::Boolean(value) => value.into(),
        toml::Value::Datetime(moment) => Value::String(moment.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json_of).collect::<Result<_, _>>()?,
        toml::Value::Table(table) => {
            let members = table.into_iter().map(|(key, value)| Ok((key, json_of(value)?)));
            Value::Object(members.collect::<Result<_, String>>()?)
        }
    })
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(source)? {
            toml::Value::String(text) => Ok(Self(text)),
            toml::Value::Datetime(moment) => Ok(Self(moment.to_string())),
            other => Err(D::Error::custom(format!("a time is a text or a date, not {}", other.type_str()))),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(source)?;
        moment::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        duration_ms(&String::deserialize(source)?).map(Self).map_err(D::Error::custom)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let mut items = Vec::new();
        let mut is_open = false;
        for item in Vec::<Item<T>>::deserialize(source)? {
            match item {
                _ if is_open => return Err(D::Error::custom(format!("\"{REST}\" is the last of a list"))),
                Item::Rest => is_open = true,
                Item::One(one) => items.push(one),
            }
        }
        Ok(Self { items, is_open })
    }
}

/// One of a list, or what stands for the rest of it.
enum Item<T> {
    One(T),
    Rest,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct ItemVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ItemVisitor<T> {
            type Value = Item<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a table, or \"{REST}\" at the end")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Item<T>, E> {
                if text == REST {
                    return Ok(Item::Rest);
                }
                Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Item::One)
            }
        }

        source.deserialize_any(ItemVisitor(PhantomData))
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
                "is the last of a list",
            ),
            ("when = { type = \"a.b\", time = \"noon\" }", "case \"one\": an event is not valid"),
            ("when = { type = \"a.b\", extensions = { type = \"c\" } }", "\"type\" is said twice"),
            ("when = { type = \"a.b\", data = nan }", "JSON has no NaN"),
            (
                "when = { type = \"a.b\" }\n[[case]]\nname = \"one\"\nwhen = { type = \"a.b\" }",
                "two cases \"one\"",
            ),
        ] {
            let line = case(rest);
            assert!(line.contains(expected) && line.ends_with("[invalid-fixture]"), "{line}");
        }
    }
}
