//! Facts of a scope, as readers find them: by their versions in the tables, and by their offsets in the log.

use camshaft_event::transaction::{DecodeError, EncodedEvents};
use camshaft_event::{Event, Offset, Scope, Timestamp};
use camshaft_log::{LogError, LogReader};
use camshaft_tables::TablesError;
use thiserror::Error;

/// A fact of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The version of the scope after it.
    pub version: u64,
    /// Its place in the log.
    pub offset: Offset,
    /// When it was sequenced.
    pub at: Timestamp,
    /// The event.
    pub event: Event,
}

/// Why facts cannot be read.
#[derive(Debug, Error)]
pub enum FactsError {
    /// The tables cannot be read.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A record of the log cannot be decoded.
    #[error("the record at offset {offset} cannot be decoded: {error}")]
    Decode {
        /// The offset of the fact.
        offset: Offset,
        /// The reason.
        error: DecodeError,
    },
    /// The tables do not know a fact that the scope has.
    #[error("fact {version} of scope \"{scope}\" is missing")]
    Missing {
        /// The scope.
        scope: Scope,
        /// The version.
        version: u64,
    },
}

/// The event at `offset` in the log, with its time. `None` if the log cannot be read that far yet.
pub(crate) fn read_event(
    log: &dyn LogReader,
    offset: Offset,
) -> Result<Option<(Timestamp, Event)>, FactsError> {
    let decode = |error| FactsError::Decode { offset, error };
    let Some(sequence) = log.find_offset(offset.0)? else { return Ok(None) };
    let records = log.read_from(sequence, 1)?;
    let Some(record) = records.iter().next() else { return Ok(None) };
    for found in EncodedEvents::of(record.payload, Offset(record.first_offset)).map_err(decode)? {
        let (at, event) = found.map_err(decode)?;
        if at == offset {
            return Ok(Some((Timestamp(record.timestamp_ms), event.decode().map_err(decode)?)));
        }
    }
    Ok(None)
}
