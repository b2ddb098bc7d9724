//! How far the runtime is on its way to its end, and which threads end when.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// A phase of the runtime's life. It only goes forward, and may leave phases out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Everything works.
    Running,
    /// Nothing new is begun; what is in hand finishes.
    Draining,
    /// The flusher writes its last snapshot, and the ticker ends with the last call.
    Stopping,
    /// The writer syncs what is queued, closes the log and ends.
    Closing,
}

/// The phase that has been reached. Any thread looks, any thread moves it on.
#[derive(Debug)]
pub(crate) struct Reached(AtomicU8);

/// A thread of the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thread {
    Worker(usize),
    Sinks,
    Reader,
    Timekeeper,
    Loader(usize),
    Plugins,
    Folds,
    Ticker,
    Flusher,
    Writer,
}

impl Default for Reached {
    fn default() -> Self {
        Self(AtomicU8::new(Phase::Running as u8))
    }
}

impl Reached {
    /// Goes on to `phase`, unless it is there or further; whether it moved.
    pub(crate) fn advance(&self, phase: Phase) -> bool {
        self.0.fetch_max(phase as u8, Ordering::AcqRel) < phase as u8
    }

    /// Whether `phase` has begun.
    pub(crate) fn is(&self, phase: Phase) -> bool {
        self.0.load(Ordering::Acquire) >= phase as u8
    }
}

impl Thread {
    /// The phase in which it ends. The snapshot of the flusher needs the writer's sync, so the writer is the
    /// last; the ticker counts deadlines until no thread is left that calls a handler.
    pub(crate) const fn ends_in(self) -> Phase {
        match self {
            Self::Worker(_)
            | Self::Sinks
            | Self::Reader
            | Self::Timekeeper
            | Self::Loader(_)
            | Self::Plugins
            | Self::Folds => Phase::Draining,
            Self::Ticker | Self::Flusher => Phase::Stopping,
            Self::Writer => Phase::Closing,
        }
    }

    /// Whether it ends whatever handlers do. All others call them, wait for them, or count their deadlines.
    pub(crate) const fn ends_by_itself(self) -> bool {
        matches!(self, Self::Flusher | Self::Writer)
    }
}

impl fmt::Display for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(number) => write!(f, "worker-{number}"),
            Self::Sinks => f.write_str("sinks"),
            Self::Reader => f.write_str("reader"),
            Self::Timekeeper => f.write_str("timekeeper"),
            Self::Loader(number) => write!(f, "loader-{number}"),
            Self::Plugins => f.write_str("plugins"),
            Self::Folds => f.write_str("folds"),
            Self::Ticker => f.write_str("ticker"),
            Self::Flusher => f.write_str("flusher"),
            Self::Writer => f.write_str("writer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_that_was_reached_is_not_left_again() {
        let reached = Reached::default();
        assert!(reached.is(Phase::Running) && !reached.is(Phase::Draining));
        assert!(reached.advance(Phase::Stopping), "phases may be left out");
        assert!(!reached.advance(Phase::Draining) && !reached.advance(Phase::Stopping));
        assert!(reached.is(Phase::Draining) && reached.is(Phase::Stopping) && !reached.is(Phase::Closing));
    }
}
