//! Captures the output that a plugin prints, as lines for its log.
//!
//! The standard library of wasm32-unknown-unknown has no standard output and drops printed text. If `camshaft
//! build` finds that the compiler supports it, this module uses the standard library's own output capture,
//! the mechanism behind Rust's test harness. It captures the output of all crates. In other builds nothing is
//! captured.

#[cfg(camshaft_output)]
pub use captured::{begin, take};

/// Starts the capture at the beginning of an attempt. Does nothing without capture.
#[cfg(not(camshaft_output))]
pub const fn begin() {}

/// Returns the output since the last call. Always empty without capture.
#[cfg(not(camshaft_output))]
pub const fn take() -> Vec<u8> {
    Vec::new()
}

#[cfg(camshaft_output)]
mod captured {
    use std::{
        io, mem,
        sync::{Arc, LazyLock, Mutex, PoisonError},
    };

    static PRINTED: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(Arc::default);

    /// Starts the capture at the beginning of an attempt.
    pub fn begin() {
        io::set_output_capture(Some(Arc::clone(&PRINTED)));
    }

    /// Returns the output since the last call.
    pub fn take() -> Vec<u8> {
        mem::take(&mut *PRINTED.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
