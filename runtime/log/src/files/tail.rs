//! The end of the last segment, where a crash leaves its traces.
//!
//! Recovery asks whether what follows the last whole record is a torn tail or damage to durable records, and
//! has a torn tail overwritten.

use super::recovery::Cut;
use super::walk::{Place, position_in_file};
use crate::record::fields::length_usize;
use crate::record::{Checksum, HEADER_BYTES, Header, NoRecord};
use crate::{DiskFile, LogError};

/// How much is read at once, in bytes. A multiple of the records' alignment.
const CHUNK_BYTES: usize = 1024 * 1024;
/// Records start at multiples of this in the file, and so do the chunks.
const STEP_BYTES: usize = 8;

/// The last segment, read up to its last whole record.
pub(crate) struct Tail<'a> {
    pub file: &'a dyn DiskFile,
    pub name: &'a str,
    pub checksum: Checksum,
    /// Where the first missing record would be, and its sequence.
    pub end: Place,
}

/// What follows the last whole record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Torn {
    /// Distance from the end of the records to after the last byte that is not zero.
    bytes: u64,
    later_records: u64,
    /// The highest sequence that a later record knew to be synced.
    claimed: u64,
}

impl Torn {
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Tail<'_> {
    /// Decides: nothing follows (none), a torn tail follows, or it is corruption.
    pub fn judge(&self, claimed: u64, reason: NoRecord) -> Result<Option<Torn>, LogError> {
        let torn = self.survey()?;
        let missing = self.end.sequence;
        let claimed = claimed.max(torn.claimed);
        if claimed >= missing {
            return Err(LogError::Corrupt {
                file: self.name.to_owned(),
                position: self.end.position,
                detail: format!("record {missing} was durable (like all up to {claimed}), but {reason}"),
            });
        }
        Ok((torn.bytes > 0).then_some(torn))
    }

    /// Overwrites the torn tail with zeros. The caller syncs before anything new is written.
    pub fn cut(&self, torn: &Torn) -> Result<Cut, LogError> {
        let end = self.end.position.saturating_add(torn.bytes);
        let mut zeros = vec![0; CHUNK_BYTES];
        let mut position = self.end.position;
        while position < end {
            zeros.truncate(length_usize(end.saturating_sub(position)));
            self.file
                .write_at(&zeros, position)
                .map_err(|error| LogError::io("cut the torn tail of", self.name, error))?;
            position = position_in_file(position, zeros.len());
        }
        Ok(Cut {
            file: self.name.to_owned(),
            position: self.end.position,
            bytes: torn.bytes,
            later_records: torn.later_records,
        })
    }

    /// Writes the records from this position on once more, as they are. The caller syncs.
    pub fn rewrite(&self, from: u64) -> Result<(), LogError> {
        let failed = |error| LogError::io("rewrite the end of", self.name, error);
        let mut chunk = Vec::new();
        let mut position = from;
        while position < self.end.position {
            let left = length_usize(self.end.position.saturating_sub(position));
            chunk.resize(left.min(CHUNK_BYTES), 0);
            let read = self.file.read_at(&mut chunk, position).map_err(failed)?;
            chunk.truncate(read);
            if chunk.is_empty() {
                break;
            }
            self.file.write_at(&chunk, position).map_err(failed)?;
            position = position_in_file(position, chunk.len());
        }
        Ok(())
    }

    /// Looks at everything up to the end of the file. A damaged length hides where the next record starts, so
    /// every possible place is tried.
    fn survey(&self) -> Result<Torn, LogError> {
        let mut torn = Torn::default();
        let header_bytes = length_usize(u64::from(HEADER_BYTES));
        // A header may begin at the end of a chunk, so a little of the next one is read with it.
        let mut chunk = vec![0; CHUNK_BYTES.saturating_add(header_bytes)];
        let mut position = self.end.position;
        loop {
            chunk.resize(CHUNK_BYTES.saturating_add(header_bytes), 0);
            let read = self
                .file
                .read_at(&mut chunk, position)
                .map_err(|error| LogError::io("read", self.name, error))?;
            chunk.truncate(read);
            self.survey_chunk(&chunk, position, &mut torn);
            if read <= CHUNK_BYTES {
                return Ok(torn);
            }
            position = position_in_file(position, CHUNK_BYTES);
        }
    }

    fn survey_chunk(&self, chunk: &[u8], position: u64, torn: &mut Torn) {
        if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
            let in_file = position_in_file(position, last);
            torn.bytes = in_file.saturating_sub(self.end.position).saturating_add(1);
        } else {
            return;
        }
        for start in (0..chunk.len().min(CHUNK_BYTES)).step_by(STEP_BYTES) {
            let Some(header) = chunk.get(start..).and_then(|bytes| Header::decode(self.checksum, bytes).ok())
            else {
                continue;
            };
            // Only a later record speaks about the missing one.
            if header.sequence > self.end.sequence {
                torn.later_records = torn.later_records.saturating_add(1);
                torn.claimed = torn.claimed.max(header.synced);
            }
        }
    }
}

const _: () = assert!(CHUNK_BYTES.is_multiple_of(STEP_BYTES));
