//! Listings of dead letters, in portions: each step looks at a bounded part of the index in memory and reads
//! nothing.
//!
//! [`SharedSequencer::each_dead_letter`](crate::SharedSequencer::each_dead_letter) puts the portions together
//! and reads the letters outside the critical section.

use camshaft_event::transaction::RedriveSelection;
use camshaft_event::{DeadLetter, Offset, Sequence};
use camshaft_tables::Lies;
use camshaft_tables::store::Store;

use super::Sequencer;
use super::redrive_jobs::{RedriveError, RedrivePreview};
use crate::consumer::DeadEntry;

/// Dead letters that one step looks at.
pub(crate) const LOOKED_AT_ONCE: usize = 256;

/// Some dead letters of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadPortion {
    /// Those that were wanted, in order.
    pub found: Vec<Offset>,
    /// Where the next portion begins; none if this was the last.
    pub next: Option<Offset>,
}

/// A dead letter, of which only what memory knows has been read.
#[derive(Debug)]
pub struct FoundDeadLetter {
    /// Where the letter lies.
    pub letter: Lies<DeadLetter>,
    /// How many events wait behind it.
    pub waiting: usize,
    /// The first of these.
    pub first_waiting: Vec<Offset>,
    /// The transactions up to this one may be seen in it.
    pub sequence: Sequence,
}

impl<S: Store> Sequencer<S> {
    /// The names of all consumers that are not forgotten, in order.
    #[must_use]
    pub fn consumer_names(&self) -> Vec<String> {
        self.consumers.names()
    }

    /// The dead letters of a consumer from `from` on whose event types are `wanted`, as far as one step
    /// looks.
    #[must_use]
    pub fn dead_portion(&self, name: &str, from: Offset, wanted: &dyn Fn(&str) -> bool) -> DeadPortion {
        self.portion(name, from, |entry| wanted(&entry.event_type))
    }

    fn portion(&self, name: &str, from: Offset, wanted: impl Fn(&DeadEntry) -> bool) -> DeadPortion {
        let mut portion = DeadPortion { found: Vec::new(), next: None };
        let Some(consumer) = self.known(name) else { return portion };
        for (looked_at, (offset, entry)) in consumer.dead.from(from).enumerate() {
            if looked_at == LOOKED_AT_ONCE {
                portion.next = Some(offset);
                break;
            }
            if wanted(entry) {
                portion.found.push(offset);
            }
        }
        portion
    }

    /// What is known in memory of a dead letter and of the first `max_waiting` events behind it. None if
    /// there is none any more.
    #[must_use]
    pub fn find_dead_letter(
        &self,
        name: &str,
        offset: Offset,
        max_waiting: usize,
    ) -> Option<FoundDeadLetter> {
        let consumer = self.known(name)?;
        let entry = consumer.dead.get(offset)?;
        let id = consumer.record.id;
        let behind =
            consumer.held.waiting_behind(&entry.key, offset).take(if entry.parks { max_waiting } else { 0 });
        Some(FoundDeadLetter {
            letter: self.tables.find_dead_letter(id, offset),
            waiting: if entry.parks { consumer.held.count_behind(&entry.key, offset) } else { 0 },
            first_waiting: behind.collect(),
            sequence: self.tables.progress().sequence,
        })
    }

    /// Goes on with a preview of a redrive job from `from` on, as far as one step looks. Returns where to go
    /// on.
    ///
    /// # Errors
    /// An unknown consumer.
    pub fn preview_redrive_from(
        &self,
        selection: &RedriveSelection,
        from: Offset,
        max_first: usize,
        preview: &mut RedrivePreview,
    ) -> Result<Option<Offset>, RedriveError> {
        let name = &selection.consumer;
        if self.known(name).is_none() {
            return Err(RedriveError::NoSuchConsumer { consumer: name.clone() });
        }
        let portion =
            self.portion(name, from, |entry| selection.matches(&entry.event_type, entry.reason, entry.at));
        preview.selected += portion.found.len() as u64;
        let room = max_first.saturating_sub(preview.first.len());
        preview.first.extend(portion.found.iter().take(room));
        Ok(portion.next)
    }
}
