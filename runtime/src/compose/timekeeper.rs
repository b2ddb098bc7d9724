//! The timekeeper: wakes what comes due, held keys and timers, and sleeps in between.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;

/// Longest sleep: the wall clock may be set ahead meanwhile, and timers follow it.
const LONGEST: Duration = Duration::from_secs(10);

pub(crate) fn run(core: &Arc<Core>) {
    loop {
        let seen = core.due.count();
        if core.is_draining() {
            return;
        }
        // The tick sets the alarm, in the critical section that computed it; a step that is earlier due
        // rings.
        let ticked = core.step(|sequencer| {
            let now = core.now();
            sequencer.tick(now).map(|_| sequencer.idle_ms(now))
        });
        let idle_ms = match ticked {
            Ok(idle_ms) => idle_ms,
            Err(error) => return core.fail(error),
        };
        // A due time that could not be met now, for want of room, is tried again soon.
        let wait = idle_ms.map_or(LONGEST, |idle_ms| Duration::from_millis(idle_ms.max(1)));
        core.due.wait(seen, Some(wait.min(LONGEST)));
    }
}
