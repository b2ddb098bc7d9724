//! A clock that stands still until a test moves it. Calls of handlers can be given a duration.
//!
//! Ahead it moves by time that passes; back it is set, as people set a wall clock.

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
        let before = self.now_ms.swap(now.0, Ordering::Relaxed);
        self.pass_ms(now.0.saturating_sub(before));
    }

    pub fn advance_ms(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
        self.pass_ms(ms);
    }

    /// Sets the wall clock ahead, or back by less than 0 milliseconds; no time passes.
    pub fn jump_ms(&self, ms: i64) {
        let now = self.now_ms();
        self.now_ms.store(now.0.saturating_add_signed(ms), Ordering::Relaxed);
    }

    fn pass_ms(&self, ms: u64) {
        self.elapsed_us.fetch_add(ms * 1_000, Ordering::Relaxed);
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
