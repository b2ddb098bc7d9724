//! Facts of a scope, as readers find them: by their versions in the tables, and by their offsets in the log
//! or, once the log has dropped them, among the kept facts.

pub(crate) mod copy;
#[cfg(test)]
mod tests;

use camshaft_event::transaction::{DecodeError, EncodedEvent, EncodedEvents};
use camshaft_event::{Answer, ConsumerId, Event, Offset, Scope, Timestamp};
use camshaft_log::{Kept, LogError, LogReader};
use camshaft_tables::TablesError;
use thiserror::Error;

use crate::attempt::StateReader;

/// The most facts in one call of `evolve`.
pub const FACTS_PER_CALL: usize = 256;

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
    /// The log or the kept facts cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log begins behind the fact, and it was not kept.
    #[error("the fact at offset {offset} is neither in the log nor among the kept facts")]
    Lost {
        /// The offset of the fact.
        offset: Offset,
    },
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

/// Makes the fold of a scope after facts; the argument before them is the fold so far.
pub type EvolveFacts<'e> = dyn FnMut(Option<&[u8]>, &[Event]) -> Result<Vec<u8>, Answer> + 'e;

/// Why a fold could not be made from the facts.
#[derive(Debug, Error)]
pub enum FoldError {
    /// The facts cannot be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// `evolve` failed with this answer.
    #[error("`evolve` failed: {}", reason(.0))]
    Evolve(Answer),
}

/// What an answer says, for people.
fn reason(answer: &Answer) -> &str {
    match answer {
        Answer::Done => "it gave no fold",
        Answer::Retry { reason, .. } | Answer::Reject { reason } => reason,
        Answer::Failed { error, .. } => error,
    }
}

/// The fold that `evolve` makes of the first `version` facts of a scope, with at most [`FACTS_PER_CALL`]
/// facts in a call. `None` if the log does not have all of them yet.
///
/// # Errors
/// Facts that cannot be read, or an `evolve` that fails.
pub fn fold_from_facts(
    reader: &dyn StateReader,
    (consumer, scope): (ConsumerId, &Scope),
    version: u64,
    evolve: &mut EvolveFacts<'_>,
) -> Result<Option<Vec<u8>>, FoldError> {
    let (mut fold, mut folded) = (None, 0);
    while folded < version {
        let wanted = usize::try_from(version - folded).unwrap_or(FACTS_PER_CALL).min(FACTS_PER_CALL);
        let facts = reader.facts(consumer, scope, folded, wanted)?;
        if facts.is_empty() {
            return Ok(None);
        }
        folded += facts.len() as u64;
        let events: Vec<Event> = facts.into_iter().map(|fact| fact.event).collect();
        fold = Some(evolve(fold.as_deref(), &events).map_err(FoldError::Evolve)?);
    }
    Ok(Some(fold.unwrap_or_default()))
}

/// The fact at `offset`, with its time. `None` if the log cannot be read that far yet.
pub(crate) fn read_fact(
    log: &dyn LogReader,
    kept: &Kept,
    offset: Offset,
) -> Result<Option<(Timestamp, Event)>, FactsError> {
    if offset.0 >= log.bounds().first_offset {
        match read_event(log, offset) {
            // The log was trimmed since then. Its facts were copied before.
            Err(FactsError::Log(LogError::Trimmed { .. })) => {}
            read => return read,
        }
    }
    let entry = kept.read(offset.0)?.ok_or(FactsError::Lost { offset })?;
    let event = EncodedEvent::from_bytes(&entry.bytes).decode();
    let event = event.map_err(|error| FactsError::Decode { offset, error })?;
    Ok(Some((Timestamp(entry.timestamp_ms), event)))
}

/// The event at `offset` in the log, with its time. `None` if the log cannot be read that far yet.
fn read_event(log: &dyn LogReader, offset: Offset) -> Result<Option<(Timestamp, Event)>, FactsError> {
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
