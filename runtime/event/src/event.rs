//! The event: a CloudEvents 1.0 event as the log keeps it and handlers see it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::{EXPECT, reserved};

/// An immutable record of something that happened. `source` and `id` together identify it.
///
/// The attributes are those of CloudEvents 1.0; `partitionkey` is from its partitioning extension.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Unique within `source`.
    pub id: String,
    /// The publisher, a URI reference.
    pub source: String,
    /// What happened: dotted, past tense, such as `order.placed`.
    pub event_type: String,
    /// The thing that the event is about, within the source.
    pub subject: Option<String>,
    /// When it happened, RFC 3339, as the producer wrote it.
    pub time: Option<String>,
    /// Media type of `data`.
    pub datacontenttype: Option<String>,
    /// The schema that `data` follows, a URI.
    pub dataschema: Option<String>,
    /// The ordering key, if it is not the subject.
    pub partitionkey: Option<String>,
    /// All other attributes, sorted by name.
    pub extensions: Vec<(String, String)>,
    /// The data; empty if the event has none.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
}

/// The hashes of an event in the deduplication index: 128 bits for its identity, 64 for its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventHash {
    /// XXH3-128 of source and id. Persisted.
    pub identity: u128,
    /// XXH3-64 of the parts that must be equal in two events with one identity. Persisted.
    pub content: u64,
}

impl Event {
    /// The extension that names the chain of causes that an event belongs to. Producers may set it.
    pub const CORRELATION: &str = "correlationid";

    /// The ordering key of this event: `partitionkey`, else `subject`.
    #[must_use]
    pub fn ordering_key(&self) -> Option<&str> {
        self.partitionkey.as_deref().or(self.subject.as_deref())
    }

    /// The value of the extension `name`.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Sets the extension `name` and keeps the extensions sorted.
    pub fn set_extension(&mut self, name: &str, value: impl Into<String>) {
        // Names mostly come in order.
        if self.extensions.last().is_none_or(|(last, _)| last.as_str() < name) {
            self.extensions.push((name.to_owned(), value.into()));
            return;
        }
        match self.extensions.binary_search_by(|(key, _)| key.as_str().cmp(name)) {
            Ok(at) => {
                if let Some(slot) = self.extensions.get_mut(at) {
                    slot.1 = value.into();
                }
            }
            Err(at) => self.extensions.insert(at, (name.to_owned(), value.into())),
        }
    }

    /// Whether the event is a command: the runtime marked it when it was sent.
    #[must_use]
    pub fn is_command(&self) -> bool {
        self.extension(reserved::COMMAND).is_some()
    }

    /// The correlation id, which all events of one chain of causes share: the event's `correlationid`, else
    /// `<source hash>-<id>`. An id alone is unique only within its source.
    ///
    /// The source hash is the XXH3-64 (seed 0) of the source's UTF-8 bytes, as 16 lower-case hexadecimal
    /// digits. Persisted: later events of a chain carry the value, so the rule must never change. The SDKs
    /// build without this crate and follow the same rule; `sdk/correlation.json` has examples for all of
    /// them.
    ///
    /// The result is a valid attribute if the id is one.
    #[must_use]
    pub fn correlation(&self) -> Cow<'_, str> {
        match self.extension(Self::CORRELATION) {
            Some(given) => Cow::Borrowed(given),
            None => Cow::Owned(first_of_chain(&self.source, &self.id)),
        }
    }

    /// The identity and content hashes for deduplication.
    ///
    /// Two events are equal if their type, subject, partitionkey, datacontenttype, dataschema and data are
    /// equal; time and tracing do not count. Of commands the expected versions must be equal, too. A command
    /// never equals an event that is not a command. Each part is hashed after its length. An absent part has
    /// the length `u64::MAX`.
    #[must_use]
    pub fn hash(&self) -> EventHash {
        let mut bytes = Vec::with_capacity(self.data.len() + 128);
        push(&mut bytes, Some(self.source.as_bytes()));
        push(&mut bytes, Some(self.id.as_bytes()));
        let identity = xxh3_128(&bytes);
        EventHash { identity, content: self.content_hash(self.datacontenttype.as_deref(), bytes) }
    }

    /// Whether the event has the content hash [`EventHash::content`]. An absent content type is equal to
    /// `application/json`.
    #[must_use]
    pub fn has_content(&self, content: u64) -> bool {
        let given = self.datacontenttype.as_deref();
        let same = match given {
            None => Some(Some(JSON)),
            Some(JSON) => Some(None),
            Some(_) => None,
        };
        let is = |datacontenttype| self.content_hash(datacontenttype, Vec::new()) == content;
        is(given) || same.is_some_and(is)
    }

    /// The content's hash as if it had this content type. The buffer may hold anything.
    fn content_hash(&self, datacontenttype: Option<&str>, mut buffer: Vec<u8>) -> u64 {
        buffer.clear();
        push(&mut buffer, Some(self.event_type.as_bytes()));
        let (subject, partitionkey) = (self.subject.as_deref(), self.partitionkey.as_deref());
        for part in [subject, partitionkey, datacontenttype, self.dataschema.as_deref()] {
            push(&mut buffer, part.map(str::as_bytes));
        }
        push(&mut buffer, Some(&self.data));
        if self.is_command() {
            push(&mut buffer, Some(reserved::COMMAND.as_bytes()));
            if let Some(expected) = self.extension(EXPECT) {
                push(&mut buffer, Some(expected.as_bytes()));
            }
        }
        xxh3_64(&buffer)
    }

    /// Approximate size of the event in bytes, in memory and in the log. Limits and bounds use it.
    #[must_use]
    pub fn size(&self) -> usize {
        let optional =
            [&self.subject, &self.time, &self.datacontenttype, &self.dataschema, &self.partitionkey];
        let attributes: usize = optional.iter().map(|part| part.as_deref().map_or(0, str::len)).sum();
        let extensions: usize =
            self.extensions.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let required = self.id.len() + self.source.len() + self.event_type.len();
        required + attributes + extensions + self.data.len() + 24
    }
}

/// `<source hash>-<id>`. Each published event may need one, so it is not left to the formatter.
fn first_of_chain(source: &str, id: &str) -> String {
    let mut hash = [0; 16];
    for (digits, byte) in hash.chunks_exact_mut(2).zip(xxh3_64(source.as_bytes()).to_be_bytes()) {
        digits.copy_from_slice(&[hexadecimal(byte >> 4), hexadecimal(byte & 15)]);
    }
    let mut name = String::with_capacity(hash.len() + 1 + id.len());
    name.push_str(str::from_utf8(&hash).expect("hexadecimal digits are ASCII"));
    name.push('-');
    name.push_str(id);
    name
}

/// The digit of a number below 16.
const fn hexadecimal(number: u8) -> u8 {
    if number < 10 { b'0' + number } else { b'a' + number - 10 }
}

fn push(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    let length = part.map_or(u64::MAX, |part| part.len() as u64);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(part.unwrap_or_default());
}

/// The content type that an absent one means.
const JSON: &str = "application/json";

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Event {
        Event {
            id: "1".into(),
            source: "/shop".into(),
            event_type: "order.placed".into(),
            data: b"{}".to_vec(),
            ..Event::default()
        }
    }

    #[test]
    fn time_and_tracing_do_not_make_events_differ() {
        let mut later = order();
        later.time = Some("2026-01-01T00:00:00Z".into());
        later.set_extension("traceparent", "00-1");
        assert_eq!(order().hash(), later.hash());
    }

    #[test]
    fn content_distinguishes_events_of_one_identity() {
        let mut moved = order();
        moved.subject = Some(String::new());
        assert_eq!(order().hash().identity, moved.hash().identity);
        assert_ne!(order().hash().content, moved.hash().content);
    }

    #[test]
    fn a_command_and_an_event_of_one_identity_differ() {
        let mut command = order();
        command.set_extension(reserved::COMMAND, reserved::IS_COMMAND);
        assert_eq!(order().hash().identity, command.hash().identity);
        assert!(!order().has_content(command.hash().content) && !command.has_content(order().hash().content));
    }

    #[test]
    fn commands_with_different_expectations_differ() {
        let expecting = |versions: &[&str]| {
            let mut command = order();
            command.set_extension(reserved::COMMAND, reserved::IS_COMMAND);
            versions.iter().for_each(|version| command.set_extension(EXPECT, *version));
            command.hash().content
        };
        let contents = [expecting(&[]), expecting(&["order/1@0"]), expecting(&["order/1@1"])];
        assert!(contents[0] != contents[1] && contents[1] != contents[2] && contents[0] != contents[2]);
    }

    #[test]
    fn an_absent_content_type_means_json() {
        let of = |datacontenttype: Option<&str>| Event {
            datacontenttype: datacontenttype.map(str::to_owned),
            ..order()
        };
        let (absent, json, text) = (of(None), of(Some("application/json")), of(Some("text/plain")));
        for (event, other) in [(&absent, &json), (&json, &absent), (&text, &text)] {
            assert!(event.has_content(other.hash().content));
        }
        for (event, other) in [(&absent, &text), (&text, &json)] {
            assert!(!event.has_content(other.hash().content));
        }
        let changed = Event { data: b"[]".to_vec(), ..json };
        assert!(!absent.has_content(changed.hash().content));
    }

    #[test]
    fn source_and_id_do_not_run_into_each_other() {
        let shifted = Event { id: "p1".into(), source: "/sho".into(), ..order() };
        assert_ne!(order().hash().identity, shifted.hash().identity);
    }

    #[test]
    fn an_event_without_a_correlationid_begins_a_chain_that_source_and_id_name() {
        assert_eq!(order().correlation(), "f452b609a75e9ff3-1");
        let other = Event { source: "/site".into(), ..order() };
        assert_ne!(order().correlation(), other.correlation(), "another source has the same id");
        let mut within = order();
        within.set_extension("correlationid", "c-1");
        assert_eq!(within.correlation(), "c-1");
    }

    #[test]
    fn the_sdks_examples_of_correlation_ids_hold() {
        let examples: Vec<Example> =
            serde_json::from_str(include_str!("../../../sdk/correlation.json")).unwrap();
        assert!(!examples.is_empty());
        for Example { source, id, correlationid } in examples {
            let event = Event { source, id, ..Event::default() };
            assert_eq!(event.correlation(), correlationid, "{}", event.source);
        }
    }

    #[derive(Deserialize)]
    struct Example {
        source: String,
        id: String,
        correlationid: String,
    }

    #[test]
    fn extensions_stay_sorted_and_unique() {
        let mut event = order();
        for (name, value) in [("b", "1"), ("a", "2"), ("b", "3")] {
            event.set_extension(name, value);
        }
        assert_eq!(event.extensions, [("a".into(), "2".into()), ("b".into(), "3".into())]);
    }
}
