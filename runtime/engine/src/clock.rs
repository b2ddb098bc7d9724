//! The clock: one of the three seams. The runtime passes the machine's, the simulator its own.

mod steady;

use camshaft_event::Timestamp;

pub use steady::{Reading, SteadyTime};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Wall-clock time: what handlers and records see, and what timers wait for. It may jump.
    fn now(&self) -> Timestamp;
    /// Microseconds since some fixed moment: what short waits are counted in. It never goes back.
    fn elapsed_us(&self) -> u64;
}

/// A moment as [`rfc3339`], remembered, since many events are published in one millisecond.
#[derive(Debug, Default)]
pub(crate) struct TimeText(Option<(Timestamp, String)>);

impl TimeText {
    pub(crate) fn of(&mut self, at: Timestamp) -> String {
        match &self.0 {
            Some((known, text)) if *known == at => text.clone(),
            _ => {
                let text = rfc3339(at);
                self.0 = Some((at, text.clone()));
                text
            }
        }
    }
}

/// The moment as RFC 3339 in UTC, with milliseconds.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms)
        .unwrap_or(jiff::Timestamp::MAX)
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}
