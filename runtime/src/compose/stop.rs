//! Stopping in order: workers finish what they have in hand, the flusher writes a last snapshot, the writer
//! closes the log with its mark of a clean end.

use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::core::Core;
use super::phase::{Phase, Thread};

/// How long handlers that run may go on.
const DRAIN: Duration = Duration::from_secs(10);

/// How often a thread is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

impl Core {
    /// Takes no more events; what is in hand finishes.
    pub(crate) fn drain(&self) {
        // Whoever loses patience with it meanwhile ends it, and not what it handles.
        self.marks.absolve();
        self.phase.advance(Phase::Draining);
        self.durable.stop();
        self.decided.wake_all();
        self.ring_all();
    }

    /// Stops all threads, phase by phase. Called once, after [`Core::drain`]; blocks for some seconds at
    /// most.
    pub(crate) fn stop(&self) {
        let mut threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let deadline = Instant::now() + DRAIN;
        for phase in [Phase::Draining, Phase::Stopping, Phase::Closing] {
            self.phase.advance(phase);
            self.ring_all();
            for (which, thread) in threads.extract_if(.., |(which, _)| which.ends_in() == phase) {
                let can_be_joined = || which.ends_by_itself() || thread.is_finished();
                while !can_be_joined() && Instant::now() < deadline {
                    thread::sleep(LOOK);
                }
                if !can_be_joined() {
                    match which {
                        Thread::Sinks => self.made.tell_cut_off(),
                        Thread::Worker(_) => tracing::warn!(
                            thread = %which,
                            "did not end in time; its event runs again after the next start"
                        ),
                        _ => tracing::warn!(thread = %which, "did not end in time"),
                    }
                } else if thread.join().is_err() {
                    tracing::error!(thread = %which, "panicked while stopping");
                }
            }
        }
        if self.durable.state().poisoned.is_none() {
            self.marks.clear();
        }
        // The log's folder went with the writer. Whoever still holds the runtime holds no folder.
        let store = Arc::clone(self.sequencer.lock().tables().store());
        store.close();
    }
}
