//! What the tables promise, one promise a file, over a store in memory.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod tables {
    mod build;

    mod applying;
    mod ranges;
    mod scans;
    mod snapshots;
    mod sweeping;
}
