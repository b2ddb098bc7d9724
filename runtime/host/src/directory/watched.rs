//! One stem in the plugins directory, and the state of its present content: unsettled, loading, accepted or
//! refused.

use camshaft_event::Timestamp;

use super::{Files, SETTLE_MS, Ticket};

/// One stem: a `.wasm` and, optionally, the operator's `.toml`.
pub struct Watched {
    pub files: Files,
    /// When a scan first found the files in their present state.
    pub since: Timestamp,
    /// When the files may be loaded next.
    pub next_try: Timestamp,
    pub judged: Judged,
    /// Whether a refusal of the present or an earlier content is still in force.
    pub refused: bool,
    /// While an unreadable file is loaded again: the reason of the failed attempt before. The same reason is
    /// not reported twice.
    pub unreadable: Option<String>,
}

/// The result for the present content of the files.
#[derive(PartialEq, Eq)]
pub enum Judged {
    NotYet,
    Loading(Ticket),
    Taken,
    Refused,
    /// The file could not be read, for this reason. The directory retries it at intervals.
    Unreadable(String),
    /// Another file holds this plugin name.
    Blocked(String),
}

impl Watched {
    /// Files that a scan first found at `now`. Files that have been unchanged for `SETTLE_MS` may be loaded
    /// at once.
    pub fn new(files: &Files, now: Timestamp, refused: bool) -> Self {
        let next_try = now.plus_ms(SETTLE_MS.saturating_sub(files.age_ms(now)));
        Self { files: files.clone(), since: now, next_try, judged: Judged::NotYet, refused, unreadable: None }
    }

    /// Whether the present content has no result yet.
    pub const fn is_open(&self) -> bool {
        matches!(self.judged, Judged::NotYet | Judged::Loading(_))
    }

    /// How long neither file has changed, in milliseconds: since the first scan that found them in this
    /// state, or since the times of the files, if that is longer.
    pub fn quiet_ms(&self, now: Timestamp) -> u64 {
        now.ms_since(self.since).max(self.files.age_ms(now))
    }
}
