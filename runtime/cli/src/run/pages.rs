//! Disables huge memory pages.
//!
//! The allocator asks the kernel for huge pages, which suit programs that fill them. In an idle runtime, each
//! page of two megabytes would contain only a few small objects.

/// Restricts the process to small pages.
pub fn keep_small() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages could not be disabled");
    }
}
