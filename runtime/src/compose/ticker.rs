//! The ticker: counts deadlines while handlers run, and sleeps while none does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use camshaft_host::{Host, TICK_MS};

use super::core::Core;

pub(crate) fn run(core: &Arc<Core>, host: &Host) {
    loop {
        let seen = core.calls.count();
        if core.running_calls.load(Ordering::Acquire) == 0 {
            // Not while it drains: a worker that took its last batch a moment ago may begin a call yet.
            if core.is_stopping() {
                return;
            }
            core.calls.wait(seen, None);
            continue;
        }
        // Missed ticks are not caught up on: time in which the process stood still is nobody's.
        thread::sleep(Duration::from_millis(TICK_MS));
        host.tick();
    }
}
