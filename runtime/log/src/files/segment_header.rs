//! The first 64 bytes of a segment, as `FORMAT.md` lays them out.
//!
//! Written once, before the segment gets its name; read when the log is opened. No I/O here.

use super::stamp::{self, Unreadable};
use crate::record::fields::Fields;

/// Header of a segment, in bytes; the first record follows.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 64;
const MAGIC: [u8; 8] = *b"CAMSHAFT";

/// What a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub identity: u64,
    pub first_sequence: u64,
    pub first_offset: u64,
    pub first_timestamp_ms: u64,
    /// First sequence of the segment before; 0 if this is the log's first.
    pub previous_first_sequence: u64,
}

impl SegmentHeader {
    pub fn encode(&self) -> Vec<u8> {
        let body = [
            self.identity,
            self.first_sequence,
            self.first_offset,
            self.first_timestamp_ms,
            self.previous_first_sequence,
            0,
        ];
        stamp::encode(MAGIC, &body)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let body = stamp::decode(MAGIC, bytes)?;
        let mut fields = Fields(body);
        Ok(Self {
            identity: fields.u64(),
            first_sequence: fields.u64(),
            first_offset: fields.u64(),
            first_timestamp_ms: fields.u64(),
            previous_first_sequence: fields.u64(),
        })
    }
}
