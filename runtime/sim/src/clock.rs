//! The simulated clock: it stands still until the run moves it. Time that passes moves both of its hands; people and time
//! servers set the wall clock alone, forward or back.

use std::sync::atomic::{AtomicU64, Ordering};

use camshaft_engine::Clock;
use camshaft_event::Timestamp;

/// Some moment after the epoch, so that a default time is never "now" by accident.
const BEGIN_MS: u64 = 1_000_000;

/// Microseconds that one call of a handler takes.
const CALL_US: u64 = 700;

#[derive(Debug)]
pub(crate) struct SimClock {
    now_ms: AtomicU64,
    elapsed_us: AtomicU64,
    /// Milliseconds that passed, however often it was set back.
    passed_ms: AtomicU64,
}

impl Default for SimClock {
    fn default() -> Self {
        Self { now_ms: BEGIN_MS.into(), elapsed_us: 0.into(), passed_ms: 0.into() }
    }
}

impl SimClock {
    /// Sets the wall clock, as people and time servers do.
    pub(crate) fn set(&self, now: Timestamp) {
        let before = self.now_ms.swap(now.0, Ordering::Relaxed);
        self.passed_ms.fetch_add(now.0.saturating_sub(before), Ordering::Relaxed);
    }

    /// Milliseconds that it was moved ahead, by jumps too.
    pub(crate) fn passed_ms(&self) -> u64 {
        self.passed_ms.load(Ordering::Relaxed)
    }

    /// Milliseconds that have really passed since the run began, whatever became of the wall clock.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.elapsed_us.load(Ordering::Relaxed) / 1_000
    }

    /// Lets time pass.
    pub(crate) fn advance_ms(&self, ms: u64) {
        self.elapsed_us.fetch_add(ms.saturating_mul(1_000), Ordering::Relaxed);
        self.set(self.now().plus_ms(ms));
    }

    /// Sets the wall clock ahead.
    pub(crate) fn set_ahead_ms(&self, ms: u64) {
        self.set(self.now().plus_ms(ms));
    }

    /// Sets the wall clock right.
    pub(crate) fn set_right(&self) {
        self.set(Timestamp(BEGIN_MS).plus_ms(self.elapsed_ms()));
    }

    /// Sets the wall clock back.
    pub(crate) fn set_back_ms(&self, ms: u64) {
        self.set(Timestamp(self.now().0.saturating_sub(ms)));
    }

    /// Lets the time of a handler's call pass.
    pub(crate) fn call(&self) {
        self.elapsed_us.fetch_add(CALL_US, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ms.load(Ordering::Relaxed))
    }

    fn elapsed_us(&self) -> u64 {
        self.elapsed_us.load(Ordering::Relaxed)
    }
}
