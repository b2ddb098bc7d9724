//! A clock that stands still until a test sets it. Calls of handlers can be given a duration.

use std::sync::atomic::{AtomicU64, Ordering};

use camshaft_engine::Clock;
use camshaft_event::Timestamp;

/// Some moment after the epoch, so that a default time is never "now" by accident.
const BEGIN_MS: u64 = 1_000_000;

#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicU64,
    elapsed_us: AtomicU64,
    /// What each call of a handler takes.
    call_us: AtomicU64,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self { now_ms: BEGIN_MS.into(), elapsed_us: 0.into(), call_us: 0.into() }
    }
}

impl ManualClock {
    pub fn now_ms(&self) -> Timestamp {
        Timestamp(self.now_ms.load(Ordering::Relaxed))
    }

    pub fn set(&self, now: Timestamp) {
        self.now_ms.store(now.0, Ordering::Relaxed);
    }

    pub fn advance_ms(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn set_call_us(&self, us: u64) {
        self.call_us.store(us, Ordering::Relaxed);
    }

    /// Lets a call's time pass.
    pub fn spend(&self) {
        self.elapsed_us.fetch_add(self.call_us.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.now_ms()
    }

    fn elapsed_us(&self) -> u64 {
        self.elapsed_us.load(Ordering::Relaxed)
    }
}
