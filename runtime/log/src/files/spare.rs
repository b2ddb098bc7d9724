//! The next segment, allocated before it is needed.
//!
//! The writer makes one ahead of time, so that a full disk is met here, where nothing is at stake, and not in
//! the middle of an append.

use std::io;
use std::sync::Arc;

use super::names::{SPARE, SPARE_TEMPORARY, segment_name};
use super::segment_header::SegmentHeader;
use crate::{Disk, DiskFile, LogError};

/// An allocated file of zeros, not yet a segment.
pub(crate) struct Spare {
    file: Arc<dyn DiskFile>,
    pub bytes: u64,
}

impl Spare {
    /// Allocates a new one.
    ///
    /// Its name needs no sync: after a crash a missing spare is made again.
    pub fn make(disk: &dyn Disk, bytes: u64) -> Result<Self, LogError> {
        Self::allocate(disk, bytes).inspect_err(|_| {
            // Gives back the room of a half-made one. If that fails too, the next try or the next open does
            // it.
            let _ = disk.remove(SPARE_TEMPORARY);
        })
    }

    /// The one that an earlier run left, if it is whole and of this length; else it is removed.
    pub fn adopt(disk: &dyn Disk, bytes: u64) -> Result<Option<Self>, LogError> {
        let file = match disk.open(SPARE) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LogError::io("open", SPARE, error)),
        };
        if file.len().map_err(|error| LogError::io("measure", SPARE, error))? == bytes {
            return Ok(Some(Self { file, bytes }));
        }
        disk.remove(SPARE).map_err(|error| LogError::io("remove", SPARE, error))?;
        Ok(None)
    }

    /// Turns it into the segment that `header` describes. After a failure its fate is unknown.
    pub fn start(self, disk: &dyn Disk, header: &SegmentHeader) -> Result<Arc<dyn DiskFile>, LogError> {
        let name = segment_name(header.first_sequence);
        let failed = |action| {
            let name = name.as_str();
            move |error| LogError::io(action, name, error)
        };
        self.file.write_at(&header.encode(), 0).map_err(failed("write the header of"))?;
        // IMPORTANT: the header is durable before the name, so that a named segment always has one.
        self.file.sync_data().map_err(failed("sync the header of"))?;
        disk.rename(SPARE, &name).map_err(failed("rename the spare segment to"))?;
        // IMPORTANT: the name is durable before the first record, else synced records could lose their file.
        disk.sync_dir().map_err(failed("sync the name of"))?;
        Ok(self.file)
    }

    fn allocate(disk: &dyn Disk, bytes: u64) -> Result<Self, LogError> {
        let failed = |action| move |error| LogError::io(action, SPARE, error);
        let file = disk.create(SPARE_TEMPORARY).map_err(failed("create"))?;
        file.allocate(bytes).map_err(failed("allocate"))?;
        // IMPORTANT: the room is durably ours before the file counts as the spare.
        file.sync_all().map_err(failed("sync"))?;
        disk.rename(SPARE_TEMPORARY, SPARE).map_err(failed("rename"))?;
        Ok(Self { file, bytes })
    }
}
