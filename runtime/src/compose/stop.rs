//! Stopping in order: workers finish what they have in hand, the flusher writes a last snapshot, the writer
//! closes the log with its mark of a clean end.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::core::Core;

/// How long handlers that run may go on.
const DRAIN: Duration = Duration::from_secs(10);

/// How often a thread is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

impl Core {
    /// Takes no more events; what is in hand finishes.
    pub(crate) fn drain(&self) {
        // Whoever loses patience with it meanwhile ends it, and not what it handles.
        self.marks.absolve();
        self.draining.store(true, Ordering::Release);
        self.durable.stop();
        self.ring_all();
    }

    /// Stops all threads, in order. Called once, after [`Core::drain`]; blocks for some seconds at most.
    pub(crate) fn stop(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let (last, mut first): (Vec<_>, Vec<_>) =
            threads.into_iter().partition(|(name, _)| name == "writer" || name == "flusher");
        // The ticker counts deadlines until no thread is left that calls a handler.
        first.sort_by_key(|(name, _)| name == "ticker");
        let deadline = Instant::now() + DRAIN;
        for (name, thread) in first {
            if name == "ticker" {
                self.stopping.store(true, Ordering::Release);
                self.ring_all();
            }
            while !thread.is_finished() && Instant::now() < deadline {
                thread::sleep(LOOK);
            }
            if !thread.is_finished() {
                tracing::warn!(
                    thread = name,
                    "did not end in time; its event runs again after the next start"
                );
            }
        }
        for (name, thread) in last.into_iter().rev() {
            // The flusher was started after the writer, so it comes first: its snapshot needs the log's sync.
            let flag = if name == "flusher" { &self.stopping } else { &self.closing };
            flag.store(true, Ordering::Release);
            self.ring_all();
            if thread.join().is_err() {
                tracing::error!(thread = name, "panicked while stopping");
            }
        }
        if self.durable.standing().poisoned.is_none() {
            self.marks.clear();
        }
        // The log's folder went with the writer. Whoever still holds the runtime holds no folder.
        let store = Arc::clone(self.sequencer.lock().tables().store());
        store.close();
    }
}
