//! The timekeeper: wakes what comes due, held keys and timers, and sleeps in between.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::core::Core;

/// Longest sleep: the wall clock may be set forward meanwhile.
const LONGEST: Duration = Duration::from_secs(10);

pub(crate) fn run(core: &Arc<Core>) {
    loop {
        let seen = core.due.count();
        if core.is_draining() {
            return;
        }
        let now = core.now();
        let next = match core.step(|sequencer| sequencer.tick(now)) {
            Ok(next) => next,
            Err(error) => return core.fail(error),
        };
        core.next_due_ms.store(next.map_or(u64::MAX, |at| at.0), Ordering::Release);
        // A due time that could not be met now, for want of room, is tried again soon.
        let wait = next.map(|at| Duration::from_millis(at.ms_since(now).max(1)));
        core.due.wait(seen, Some(wait.unwrap_or(LONGEST).min(LONGEST)));
    }
}
