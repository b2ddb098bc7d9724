//! The write side of the log, a step each: append what was sequenced, sync it, keep room ahead, trim, and
//! only then say how far the log is durable.
//!
//! One thread of the runtime owns it, and the simulation takes the same steps. When to take them is theirs to
//! decide.

use std::sync::Arc;

use camshaft_event::{Offset, Sequence};
use camshaft_log::{Log, LogError, LogReader, NewRecord};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::Progress;
use camshaft_tables::store::Store;

use crate::{QueuedRecord, Sequencer};

/// A log, and how far it was written.
pub struct LogWriter {
    log: Box<dyn Log>,
    appended: Sequence,
    /// Whether records count as durable once they are appended.
    is_async: bool,
}

/// What came of an attempt to trim.
#[derive(Debug)]
pub enum Trimmed {
    /// The log begins with this sequence now.
    To(u64),
    /// A file could not be removed; the next attempt tries again.
    NotNow(LogError),
}

impl LogWriter {
    /// For a log as it was opened. With `is_async` records count as durable before they are synced.
    #[must_use]
    pub fn new(log: Box<dyn Log>, is_async: bool) -> Self {
        let appended = Sequence(log.reader().bounds().last_sequence);
        Self { log, appended, is_async }
    }

    /// What reads the log.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn LogReader> {
        self.log.reader()
    }

    /// The last record that was appended.
    #[must_use]
    pub const fn appended(&self) -> Sequence {
        self.appended
    }

    /// Appends what the sequencer has queued, in its order.
    ///
    /// # Errors
    /// Those of [`Log::append_all`]; after them the writer ends.
    pub fn append(&mut self, records: &[QueuedRecord]) -> Result<(), LogError> {
        let payloads: Vec<Vec<u8>> = records.iter().map(QueuedRecord::payload).collect();
        let new: Vec<NewRecord<'_>> = records
            .iter()
            .zip(&payloads)
            .map(|(record, payload)| NewRecord {
                first_offset: record.first_offset.0,
                count: record.count,
                timestamp_ms: record.at.0,
                payload,
            })
            .collect();
        if !new.is_empty() {
            self.appended = Sequence(self.log.append_all(self.appended.0, &new)?);
        }
        Ok(())
    }

    /// Makes durable what was appended.
    ///
    /// # Errors
    /// Those of [`Log::sync`]: what is durable is not known then, and the writer ends.
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.log.sync().map(drop)
    }

    /// Reserves room ahead. Returns why there is none while the disk is full: that is no failure, and heals.
    ///
    /// # Errors
    /// All others of [`Log::prepare`].
    pub fn reserve(&mut self) -> Result<Option<LogError>, LogError> {
        match self.log.prepare() {
            Ok(()) => Ok(None),
            Err(error @ LogError::NoSpace { .. }) => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    /// Drops the records before `before`, as far as that is cheap. [`crate::Retention`] says which may go.
    ///
    /// # Errors
    /// All of [`Log::trim`] but a file that cannot be removed.
    pub fn trim(&mut self, before: u64) -> Result<Trimmed, LogError> {
        let before = if is_on(Sabotage::TrimWritten) { self.appended.0 } else { before };
        match self.log.trim(before) {
            Ok(first) => Ok(Trimmed::To(first)),
            Err(error @ LogError::Io { .. }) => Ok(Trimmed::NotNow(error)),
            Err(error) => Err(error),
        }
    }

    /// Tells the sequencer how far the log is durable, how much room there is and where it begins, and
    /// returns the first of these. Whatever waits for durability goes on from here, so nothing is told that
    /// is not synced.
    pub fn announce<S: Store>(&self, sequencer: &mut Sequencer<S>) -> Progress {
        let reader = self.log.reader();
        let durable = if self.is_async { self.appended } else { Sequence(reader.synced()) };
        sequencer.set_durable(durable);
        sequencer.set_room(reader.reserved_bytes());
        sequencer.set_first_offset(Offset(reader.bounds().first_offset));
        sequencer.durable()
    }

    /// Closes the log; the next start finds that it has all.
    ///
    /// # Errors
    /// Those of [`Log::close`].
    pub fn close(self) -> Result<(), LogError> {
        self.log.close()
    }
}
