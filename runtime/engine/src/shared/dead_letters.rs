//! Long reads of dead letters: under the lock only bounded steps, outside of it the store and the decoding.

use std::ops::ControlFlow;
use std::sync::Arc;

use camshaft_event::Offset;
use camshaft_event::transaction::RedriveSelection;
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::SharedSequencer;
use crate::sequencer::{DeadLetterEntry, FoundDeadLetter, RedriveError, RedrivePreview};

impl<S: Store> SharedSequencer<S> {
    /// Calls `each` with the dead letters of a consumer from `from` on whose event types are `wanted`, in
    /// offset order, until it breaks. It sees no single moment: what others change meanwhile is seen or not.
    /// The letters may be newer than what is durable, but not newer than what is sequenced when this returns.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn each_dead_letter(
        &self,
        consumer: &str,
        from: Offset,
        wanted: &dyn Fn(&str) -> bool,
        each: &mut dyn FnMut(DeadLetterEntry) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TablesError> {
        let mut next = Some(from);
        while let Some(from) = next {
            let portion = self.lock().dead_portion(consumer, from, wanted);
            for offset in portion.found {
                let Some((found, store)) = self.find_dead_letter(consumer, offset, 0) else { continue };
                let letter = match found.letter.read(store.as_ref()) {
                    // One that cannot be read must not hide the others; redriving or discarding it says why.
                    Err(TablesError::OfConsumer(_)) => continue,
                    found => found?,
                };
                let Some(letter) = letter else { continue };
                let (consumer, waiting) = (consumer.to_owned(), found.waiting);
                if each(DeadLetterEntry { consumer, offset, letter, waiting }).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            next = portion.next;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What memory knows of a dead letter and of the first `max_waiting` events behind it, and the store to
    /// read the rest from, outside the lock.
    #[must_use]
    pub fn find_dead_letter(
        &self,
        consumer: &str,
        offset: Offset,
        max_waiting: usize,
    ) -> Option<(FoundDeadLetter, Arc<S>)> {
        let sequencer = self.lock();
        let found = sequencer.find_dead_letter(consumer, offset, max_waiting)?;
        Some((found, Arc::clone(sequencer.tables().store())))
    }

    /// What a redrive job of this selection would take, and the first `max_first` of it. It sees no single
    /// moment, as [`SharedSequencer::each_dead_letter`].
    ///
    /// # Errors
    /// An unknown consumer.
    pub fn preview_redrive(
        &self,
        selection: &RedriveSelection,
        max_first: usize,
    ) -> Result<RedrivePreview, RedriveError> {
        RedrivePreview::gather(|from, preview| {
            self.lock().preview_redrive_from(selection, from, max_first, preview)
        })
    }
}
