//! Checks all kept files without changing them.
//!
//! `camshaft verify` calls it while no writer has the log. Damage is collected, not an error.

use super::block::{Block, DAMAGED_CONTENT, DAMAGED_HEADER, Found};
use super::file::Opened;
use super::names::name;
use super::{KeptEntry, Range, list};
use crate::files::verify::Damage;
use crate::record::Checksum;
use crate::record::fields::length_u64;
use crate::{Disk, LogError};

/// What checking kept files needs.
pub struct VerifyKept<'v> {
    /// The identity of the log.
    pub identity: u64,
    /// Called with each whole entry, in order; returns the error in its content, if there is one.
    pub each: &'v mut dyn FnMut(&KeptEntry) -> Result<(), String>,
    /// Called with the bytes that have been checked since the last call.
    pub progress: &'v mut dyn FnMut(u64),
}

/// The checked entries, and the damage among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifiedKept {
    /// Files.
    pub files: u64,
    /// Whole entries.
    pub entries: u64,
    /// What is damaged, in order.
    pub damage: Vec<Damage>,
}

/// Checks the kept files in this folder. Nothing is written.
///
/// # Errors
/// [`LogError::NewerFormat`] for a file of a newer program, [`LogError::Io`] where the folder cannot be read.
pub fn verify_kept(disk: &dyn Disk, what: VerifyKept<'_>) -> Result<VerifiedKept, LogError> {
    let mut verified = VerifiedKept::default();
    let ranges = match list(disk) {
        Ok((ranges, _)) => ranges,
        Err(LogError::Corrupt { file, position, detail }) => {
            verified.damage.push(Damage { file, position, detail, sequence: None, offsets: None });
            return Ok(verified);
        }
        Err(error) => return Err(error),
    };
    let checksum = Checksum::of_log(what.identity);
    let mut verifier = Verifier { checksum, what, verified };
    for range in ranges {
        verifier.file(disk, range)?;
    }
    Ok(verifier.verified)
}

struct Verifier<'v> {
    checksum: Checksum,
    what: VerifyKept<'v>,
    verified: VerifiedKept,
}

/// How far the check of one file has come.
struct Progress {
    range: Range,
    count: u64,
    /// The offset behind the last entry.
    next: u64,
    /// Whether every entry so far has a readable header.
    is_whole: bool,
}

impl Verifier<'_> {
    fn file(&mut self, disk: &dyn Disk, range: Range) -> Result<(), LogError> {
        self.verified.files = self.verified.files.saturating_add(1);
        let opened = match Opened::open(disk, range, self.what.identity) {
            Ok(opened) => opened,
            Err(LogError::Corrupt { position, detail, .. }) => {
                self.damage(range, position, detail, range);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut progress = Progress { range, count: 0, next: range.from, is_whole: true };
        for number in 0..opened.block_count() {
            let (position, bytes) = opened.block(number)?;
            self.block(&mut progress, position, &bytes, opened.first_offset(number.saturating_add(1)));
            (self.what.progress)(length_u64(bytes.len()));
        }
        let Progress { count, next, is_whole, .. } = progress;
        if is_whole && count != opened.header.count {
            let detail = format!("it has {count} entries; the header says {}", opened.header.count);
            self.damage(range, 0, detail, Range { from: next, until: range.until });
        }
        Ok(())
    }

    /// Checks the block at `position`. The offsets in it are below `end`.
    fn block(&mut self, progress: &mut Progress, position: u64, bytes: &[u8], end: u64) {
        for found in Block::new(self.checksum, bytes) {
            let in_order = |offset: u64| offset >= progress.next && offset < end;
            let (start, detail) = match found {
                Ok(found) if in_order(found.header.offset) => {
                    self.entry(progress, position, &found);
                    continue;
                }
                Ok(found) => (found.start, "the offset of an entry is out of order"),
                Err(lost) => (lost.start, DAMAGED_HEADER),
            };
            let at = position.saturating_add(length_u64(start));
            self.damage(progress.range, at, detail.to_owned(), Range { from: progress.next, until: end });
            progress.is_whole = false;
            return;
        }
    }

    fn entry(&mut self, progress: &mut Progress, block: u64, found: &Found<'_>) {
        let (offset, timestamp_ms) = (found.header.offset, found.header.timestamp_ms);
        progress.count = progress.count.saturating_add(1);
        progress.next = offset.saturating_add(1);
        let checked = match found.content {
            None => Err(DAMAGED_CONTENT.to_owned()),
            Some(content) => (self.what.each)(&KeptEntry { offset, timestamp_ms, bytes: content.to_vec() }),
        };
        match checked {
            Ok(()) => self.verified.entries = self.verified.entries.saturating_add(1),
            Err(detail) => {
                let at = block.saturating_add(length_u64(found.start));
                self.damage(progress.range, at, detail, Range { from: offset, until: progress.next });
            }
        }
    }

    fn damage(&mut self, file: Range, position: u64, detail: String, lost: Range) {
        let offsets = Some((lost.from, lost.until));
        self.verified.damage.push(Damage { file: name(file), position, detail, sequence: None, offsets });
    }
}
