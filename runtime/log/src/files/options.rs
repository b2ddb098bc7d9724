//! What the opener of a log on files decides.

/// Settings of [`FileLog::open`](crate::FileLog::open).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Length of each new segment, in bytes; at least 4096. Existing segments keep theirs.
    pub segment_bytes: u64,
    /// Records from this sequence on are verified when the log is opened: the first one after the caller's
    /// snapshot. All before it are known durable, so a log that ends earlier is corrupt, not torn.
    pub verify_from: u64,
    /// A number that tells this log from others, best a random one. Only used when the log is created.
    pub identity: u64,
    /// Offset of the log's first event. Only used when the log is created.
    pub first_offset: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 * 1024 * 1024, verify_from: 1, identity: 0, first_offset: 1 }
    }
}
