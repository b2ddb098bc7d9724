//! Running suspects alone, and what becomes of them.

use camshaft_event::{ConsumerId, Offset, Timestamp};
use camshaft_tables::store::Store;

use super::Sequencer;
use crate::batch::Batch;
use crate::consumer::Consumer;
use crate::lane::Lane;
use crate::run::Finished;
use crate::suspects::{Mark, Suspicion};

impl<S: Store> Sequencer<S> {
    /// Tells what was being handled when the last process ended uncleanly. The caller does so once, after
    /// [`Sequencer::recover`] and before anything is taken. Returns the marks that count: not those of events that
    /// are done.
    pub fn suspect(&mut self, marks: &[Mark]) -> Vec<Mark> {
        let tail = self.tables.progress().next_offset;
        for mark in marks {
            let Some(consumer) = self.consumers.get_mut(&mark.consumer) else { continue };
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
        let of_consumer = |(id, consumer): (&ConsumerId, &Consumer)| {
            let (id, generation) = (*id, consumer.record.generation);
            let mark = move |(offset, suspicion): (&Offset, &Suspicion)| Mark {
                consumer: id,
                generation,
                offset: *offset,
                lone_runs: suspicion.lone_ends,
            };
            consumer.suspects.iter().map(mark).collect::<Vec<_>>()
        };
        self.consumers.iter().flat_map(of_consumer).collect()
    }

    /// Whether nothing may be handed out in `lane`, lest a suspect does not run alone.
    pub(super) fn is_reserved(&self, lane: Lane) -> bool {
        // Once the others have ended, it is the turn of the one who waits, if that is still there.
        let waits = |other: Lane| match other {
            Lane::Workers => !self.ready.is_empty(),
            Lane::Sinks => !self.ready_sinks.is_empty(),
        };
        let is_wanted = |other: Lane| self.running() > 0 || (other != lane && waits(other));
        self.runs_alone || self.wants_alone.is_some_and(is_wanted)
    }

    /// Takes back a batch or call that must run alone while others run. It is the next one, once they have ended.
    pub(super) fn put_off(&mut self, id: ConsumerId, lane: Lane, batch: &Batch, steady: Timestamp) {
        self.wants_alone = Some(lane);
        if let Some(consumer) = self.consumers.get_mut(&id) {
            consumer.give_back_unrun(batch, steady);
            consumer.queued = Some(lane);
            self.ready_in(lane).push_front(id);
        }
        self.arrange(id);
    }

    /// The suspect did not take the process down.
    pub(super) fn acquit(&mut self, id: ConsumerId, finished: &Finished) {
        self.runs_alone = false;
        let is_dealt = !finished.sections.is_empty();
        if let (true, Some(consumer)) = (is_dealt, self.consumers.get_mut(&id))
            && let Some(item) = finished.batch.items.first()
        {
            consumer.suspects.remove(&item.offset);
        }
    }
}
