//! Copying facts out of the records that the log is about to drop, so that they outlive its retention.
//!
//! The thread that decides on trimming calls it, without the sequencer's lock, and trims only up to the
//! sequence that it returns. It copies in steps, so that its caller has time for other work.

use std::sync::Arc;

use camshaft_event::transaction::{DecodeError, EncodedEvents};
use camshaft_event::{Offset, reserved};
use camshaft_log::{Kept, KeptWriter, LogError, LogReader, NewKept, Record};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::store::Store;

use super::FactsError;
use crate::SharedSequencer;

/// Bytes of records that one step reads, about one segment: it writes one file of kept facts.
const STEP_BYTES: u64 = 64 << 20;
/// Bytes of records that are in memory at a time.
const READ_BYTES: u32 = 1 << 20;

/// Copies facts into the files of kept facts.
pub struct FactCopy {
    kept: Arc<Kept>,
    /// All facts before this sequence are copied.
    done: u64,
    step_bytes: u64,
}

/// What one step has copied.
#[derive(Debug, Default)]
pub struct Copied {
    /// The log may be trimmed before this sequence.
    pub before: u64,
    /// Facts.
    pub facts: u64,
    /// Their bytes, encoded.
    pub fact_bytes: u64,
    /// Bytes of the file with them.
    pub file_bytes: u64,
    /// The first record that could not be read, if there is one. Its facts are lost already, so it keeps
    /// nothing else from being copied and trimmed.
    pub damage: Option<FactsError>,
}

impl FactCopy {
    /// For the kept facts of one log.
    #[must_use]
    pub fn new(kept: Arc<Kept>) -> Self {
        Self { kept, done: 0, step_bytes: STEP_BYTES }
    }

    /// Copies in steps of this many bytes of records.
    #[must_use]
    pub fn with_step_bytes(self, step_bytes: u64) -> Self {
        Self { step_bytes, ..self }
    }

    /// Copies the facts before sequence `before`, which are in the snapshot and durable. One step may end
    /// earlier. Reads nothing if no aggregate has ever declared a fact.
    ///
    /// # Errors
    /// A log that cannot be read for now, or kept facts that cannot be written. [`LogError::Poisoned`]: the
    /// runtime must stop.
    pub fn copy<S: Store>(
        &mut self,
        log: &dyn LogReader,
        shared: &SharedSequencer<S>,
        before: u64,
    ) -> Result<Copied, LogError> {
        let first = log.bounds().first_sequence.max(self.done);
        let has_facts = shared.lock().has_fact_types();
        if first >= before || !has_facts || is_on(Sabotage::TrimUncopied) {
            return Ok(Copied { before, ..Copied::default() });
        }
        let mut copied = Copied { before: first, ..Copied::default() };
        let mut step = Step { kept: &self.kept, writer: None, until: 0, copied: &mut copied };
        let mut read = 0;
        while step.copied.before < before && read < self.step_bytes {
            let sequence = step.copied.before;
            match log.read_from(sequence, READ_BYTES) {
                Ok(batch) if batch.is_empty() => break,
                Ok(batch) => {
                    for record in batch.iter().take_while(|record| record.sequence < before) {
                        step.record(&record)?;
                        read += record.payload.len() as u64;
                    }
                }
                Err(error) if error.is_damage() => {
                    step.copied.before = behind_damage(log, sequence, step.until)?.min(before);
                    step.copied.damage.get_or_insert(error.into());
                }
                Err(error) => return Err(error),
            }
        }
        step.finish()?;
        // Only now: facts that are not durable are copied again.
        self.done = copied.before;
        Ok(copied)
    }
}

/// A step on its way.
struct Step<'k> {
    kept: &'k Kept,
    writer: Option<KeptWriter<'k>>,
    /// The first offset behind the last record.
    until: u64,
    copied: &'k mut Copied,
}

impl Step<'_> {
    fn record(&mut self, record: &Record<'_>) -> Result<(), LogError> {
        if let Err(error) = self.facts_of(record)? {
            let offset = Offset(record.first_offset);
            self.copied.damage.get_or_insert(FactsError::Decode { offset, error });
        }
        self.until = record.first_offset + u64::from(record.count);
        self.copied.before = record.sequence + 1;
        Ok(())
    }

    /// Copies the facts of a record. The inner error is the record's.
    fn facts_of(&mut self, record: &Record<'_>) -> Result<Result<(), DecodeError>, LogError> {
        let events = match EncodedEvents::of(record.payload, Offset(record.first_offset)) {
            Ok(events) => events,
            Err(error) => return Ok(Err(error)),
        };
        for found in events {
            let fact = found.and_then(|(offset, event)| {
                Ok(event.has_extension(reserved::SCOPES)?.then(|| (offset.0, event.bytes())))
            });
            match fact {
                Ok(Some((offset, bytes))) => {
                    self.keep(NewKept { offset, timestamp_ms: record.timestamp_ms, bytes })?;
                }
                Ok(None) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }

    fn keep(&mut self, fact: NewKept<'_>) -> Result<(), LogError> {
        let kept_until = self.kept.until();
        // A process that ended between copy and trim has copied it.
        if fact.offset < kept_until {
            return Ok(());
        }
        let writer = self.writer.get_or_insert_with(|| self.kept.writer(fact.offset));
        writer.push(fact)?;
        self.copied.facts += 1;
        self.copied.fact_bytes += fact.bytes.len() as u64;
        Ok(())
    }

    fn finish(self) -> Result<(), LogError> {
        if let Some(writer) = self.writer {
            self.copied.file_bytes = writer.finish(self.until)?;
        }
        Ok(())
    }
}

/// The sequence of a record behind the damaged one at `sequence`, whose first offset is `offset` or unknown.
fn behind_damage(log: &dyn LogReader, sequence: u64, offset: u64) -> Result<u64, LogError> {
    let found = match offset.checked_sub(1) {
        Some(before) => log.next_readable(before)?.sequence,
        None => 0,
    };
    Ok(found.max(sequence + 1))
}
