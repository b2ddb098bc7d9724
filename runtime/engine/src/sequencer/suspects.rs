//! Running suspects alone, and what becomes of them.

use camshaft_event::{ConsumerId, Offset};
use camshaft_tables::store::Store;

use super::Sequencer;
use crate::consumer::Consumer;
use crate::run::Finished;
use crate::suspects::{Mark, Suspicion};

impl<S: Store> Sequencer<S> {
    /// Tells what was being handled when the last process ended uncleanly. The caller does so once, after
    /// [`Sequencer::recover`] and before anything is taken. Returns the marks that count: not those of events
    /// that are done.
    pub fn suspect(&mut self, marks: &[Mark]) -> Vec<Mark> {
        let tail = self.tables.progress().next_offset;
        for mark in marks {
            let Some(consumer) = self.consumers.quietly(mark.consumer) else { continue };
            let is_held = consumer.held.contains(mark.offset);
            let is_open = is_held || (consumer.floor(tail) <= mark.offset && mark.offset < tail);
            if consumer.record.generation == mark.generation && is_open {
                // It may have been kept as a suspect and have run since.
                let Suspicion { lone_ends } = mark.suspicion();
                let known = consumer.suspects.entry(mark.offset).or_insert(Suspicion { lone_ends });
                known.lone_ends = known.lone_ends.max(lone_ends);
            }
        }
        self.suspects()
    }

    /// The suspects that have not run again yet, as [`Sequencer::suspect`] would want to be told of them.
    #[must_use]
    pub fn suspects(&self) -> Vec<Mark> {
        let of_consumer = |consumer: &Consumer| {
            let (id, generation) = (consumer.record.id, consumer.record.generation);
            let mark = move |(offset, suspicion): (&Offset, &Suspicion)| Mark {
                consumer: id,
                generation,
                offset: *offset,
                lone_runs: suspicion.lone_ends,
            };
            consumer.suspects.iter().map(mark).collect::<Vec<_>>()
        };
        self.consumers.values().flat_map(of_consumer).collect()
    }

    /// The suspect did not take the process down.
    pub(super) fn acquit(&mut self, id: ConsumerId, finished: &Finished) {
        let is_dealt = !finished.sections.is_empty();
        if let (true, Some(consumer)) = (is_dealt, self.consumers.change(id))
            && let Some(item) = finished.batch.items.first()
        {
            consumer.suspects.remove(&item.offset);
        }
    }
}
