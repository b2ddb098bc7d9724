//! Waits that a guest has begun and not ended: pollables of the monotonic clock that it holds.
//!
//! A guest that holds one when its call ends has started work that would go on in the next call, with the
//! effects of another event. The instance looks here before it serves another one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The open waits of one instance.
#[derive(Clone, Debug, Default)]
pub struct Waits(Arc<AtomicUsize>);

impl Waits {
    /// The guest begins to wait.
    pub fn begin(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// It has waited, or gives up.
    pub fn end(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether there is any.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}
