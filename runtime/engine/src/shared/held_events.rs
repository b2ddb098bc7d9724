//! Long reads of held events: under the lock only bounded steps, outside of it the store and the decoding.

use std::ops::ControlFlow;
use std::sync::Arc;

use camshaft_event::{HeldEvent, Offset};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::SharedSequencer;
use crate::sequencer::{FoundHeld, HeldEventEntry};

impl<S: Store> SharedSequencer<S> {
    /// A held event; none if it is not held any more.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn held(&self, consumer: &str, offset: Offset) -> Result<Option<HeldEvent>, TablesError> {
        Ok(self.held_entry(consumer, offset)?.map(|entry| entry.event))
    }

    /// Calls `each` with the held events of a consumer from `from` on, in offset order, until it breaks. It
    /// sees no single moment: what others change meanwhile is seen or not. The events may be newer than what
    /// is durable, but not newer than what is sequenced when this returns.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn each_held(
        &self,
        consumer: &str,
        from: Offset,
        each: &mut dyn FnMut(HeldEventEntry) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TablesError> {
        let mut next = Some(from);
        while let Some(from) = next {
            let (found, after) = self.lock().held_portion(consumer, from);
            for offset in found {
                let entry = match self.held_entry(consumer, offset) {
                    // One that cannot be read must not hide the others; acting on it says why.
                    Err(TablesError::OfConsumer(_)) => continue,
                    entry => entry?,
                };
                if entry.is_some_and(|entry| each(entry).is_break()) {
                    return Ok(ControlFlow::Break(()));
                }
            }
            next = after;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn held_entry(&self, consumer: &str, offset: Offset) -> Result<Option<HeldEventEntry>, TablesError> {
        let (found, store) = {
            let sequencer = self.lock();
            (sequencer.find_held(consumer, offset), Arc::clone(sequencer.tables().store()))
        };
        let Some(FoundHeld { event, key, due, waits_for }) = found else { return Ok(None) };
        let event = event.read(store.as_ref())?;
        Ok(event.map(|event| HeldEventEntry { offset, event, key, due, waits_for }))
    }
}
