//! The position of a follower in the log: a cursor that it sends back to resume.
//!
//! An offset alone is ambiguous if another log answers at the same address, such as a log that was restored
//! from a backup. So a cursor also contains the log's identity and a hash of the event.

use std::{fmt, str::FromStr};

use camshaft_event::{Event, Offset};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The identity of a log: a number chosen when the log was created. Its text has 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogId(pub u64);

/// The position of an event that a follower has read, such as `17-3f2a9c01d4e5b677-9a3c0f12`.
///
/// The server writes it as the `id` of each server-sent event and reads it from `Last-Event-ID`. The text may
/// be an offset alone; then only the offset is compared with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Offset of the event.
    pub offset: Offset,
    /// The log and the event; none if the cursor is an offset alone.
    pub seen: Option<Seen>,
}

/// The log and the event that a follower has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Identity of the log.
    pub log: LogId,
    /// A 32-bit hash of the event's identity and content.
    pub event: u32,
}

/// The text is not a cursor or not the identity of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACursor;

impl Cursor {
    /// Creates the cursor of the `event` at `offset` of `log`.
    #[must_use]
    pub fn of(log: LogId, offset: Offset, event: &Event) -> Self {
        Self { offset, seen: Some(Seen { log, event: mark(event) }) }
    }

    /// Whether `event` is the event that the follower has read. True if the cursor is an offset alone.
    #[must_use]
    pub fn is_of(&self, event: &Event) -> bool {
        self.seen.is_none_or(|seen| seen.event == mark(event))
    }
}

/// The low 32 bits of the identity and content hashes that deduplication compares, combined.
fn mark(event: &Event) -> u32 {
    let hash = event.hash();
    let identity = u64::try_from(hash.identity & u128::from(u64::MAX)).unwrap_or_default();
    u32::try_from((identity ^ hash.content) & u64::from(u32::MAX)).unwrap_or_default()
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for LogId {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let is_plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_plain.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or(NotACursor)
    }
}

impl Serialize for LogId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LogId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom("the identity of a log has 16 hexadecimal digits"))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seen {
            Some(Seen { log, event }) => write!(f, "{}-{log}-{event:08x}", self.offset),
            None => self.offset.fmt(f),
        }
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let mut parts = text.split('-');
        let mut next = || parts.next();
        let offset = next().and_then(|offset| number(offset, 10)).ok_or(NotACursor)?;
        let seen = match (next(), next(), next()) {
            (None, ..) => None,
            (Some(log), Some(event), None) if event.len() == 8 => {
                let event = number(event, 16).and_then(|event| u32::try_from(event).ok());
                Some(Seen { log: log.parse()?, event: event.ok_or(NotACursor)? })
            }
            _ => return Err(NotACursor),
        };
        Ok(Self { offset: Offset(offset), seen })
    }
}

/// Parses digits without a sign.
fn number(text: &str, radix: u32) -> Option<u64> {
    let is_plain = text.chars().all(|character| character.is_digit(radix));
    is_plain.then(|| u64::from_str_radix(text, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> Event {
        Event { id: id.into(), source: "/s".into(), event_type: "a.b".into(), ..Event::default() }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = Cursor::of(LogId(0x2a), Offset(17), &event("1"));
        let text = cursor.to_string();
        assert!(text.starts_with("17-000000000000002a-"), "{text}");
        assert_eq!(text.parse(), Ok(cursor));
        assert_eq!("18446744073709551615".parse(), Ok(Cursor { offset: Offset(u64::MAX), seen: None }));
    }

    #[test]
    fn a_cursor_knows_its_event() {
        let cursor = Cursor::of(LogId(1), Offset(17), &event("1"));
        assert!(cursor.is_of(&event("1")));
        assert!(!cursor.is_of(&event("2")));
        assert!(!cursor.is_of(&Event { data: b"1".to_vec(), ..event("1") }));
    }

    #[test]
    fn other_texts_are_no_cursors() {
        for text in [
            "",
            "+1",
            "-1",
            "x",
            "1-",
            "1-2-3",
            "18446744073709551616",
            "17-000000000000002a",
            "17-000000000000002a-1",
            "17-000000000000002a-+0000001",
            "17-000000000000002a-00000001-",
            "17-00000000000000é-00000001",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
