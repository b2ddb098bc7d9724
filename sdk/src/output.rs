//! What a plugin prints: lines of its log.
//!
//! The standard library of wasm32-unknown-unknown has no standard output and drops what is printed. Where `camshaft
//! build` finds that the compiler has it, the standard library's own capture takes the output of all crates; the test
//! harness of Rust stands on it. Compiled otherwise, nothing is captured.

#[cfg(camshaft_output)]
pub use captured::{begin, take};

/// An attempt begins.
#[cfg(not(camshaft_output))]
pub const fn begin() {}

/// What was printed since the last time. Nothing, as nothing is captured.
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

    /// An attempt begins.
    pub fn begin() {
        io::set_output_capture(Some(Arc::clone(&PRINTED)));
    }

    /// What was printed since the last time.
    pub fn take() -> Vec<u8> {
        mem::take(&mut *PRINTED.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
