//! Resetting a consumer: it begins anew at another place of the log, as a new generation, in one transaction.

use camshaft_event::{Offset, Timestamp};
use camshaft_log::{LogError, LogReader};
use camshaft_tables::store::Store;

use super::lifecycle::CHANGE_BYTES;
use super::{ConsumerError, Sequencer};
use crate::notice::Noticed;
use crate::system_event::{Dropped, SystemEvent};

/// How a reset consumer begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetTo {
    /// Where.
    pub place: ResetPlace,
    /// Whether its state stays.
    pub keep_state: bool,
}

/// The first event that a reset consumer handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetPlace {
    /// The first one that the log retains.
    Earliest,
    /// The next one to come.
    Latest,
    /// The one at this offset, or the nearest that there is. [`first_offset_since`] finds that of a time.
    Offset(Offset),
}

/// The offset of the first retained event that was sequenced at `time` or later, by the time in its
/// transaction's record; the end of what is written if there is none. It reads the log, so call it without
/// the sequencer's lock.
///
/// It sees what is written, so first wait until [`Sequencer::sequenced`] is durable. What is sequenced after
/// that is later than any past time. A time to come stands for the end.
///
/// # Errors
/// A log that cannot be read.
pub fn first_offset_since(log: &dyn LogReader, time: Timestamp) -> Result<Offset, LogError> {
    // Taken first: what is written from here on is found or is later.
    let end = log.bounds().next_offset;
    let sequence = log.find_time(time.0)?;
    for sequence in sequence..=log.bounds().last_sequence {
        match log.read_from(sequence, 1) {
            Ok(batch) => {
                let first = batch.iter().next().map(|record| record.first_offset);
                return Ok(Offset(first.unwrap_or(end)));
            }
            // Trimmed since: what is left is later still.
            Err(LogError::Trimmed { .. }) => return Ok(Offset(log.bounds().first_offset)),
            // A damaged record holds nothing that could be handled.
            Err(LogError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Offset(end))
}

impl<S: Store> Sequencer<S> {
    /// Starts a new generation of a consumer at another place: held events, dead letters and timers are
    /// dropped, and its state too unless it is kept. What a batch in flight does vanishes. An operator's
    /// pause outlasts it. Returns the offset of the first event that it will handle. Durable with what is
    /// sequenced by then.
    ///
    /// # Errors
    /// An unknown consumer, a bound that is reached, or tables that cannot be read.
    pub fn reset(&mut self, name: &str, to: ResetTo, now: Timestamp) -> Result<Offset, ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let (first, tail) = (self.first_offset, self.tables.progress().next_offset);
        let offset = match to.place {
            ResetPlace::Earliest => first,
            ResetPlace::Latest => tail,
            ResetPlace::Offset(offset) => offset.clamp(first, tail),
        };
        let consumer = self.consumer_mut(name)?;
        if consumer.record.role.answers() {
            return Err(ConsumerError::NotResettable { name: name.to_owned() });
        }
        let mut record = consumer.record.clone();
        let (held, dead) = (consumer.held.counts().0, consumer.dead.len());
        let dropped = Dropped { held, dead, timers: self.timers.count(record.id) };
        record.generation = record.generation.next();
        if !to.keep_state {
            record.state_generation = record.generation;
        }
        let (generation, kept_state) = (record.generation, to.keep_state);
        let told = SystemEvent::Reset { consumer: name, generation, offset, kept_state, dropped };
        let event = told.at(now);
        self.step(now, |sequencer| sequencer.begin_anew(record, Some(offset), event, now))?;
        let reason = format!(
            "by an operator, from offset {offset}; dropped {held} held events and {dead} dead letters"
        );
        self.notices.add(Noticed::Reset, name, None, &reason);
        Ok(offset)
    }
}
