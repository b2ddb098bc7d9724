//! The machine's clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use camshaft_engine::Clock;
use camshaft_event::Timestamp;

#[cfg(feature = "test-clock")]
pub use set::WallClock;

#[derive(Clone, Debug)]
pub(crate) struct MachineClock {
    started: Instant,
    #[cfg(feature = "test-clock")]
    wall: WallClock,
}

impl MachineClock {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            #[cfg(feature = "test-clock")]
            wall: WallClock::default(),
        }
    }

    /// The same, with a wall clock that a test may set.
    #[cfg(feature = "test-clock")]
    pub(crate) fn with(wall: WallClock) -> Self {
        Self { wall, ..Self::new() }
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX));
        #[cfg(feature = "test-clock")]
        let now = self.wall.shift(now);
        now
    }

    fn elapsed_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(feature = "test-clock")]
mod set {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use camshaft_event::Timestamp;

    /// A wall clock that a test can move forward and back. It exists only in tests.
    #[derive(Clone, Debug, Default)]
    pub struct WallClock(Arc<AtomicI64>);

    impl WallClock {
        /// Sets how many milliseconds the clock is ahead of the machine's clock; negative if it is behind.
        pub fn set_ahead_ms(&self, ms: i64) {
            self.0.store(ms, Ordering::SeqCst);
        }

        pub(super) fn shift(&self, now: Timestamp) -> Timestamp {
            Timestamp(now.0.saturating_add_signed(self.0.load(Ordering::SeqCst)))
        }
    }
}
