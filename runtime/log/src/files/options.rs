//! What the opener of a log on files decides.

/// Settings of [`FileLog::open`](crate::FileLog::open).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Length of each new segment, in bytes; at least 4096. Existing segments keep theirs.
    pub segment_bytes: u64,
    /// The sequence after the caller's snapshot, 1 if that is empty. Records from there on are verified when
    /// the log is opened and must be there; those before are known durable, so a log that ends earlier is
    /// corrupt, not torn. None, for callers without snapshots, verifies all that is retained.
    pub verify_from: Option<u64>,
    /// A number that tells this log from others, best a random one. Only used when the log is created.
    pub identity: u64,
    /// Offset of the log's first event. Only used when the log is created.
    pub first_offset: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 * 1024 * 1024, verify_from: None, identity: 0, first_offset: 1 }
    }
}
