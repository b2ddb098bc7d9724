//! Everything that can go wrong with a log. The variants and their codes are stable; callers choose exit
//! codes and answers by them.

use std::io;
use std::path::PathBuf;

/// Why a call on a log failed. `Display` says what failed and where, [`LogError::hint`] what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another process uses the directory.
    #[error("data directory \"{}\" is in use by {}", .directory.display(), name_process(*.pid))]
    InUse {
        /// The log's directory.
        directory: PathBuf,
        /// The other process, if it left its number.
        pid: Option<u32>,
    },
    /// The directory cannot be made, read or written.
    #[error("data directory \"{}\" cannot be used: {source}", .directory.display())]
    Unusable {
        /// The log's directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A newer version of the program wrote the log.
    #[error("file \"{file}\" has log format version {found}; this program reads up to version {supported}")]
    NewerFormat {
        /// The file that says so.
        file: String,
        /// Its version.
        found: u32,
        /// The newest version this program knows.
        supported: u32,
    },
    /// Durable bytes are damaged or missing.
    #[error("log is corrupt in file \"{file}\" at byte {position}: {detail}")]
    Corrupt {
        /// The damaged file, or the one after which another is missing.
        file: String,
        /// Where in it, in bytes.
        position: u64,
        /// What is wrong there.
        detail: String,
    },
    /// The mark of the last clean shutdown is damaged or foreign, and the records alone do not decide.
    #[error("mark of the last clean shutdown (file \"{file}\" of the log) is unusable: {detail}")]
    Mark {
        /// The mark's file.
        file: String,
        /// What is wrong with it, and what cannot be decided without it.
        detail: String,
    },
    /// The disk is full. Nothing is lost; a later call may succeed.
    #[error("no space left to {action} \"{file}\"")]
    NoSpace {
        /// What was being done.
        action: &'static str,
        /// To which file.
        file: String,
    },
    /// An earlier write or sync failed, so that nobody knows what is durable.
    #[error("log is poisoned by an earlier failure: {cause}")]
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// The write side was closed or dropped.
    #[error("log is closed")]
    Closed,
    /// The log's last sequence is not the one the caller appends after: there is another writer.
    #[error("append after sequence {previous_sequence} refused: the log's last sequence is {last_sequence}")]
    Fenced {
        /// What the caller took for the last sequence.
        previous_sequence: u64,
        /// The last sequence.
        last_sequence: u64,
    },
    /// A record's offset does not follow from the record before it: a mistake of the caller.
    #[error("record with first offset {first_offset} refused: the next offset is {next_offset}")]
    OffsetGap {
        /// The record's first offset.
        first_offset: u64,
        /// What it had to be.
        next_offset: u64,
    },
    /// The payload is larger than one record can hold.
    #[error("record payload of {bytes} bytes exceeds the maximum of {max_bytes}")]
    TooLarge {
        /// Size of the payload.
        bytes: u64,
        /// The largest possible one.
        max_bytes: u32,
    },
    /// What was asked for lies before the trim point.
    #[error("{what} {requested} is trimmed; the first retained {what} is {first}")]
    Trimmed {
        /// `sequence` or `offset`.
        what: &'static str,
        /// What was asked for.
        requested: u64,
        /// The first one still there.
        first: u64,
    },
    /// The system refused something for another reason.
    #[error("could not {action} \"{file}\": {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
}

impl LogError {
    /// The error of a failed disk operation: a full disk has its own kind, since it heals.
    pub(crate) fn io(action: &'static str, file: &str, source: io::Error) -> Self {
        let file = file.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { action, file },
            _ => Self::Io { action, file, source },
        }
    }

    /// Whether what lies on the disk cannot be read, however often it is tried. A shortage, such as of
    /// descriptors, is none.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Corrupt { .. } => true,
            Self::Io { source, .. } => is_damage(source),
            _ => false,
        }
    }

    /// The stable code of this kind of error, in kebab case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "data-directory-in-use",
            Self::Unusable { .. } => "data-directory-unusable",
            Self::NewerFormat { .. } => "log-format-newer",
            Self::Corrupt { .. } => "log-corrupt",
            Self::Mark { .. } => "log-mark-damaged",
            Self::NoSpace { .. } => "no-space",
            Self::Poisoned { .. } => "log-poisoned",
            Self::Closed => "log-closed",
            Self::Fenced { .. } => "log-fenced",
            Self::OffsetGap { .. } => "log-offset-gap",
            Self::TooLarge { .. } => "record-too-large",
            Self::Trimmed { .. } => "trimmed",
            Self::Io { .. } => "log-io",
        }
    }

    /// One sentence that says what to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "Stop the other process, or choose another data directory.",
            Self::Unusable { .. } => {
                "Choose a directory that this user may create and write files in, \
                 or correct its owner and permissions."
            }
            Self::NewerFormat { .. } => {
                "Run the newer version of the program that wrote this log, or choose another data directory."
            }
            Self::Corrupt { .. } => {
                "Restore the data directory from a backup, or start with a new one. Keep the damaged one: \
                 its other records can still be read."
            }
            Self::Mark { .. } => {
                "Remove that file and start again; copy the data directory first if in doubt. The mark is \
                 only a hint that the shutdown was clean. Without it, the start cuts everything after the \
                 last whole record, even if it was durable."
            }
            Self::NoSpace { .. } => "Free space on this disk; the log then resumes by itself.",
            Self::Poisoned { .. } => {
                "Check the system log for disk errors, then start the program again: \
                 it recovers all durable records."
            }
            Self::Closed => "Open it again.",
            Self::Fenced { .. } => {
                "Ensure that only one process writes to this log, then start again from its end."
            }
            Self::OffsetGap { .. } => "Report this as a bug: the program numbered its records incorrectly.",
            Self::TooLarge { .. } => "Split the record.",
            Self::Trimmed { .. } => "Start from the first retained one.",
            Self::Io { .. } => "Check the disk and the permissions of this file.",
        }
    }
}

fn name_process(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// Whether the disk cannot read a place, or the file ends before it: not a shortage that passes.
fn is_damage(error: &io::Error) -> bool {
    /// `EIO`, the same on all systems that have it: a sector that cannot be read.
    const BAD_SECTOR: i32 = 5;
    error.raw_os_error() == Some(BAD_SECTOR)
        || matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::NotFound
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_sector_is_damage_and_a_shortage_is_not() {
        for (number, is_damaged) in [(5, true), (2, true), (24, false), (23, false), (12, false), (13, false)]
        {
            let error = LogError::io("read", "file", io::Error::from_raw_os_error(number));
            assert_eq!(error.is_damage(), is_damaged, "{error}");
        }
        for (kind, is_damaged) in [
            (io::ErrorKind::UnexpectedEof, true),
            (io::ErrorKind::InvalidData, true),
            (io::ErrorKind::StorageFull, false),
            (io::ErrorKind::OutOfMemory, false),
        ] {
            let error = LogError::io("read", "file", kind.into());
            assert_eq!(error.is_damage(), is_damaged, "{error}");
        }
        let corrupt = LogError::Corrupt { file: "file".to_owned(), position: 0, detail: "x".to_owned() };
        assert!(corrupt.is_damage() && !LogError::Closed.is_damage());
    }
}
