//! Which threads come first: the writer before all others, and behind them those that load plugins, write snapshots and
//! merge the store's tables.
//!
//! Without real-time priority, another process that holds the core delays each sync by up to a scheduler's tick, some
//! milliseconds, while the sync itself takes a tenth of one. So does a plugin whose start code does not end, which
//! runs until its deadline.

#[cfg(target_os = "linux")]
use std::cell::Cell;

use thread_priority::unix::{
    RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use thread_priority::{ThreadPriority, ThreadPriorityValue};

/// Asks for the lowest real-time priority for the calling thread and says what came of it.
pub(crate) fn request() -> String {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let asked = ThreadPriorityValue::try_from(1u8)
        .map_err(|_| "not a priority".to_owned())
        .map(ThreadPriority::Crossplatform)
        .and_then(|priority| {
            set_thread_priority_and_policy(thread_native_id(), priority, policy)
                .map_err(|error| format!("{error:?}"))
        });
    match asked {
        Ok(()) => "real-time (SCHED_FIFO)".to_owned(),
        Err(reason) => format!("normal (real-time priority not permitted: {reason})"),
    }
}

/// Makes the calling thread one of those that come last: what it does may take any time, and events wait for nothing of
/// it. Once is enough, more changes nothing. On Linux priorities belong to threads; elsewhere they belong to processes, and
/// nothing is changed.
pub(crate) fn step_back() {
    #[cfg(target_os = "linux")]
    {
        thread_local!(static STEPPED_BACK: Cell<bool> = const { Cell::new(false) });
        if STEPPED_BACK.replace(true) {
            return;
        }
        if let Err(error) = rustix::process::nice(camshaft_host::LOADING_NICENESS) {
            tracing::debug!(%error, "a thread keeps its priority, though it could wait for others");
        }
    }
}
