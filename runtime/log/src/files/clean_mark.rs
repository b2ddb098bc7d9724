//! The mark of a clean shutdown: up to which sequence everything was durable.
//!
//! Written at close, read at open. It stays true for ever, since durable records are never cut; so it is only
//! replaced, not removed.

use std::io;

use super::names::{CLEAN, CLEAN_TEMPORARY};
use super::stamp::{self, Unreadable};
use crate::record::fields::Fields;
use crate::{Disk, LogError};

const MAGIC: [u8; 8] = *b"CAMCLEAN";
const MARK_BYTES: usize = 32;

/// The content of the file `clean`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CleanMark {
    pub identity: u64,
    /// Every record up to this one is durable.
    pub sequence: u64,
}

/// What a directory holds of a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FoundMark {
    /// The log was never closed cleanly, or the mark was removed.
    None,
    Whole(CleanMark),
    /// It claims nothing; this is what is wrong with it.
    Damaged(String),
}

impl CleanMark {
    /// The mark in this directory.
    pub fn read(disk: &dyn Disk) -> Result<FoundMark, LogError> {
        let file = match disk.open(CLEAN) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FoundMark::None),
            Err(error) => return Err(LogError::io("open", CLEAN, error)),
        };
        let mut bytes = [0; MARK_BYTES];
        let read = file.read_at(&mut bytes, 0).map_err(|error| LogError::io("read", CLEAN, error))?;
        let whole = bytes.get(..read).unwrap_or_default();
        let body = match stamp::decode(MAGIC, whole) {
            Ok(body) => body,
            Err(newer @ Unreadable::Newer(_)) => return Err(newer.in_file(CLEAN)),
            Err(damage) => return Ok(FoundMark::Damaged(damage.to_string())),
        };
        let mut fields = Fields(body);
        Ok(FoundMark::Whole(Self { identity: fields.u64(), sequence: fields.u64() }))
    }

    /// Replaces the mark. The records must be synced before.
    pub fn write(&self, disk: &dyn Disk) -> Result<(), LogError> {
        let failed = |action| move |error| LogError::io(action, CLEAN, error);
        let file = disk.create(CLEAN_TEMPORARY).map_err(failed("create"))?;
        file.write_at(&stamp::encode(MAGIC, &[self.identity, self.sequence]), 0).map_err(failed("write"))?;
        // IMPORTANT: the content is durable before the name is, so that a mark is never read half written.
        file.sync_all().map_err(failed("sync"))?;
        disk.rename(CLEAN_TEMPORARY, CLEAN).map_err(failed("rename"))?;
        disk.sync_dir().map_err(failed("sync the name of"))
    }
}
