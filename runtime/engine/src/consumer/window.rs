//! The window of a consumer: how much of what it is yet to handle may lie in memory. What lies beyond stays
//! in the log.

use crate::EngineOptions;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    events: usize,
    bytes: usize,
}

impl Window {
    /// An event of `bytes` was routed to the consumer, or came back to it.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.events += 1;
        self.bytes += bytes;
    }

    /// An event of `bytes` was taken.
    pub(crate) fn remove(&mut self, bytes: usize) {
        self.events -= 1;
        self.bytes -= bytes;
    }

    /// Whether one more may be routed.
    pub(crate) fn has_room(self, options: &EngineOptions) -> bool {
        self.events < options.window_events && self.bytes < options.window_bytes
    }

    /// Whether so little is left that the consumer should read on.
    pub(crate) fn is_low(self, options: &EngineOptions) -> bool {
        self.events <= options.window_events / 2 && self.bytes <= options.window_bytes / 2
    }
}
