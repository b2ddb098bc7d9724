//! Advances a host's clock outside a runtime, so that start code and handlers stop at their deadlines.

use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use camshaft_host::{Host, TICK_MS};

/// Ticks until it is dropped.
pub(crate) struct Ticker {
    /// Dropping it ends the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(host: &Host) -> Self {
        let (end, ended) = mpsc::channel::<()>();
        let host = host.clone();
        let thread = thread::spawn(move || {
            while ended.recv_timeout(Duration::from_millis(TICK_MS)) == Err(RecvTimeoutError::Timeout) {
                host.tick();
            }
        });
        Self { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            thread.join().expect("counting ticks does not panic");
        }
    }
}
