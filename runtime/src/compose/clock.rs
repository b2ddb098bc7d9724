//! The machine's clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use camshaft_engine::Clock;
use camshaft_event::Timestamp;

#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineClock {
    started: Instant,
}

impl MachineClock {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    fn elapsed_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
