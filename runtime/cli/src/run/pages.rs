//! Pages of memory: small ones only.
//!
//! The allocator asks the kernel for huge pages, which are for programs that fill them: at rest, a few small objects in
//! each take two megabytes.

/// Lets the process have small pages only.
pub fn keep_small() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "the kernel goes on giving huge pages");
    }
}
