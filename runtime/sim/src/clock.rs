//! The simulated clock: it stands still until the run lets time pass. People and time servers set the wall
//! clock alone, ahead or back.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use camshaft_engine::Clock;
use camshaft_event::Timestamp;

/// Some moment after the epoch, so that a default time is never "now" by accident; no run sets the clock back
/// to it.
const BEGIN_MS: u64 = 100_000_000;

/// Microseconds that one call of a handler takes.
const CALL_US: u64 = 700;

#[derive(Debug, Default)]
pub(crate) struct SimClock {
    elapsed_us: AtomicU64,
    /// By how much the wall clock has been set ahead, in milliseconds; below 0 if it was set back.
    ahead_ms: AtomicI64,
}

impl SimClock {
    /// Lets time pass until the wall clock shows `now`.
    pub(crate) fn pass_until(&self, now: Timestamp) {
        self.pass_ms(now.ms_since(self.now()));
    }

    /// Milliseconds that have passed, however the wall clock was set.
    pub(crate) fn passed_ms(&self) -> u64 {
        self.elapsed_us() / 1_000
    }

    /// How many had passed when a clock that was right showed `wall`.
    pub(crate) fn passed_at_ms(&self, wall: Timestamp) -> u64 {
        wall.0.saturating_sub(BEGIN_MS)
    }

    /// Lets time pass.
    pub(crate) fn pass_ms(&self, ms: u64) {
        self.elapsed_us.fetch_add(ms.saturating_mul(1_000), Ordering::Relaxed);
    }

    /// Sets the wall clock ahead, or back by less than 0 milliseconds.
    pub(crate) fn jump_ms(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Sets the wall clock right.
    pub(crate) fn set_right(&self) {
        self.ahead_ms.store(0, Ordering::Relaxed);
    }

    /// Lets the time of a handler's call pass.
    pub(crate) fn call(&self) {
        self.elapsed_us.fetch_add(CALL_US, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let steady_ms = BEGIN_MS + self.passed_ms();
        Timestamp(steady_ms.saturating_add_signed(self.ahead_ms.load(Ordering::Relaxed)))
    }

    fn elapsed_us(&self) -> u64 {
        self.elapsed_us.load(Ordering::Relaxed)
    }
}
