//! Which threads come first: the writer before all others, and those that load plugins behind them.
//!
//! Without real-time priority, another process that holds the core delays each sync by up to a scheduler's
//! tick, some milliseconds, while the sync itself takes a tenth of one. So does a plugin whose start code
//! does not end, which runs until its deadline.

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

/// Makes the calling thread one of those that come last: what it does may take any time, and events wait for
/// nothing of it. On Linux priorities belong to threads; elsewhere they belong to processes, and nothing is
/// changed.
pub(crate) fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(camshaft_host::LOADING_NICENESS) {
        tracing::debug!(%error, "could not lower the priority of a thread that loads plugins");
    }
}
