//! The entries of one block, in order, out of the block's bytes. No I/O here.

use super::header::{ENTRY_HEADER_BYTES, EntryHeader};
use crate::record::Checksum;
use crate::record::fields::length_usize;

/// A walk through the entries of a block.
pub(crate) struct Block<'b> {
    checksum: Checksum,
    bytes: &'b [u8],
    /// Where the next entry begins.
    start: usize,
}

/// An entry in a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'b> {
    pub header: EntryHeader,
    /// Where it begins in the block.
    pub start: usize,
    /// Its content; none if that is damaged.
    pub content: Option<&'b [u8]>,
}

/// The rest of the block from here on cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Where that rest begins in the block.
    pub start: usize,
}

/// What an entry with a damaged content is called.
pub(crate) const DAMAGED_CONTENT: &str = "the checksum of an entry does not match";
/// What an entry with a damaged header is called.
pub(crate) const DAMAGED_HEADER: &str = "the header of an entry is damaged";

impl<'b> Block<'b> {
    pub fn new(checksum: Checksum, bytes: &'b [u8]) -> Self {
        Self { checksum, bytes, start: 0 }
    }
}

impl<'b> Iterator for Block<'b> {
    type Item = Result<Found<'b>, Lost>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.start;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let header = EntryHeader::decode(self.checksum, rest);
        let found = header.and_then(|header| {
            let end = ENTRY_HEADER_BYTES.saturating_add(length_usize(u64::from(header.length)));
            let content = rest.get(ENTRY_HEADER_BYTES..end)?;
            self.start = start.saturating_add(end);
            let is_sound = self.checksum.matches(content, header.checksum);
            Some(Found { header, start, content: is_sound.then_some(content) })
        });
        if found.is_none() {
            // Without its length nothing says where the next one begins.
            self.start = self.bytes.len();
        }
        Some(found.ok_or(Lost { start }))
    }
}
