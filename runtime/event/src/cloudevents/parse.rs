//! Reading the JSON format.

use std::{borrow::Cow, convert::Infallible, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    MAX_EXTENSIONS,
    attribute::wrong_value,
    draft::Draft,
    invalid::{InvalidBatch, InvalidEvent, quoted},
    media_type::is_json,
    print::single_line,
};
use crate::Event;

/// Members of an event at most: all extensions, and all attributes and data beside them.
const MAX_MEMBERS: usize = MAX_EXTENSIONS + 16;

/// Reads one event in the JSON format.
///
/// An attribute that is `null` counts as absent. Booleans and integers are converted to text. The attribute
/// `offset` is ignored.
///
/// # Errors
/// The first violation of CloudEvents 1.0.
pub fn parse(json: &[u8]) -> Result<Event, InvalidEvent> {
    match json.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(InvalidEvent::Json { reason: "it is empty".into() }),
        Some(b'{') => {}
        Some(first) => {
            serde_json::from_slice::<&RawValue>(json).map_err(not_json)?;
            return Err(InvalidEvent::NotAnObject { found: kind(*first) });
        }
    }
    members(serde_json::from_slice(json).map_err(not_json)?)
}

/// The event that an object's members make.
fn members(members: Members<'_>) -> Result<Event, InvalidEvent> {
    let mut draft = Draft::default();
    let (mut data, mut data_base64) = (None, None);
    for (name, value) in members.0 {
        let slot = match name.as_ref() {
            "data" => &mut data,
            "data_base64" => &mut data_base64,
            _ => {
                if let Some(value) = attribute_text(&name, value.get())? {
                    draft.set(&name, &value)?;
                }
                continue;
            }
        };
        if slot.replace(value.get()).is_some() {
            return Err(InvalidEvent::Repeated { attribute: name.into_owned() });
        }
    }
    let data = match (data, data_base64.filter(|text| *text != "null")) {
        (Some(_), Some(_)) => return Err(InvalidEvent::TwoData),
        (Some(text), None) => read_data(text, draft.datacontenttype())?,
        (None, Some(text)) => read_base64(text)?,
        (None, None) => Vec::new(),
    };
    draft.finish(data)
}

/// Reads a JSON array of events; an empty one is valid.
///
/// # Errors
/// The first item that is not a valid event, or a text that is not an array.
pub fn parse_batch(json: &[u8]) -> Result<Vec<Event>, InvalidBatch> {
    match parse_batch_while(json, |_, _| Ok::<(), Infallible>(()))? {
        Ok(events) => Ok(events),
        Err(never) => match never {},
    }
}

/// Reads a JSON array of events until `fits`, called with each index and event, returns an error. A batch
/// that is too large is thus refused before all of it is in memory.
///
/// # Errors
/// The first item that is not a valid event, or a text that is not an array.
pub fn parse_batch_while<R>(
    json: &[u8],
    fits: impl FnMut(usize, &Event) -> Result<(), R>,
) -> Result<Result<Vec<Event>, R>, InvalidBatch> {
    let mut batch = Batch { events: Vec::new(), end: None, fits };
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read = (&mut batch).deserialize(&mut reader).and_then(|()| reader.end());
    match (batch.end, read) {
        (Some(End::Refused(refusal)), _) => Ok(Err(refusal)),
        (_, Err(error)) => Err(InvalidBatch::NotAnArray { reason: error.to_string() }),
        (Some(End::Invalid(error)), Ok(())) => Err(InvalidBatch::Item { index: batch.events.len(), error }),
        (None, Ok(())) => Ok(Ok(batch.events)),
    }
}

/// A batch that is being read.
struct Batch<F, R> {
    events: Vec<Event>,
    end: Option<End<R>>,
    fits: F,
}

/// Why a batch is not read on.
enum End<R> {
    Invalid(InvalidEvent),
    Refused(R),
}

impl<'de, R, F: FnMut(usize, &Event) -> Result<(), R>> DeserializeSeed<'de> for &mut Batch<F, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R, F: FnMut(usize, &Event) -> Result<(), R>> Visitor<'de> for &mut Batch<F, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&'de RawValue>()? {
            let read = parse_item(item.get()).map_err(End::Invalid);
            let read = read.and_then(|event| {
                (self.fits)(self.events.len(), &event).map_err(End::Refused).map(|()| event)
            });
            match read {
                Ok(event) => self.events.push(event),
                Err(end @ End::Refused(_)) => {
                    self.end = Some(end);
                    return Err(A::Error::custom("the rest is not read"));
                }
                Err(end @ End::Invalid(_)) => {
                    self.end = Some(end);
                    // A text that is no array says so first; nothing of the rest is kept.
                    while items.next_element::<&'de RawValue>()?.is_some() {}
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// One item of a batch: known to be JSON, so it is not checked for UTF-8 again.
fn parse_item(json: &str) -> Result<Event, InvalidEvent> {
    match json.bytes().next() {
        Some(b'{') => members(serde_json::from_str(json).map_err(not_json)?),
        _ => parse(json.as_bytes()),
    }
}

/// The text form of an attribute's JSON value; `null` means absent.
fn attribute_text<'a>(name: &str, json: &'a str) -> Result<Option<Cow<'a, str>>, InvalidEvent> {
    let refuse = |problem: &str, instead| {
        // A name that is wrong too is the better thing to complain about.
        super::attribute::check_name(name)?;
        Err(wrong_value(name, quoted(json).trim_matches('"').to_owned(), problem, instead))
    };
    match json.bytes().next() {
        Some(b'"') => match string(json) {
            Some(text) => Ok(Some(text)),
            None => refuse("it is not valid Unicode text", "Use complete Unicode characters."),
        },
        Some(b'n') => Ok(None),
        Some(b't' | b'f') => Ok(Some(Cow::Borrowed(json))),
        Some(b'{' | b'[') => refuse(
            "an attribute must be a string, a boolean or an integer",
            "Move structured values into the data.",
        ),
        _ => match integer(json) {
            Some(number) => Ok(Some(Cow::Owned(number.to_string()))),
            None => refuse("a number in an attribute must be a 32-bit integer", "Write it as a string."),
        },
    }
}

/// A 32-bit integer, however JSON writes it: `17` and `17.0` are the same number.
fn integer(json: &str) -> Option<i32> {
    json.parse().ok().or_else(|| {
        let float = json.parse::<f64>().ok().filter(|float| float.fract() == 0.0)?;
        // Without its sign, -0.0 is 0.
        format!("{:.0}", float + 0.0).parse().ok()
    })
}

fn read_data(json: &str, datacontenttype: Option<&str>) -> Result<Vec<u8>, InvalidEvent> {
    if is_json(datacontenttype) {
        return Ok(single_line(json).into_owned().into_bytes());
    }
    let refuse =
        |problem, instead| InvalidEvent::Data { member: "data", found: shown(json), problem, instead };
    if !json.starts_with('"') {
        let problem = format!("content of type {} is not JSON", quoted(datacontenttype.unwrap_or_default()));
        return Err(refuse(problem, "Write it as a string, or its bytes as \"data_base64\"."));
    }
    match string(json) {
        Some(text) => Ok(text.into_owned().into_bytes()),
        None => Err(refuse("it is not valid Unicode text".into(), "Write its bytes as \"data_base64\".")),
    }
}

fn read_base64(json: &str) -> Result<Vec<u8>, InvalidEvent> {
    let refuse = |problem: String| InvalidEvent::Data {
        member: "data_base64",
        found: shown(json),
        problem,
        instead: "Write the bytes in standard base64 with padding, such as \"aGVsbG8=\".",
    };
    let text = string(json).filter(|_| json.starts_with('"'));
    let text = text.ok_or_else(|| refuse("it is not a string".into()))?;
    STANDARD
        .decode(text.as_bytes())
        .map_err(|error| refuse(format!("not base64 ({})", lower(&error.to_string()))))
}

/// The content of a JSON string; absent where an escape stands for half a character.
fn string(json: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(json).ok().map(|text| text.0)
}

fn shown(json: &str) -> String {
    quoted(json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(json))
}

fn lower(message: &str) -> String {
    let mut characters = message.trim_end_matches('.').chars();
    characters.next().into_iter().flat_map(char::to_lowercase).chain(characters).collect()
}

fn not_json(error: serde_json::Error) -> InvalidEvent {
    InvalidEvent::Json { reason: error.to_string() }
}

const fn kind(first: u8) -> &'static str {
    match first {
        b'[' => "an array",
        b'"' => "a string",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        _ => "a number",
    }
}

/// An object's members in the order of the text, so that a repeated name is noticed.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
        let mut members = Vec::with_capacity(12);
        while let Some((name, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            if members.len() == MAX_MEMBERS {
                return Err(A::Error::custom(format!("an event has more than {MAX_MEMBERS} members")));
            }
            members.push((name.0, value));
        }
        Ok(Members(members))
    }
}
