//! Notices: what the log that people watch should say of a step, beside the events that tell of it.
//!
//! The engine only says it. What writes the log fetches it after each step, and bounds how many lines come of
//! it.

use camshaft_event::{FailureCause, Key, Offset};

/// Notices that are kept until they are fetched. One batch brings fewer; what is beyond is not said.
const KEPT: usize = 256;

/// Longest reason, in bytes.
const MAX_REASON_BYTES: usize = 512;

/// Something that happened to a consumer, or to one of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub what: Noticed,
    /// Whose.
    pub consumer: String,
    /// The event, and the key under which it is ordered, if it is about one.
    pub event: Option<(Offset, Key)>,
    /// Why, in at most 512 bytes of one line; empty if there is nothing to say. Some of it may be a guest's
    /// words.
    pub reason: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noticed {
    /// An attempt failed, and the event waits for another one, or for the end of a probation.
    Failed(FailureCause),
    /// An event became a dead letter.
    DeadLetter(FailureCause),
    /// An operator made a held event due.
    HeldRetried,
    /// An operator made a dead letter of a held event.
    HeldSetAside,
    /// A dead letter was sent back.
    Redriven,
    /// A dead letter was dropped.
    Discarded,
    /// A redrive job began.
    RedriveStarted,
    /// A redrive job ended, or was cancelled.
    RedriveEnded,
    /// A consumer takes no more events.
    Paused,
    /// It goes on.
    Resumed,
    /// It began anew.
    Reset,
}

/// Notices that are still to be fetched.
#[derive(Debug, Default)]
pub(crate) struct Notices(Vec<Notice>);

impl Notices {
    pub(crate) fn add(&mut self, what: Noticed, consumer: &str, event: Option<(Offset, &Key)>, reason: &str) {
        if self.0.len() < KEPT {
            let event = event.map(|(offset, key)| (offset, key.clone()));
            self.0.push(Notice { what, consumer: consumer.to_owned(), event, reason: first_line(reason) });
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.0)
    }
}

/// The first line of an error, cut to 512 bytes.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.get(..line.floor_char_boundary(MAX_REASON_BYTES)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_short_line_and_no_step_brings_more_than_are_kept() {
        let mut notices = Notices::default();
        let key = Key::Ordered("k".into());
        (0..300).for_each(|at| {
            notices.add(
                Noticed::Redriven,
                "c",
                Some((Offset(at), &key)),
                &format!("{}\nmore", "é".repeat(400)),
            );
        });
        let taken = notices.take();
        assert_eq!(taken.len(), KEPT);
        assert!(taken.iter().all(|notice| notice.reason == "é".repeat(256)));
        assert_eq!(notices.take(), []);
    }
}
