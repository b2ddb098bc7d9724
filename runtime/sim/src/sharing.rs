//! How much of its state the handlers of one consumer share, and under which keys.

use std::collections::BTreeMap;

use camshaft_event::{Event, Offset};
use camshaft_log::testing::Random;

/// The subjects of events that have one; each is an ordering key.
pub(crate) const SUBJECTS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The setting of a consumer that says how much its handlers share.
const SETTING: &str = "sharing";

/// Of so many consecutive events one is only read for, where handlers share a little.
const READ_ONLY: u64 = 3;

/// How much handlers of one consumer share. Events of different keys run in different partitions, at the same
/// time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Each event has keys that only events of its ordering key use.
    Nothing,
    /// The same, and beside them a few keys that all use.
    Little(Shared),
    /// All events use the same keys.
    Everything,
}

/// Keys that events of all ordering keys use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    /// Two keys: both are read, one is written.
    Duties,
    /// Entries that are scanned, added and deleted.
    Seats,
    /// One key, which some handlers read several times and others write unread.
    Flag,
}

/// What a consumer's setting may say.
const TEXTS: [(Sharing, &str); 5] = [
    (Sharing::Nothing, "nothing"),
    (Sharing::Little(Shared::Duties), "duties"),
    (Sharing::Little(Shared::Seats), "seats"),
    (Sharing::Little(Shared::Flag), "flag"),
    (Sharing::Everything, "everything"),
];

impl Sharing {
    /// In most consumers handlers share nothing.
    pub(crate) fn choose(random: &mut Random) -> Self {
        match random.below(10) {
            0 => Self::Everything,
            1 => Self::Little(Shared::Duties),
            2 => Self::Little(Shared::Seats),
            3 | 4 => Self::Little(Shared::Flag),
            _ => Self::Nothing,
        }
    }

    /// As a consumer's settings say it.
    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        let text = setting(SETTING).expect("every consumer has the setting");
        let found = TEXTS.iter().find(|(_, known)| *known == text);
        found.expect("it is one of the known texts").0
    }

    pub(crate) fn write_to(self, config: &mut BTreeMap<String, String>) {
        let text = TEXTS.iter().find(|(sharing, _)| *sharing == self).map(|(_, text)| *text);
        config.insert(SETTING.to_owned(), text.unwrap_or_default().to_owned());
    }

    /// The end of the keys that an event uses and does not share, unless its consumer shares everything.
    pub(crate) fn scope(self, event: &Event, offset: Offset) -> String {
        match (self, &event.subject) {
            (Self::Everything, _) => String::new(),
            (_, Some(subject)) => format!(" {subject}"),
            // It has no ordering key.
            (_, None) => format!(" #{offset}"),
        }
    }

    /// Whether handlers of this event write nothing.
    pub(crate) fn only_reads(self, offset: Offset) -> bool {
        matches!(self, Self::Little(_)) && offset.0.is_multiple_of(READ_ONLY)
    }

    /// The keys under which handlers list what they did, of events with a subject.
    pub(crate) fn lists(self) -> Vec<Vec<u8>> {
        match self {
            Self::Everything => vec![list("")],
            _ => SUBJECTS.iter().map(|subject| list(&format!(" {subject}"))).collect(),
        }
    }
}

/// The key under which events of one scope list the offsets of all that were handled.
pub(crate) fn list(scope: &str) -> Vec<u8> {
    format!("done{scope}").into_bytes()
}
