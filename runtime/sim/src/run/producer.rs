//! Acts of producers and readers: what comes in over HTTP.

use camshaft_engine::PublishRefusal;
use camshaft_event::{Event, Offset, Transaction};
use camshaft_log::LogError;

use super::Run;
use super::witness::Statement;
use crate::faults::Fault;
use crate::sharing::{SUBJECTS, Sharing};

/// Events that producers know; each is published again and again.
const IDS: u64 = 400;

impl Run {
    pub(super) fn publish(&mut self) {
        let events: Vec<Event> = (0..=self.random.below(3)).map(|_| self.some_event()).collect();
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        let hashes: Vec<_> = events.iter().map(Event::hash).collect();
        match self.process.publish(events) {
            Ok(receipts) => {
                self.tell(|| format!("publish {ids:?} → {receipts:?}"));
                for (receipt, hash) in receipts.receipts.into_iter().zip(hashes) {
                    self.note_if(Fault::SameAgain, receipt.duplicate);
                    let statement = Statement::Event { offset: receipt.offset, hash };
                    self.witness.expect(receipts.durable_at, statement);
                }
            }
            Err(refusal) => {
                self.tell(|| format!("publish {ids:?} → {refusal}"));
                match refusal {
                    PublishRefusal::Conflict { .. } | PublishRefusal::ConflictWithin { .. } => {
                        self.note(Fault::OtherAgain)
                    }
                    PublishRefusal::Unready(_) => self.note(Fault::Unready),
                    PublishRefusal::TransactionTooLarge { .. } => {}
                    refusal => panic!("a sound event is refused: {refusal}"),
                }
            }
        }
        let durable = self.durable();
        self.witness.hear(durable);
    }

    /// Nearly always the one event of its id, now and then another one.
    fn some_event(&mut self) -> Event {
        let id = self.random.below(IDS);
        // The last ones have none.
        let subject = usize::try_from(id).ok().and_then(|id| SUBJECTS.get(id % (SUBJECTS.len() + 1)));
        let is_other = self.random.below(24) == 0;
        let length = if id.is_multiple_of(2) { 3_500 } else { 10 };
        Event {
            id: format!("e{id}"),
            source: "/test".to_owned(),
            event_type: "thing.happened".to_owned(),
            subject: subject.map(|subject| (*subject).to_owned()),
            data: vec![if is_other { b'y' } else { b'x' }; length],
            ..Event::default()
        }
    }

    /// Somebody looks at an event of the durable log, and at a consumer's state.
    pub(super) fn look(&mut self) {
        let durable = self.process.sequencer().durable();
        let first = self.process.sequencer().first_offset();
        if durable.next_offset > first {
            let offset = Offset(first.0 + self.random.below(durable.next_offset.0 - first.0));
            if let Some(event) = self.event_at(offset) {
                self.tell(|| format!("look at event {offset}: {}", event.id));
                let statement = Statement::Event { offset, hash: event.hash() };
                self.witness.expect(durable.sequence, statement);
            }
        }
        let consumer = self.some_name();
        let key = self.some_list(&consumer);
        let (at, value) = {
            let sequencer = self.process.sequencer();
            let Some(space) = sequencer.state_space(&consumer) else { return };
            let found = match sequencer.tables().state(space, &key) {
                Err(_) if self.machine.store.has_spoiled(space.consumer) => return,
                found => found.expect("the tables can be read"),
            };
            (sequencer.sequenced().sequence, found.map(|found| found.value))
        };
        self.witness.expect(at, Statement::State { at, consumer, key, value });
        self.witness.hear(durable.sequence);
    }

    fn event_at(&mut self, offset: Offset) -> Option<Event> {
        let log = self.process.log();
        let found = log.find_offset(offset.0).and_then(|sequence| match sequence {
            Some(sequence) => log.read_from(sequence, 1).map(Some),
            None => Ok(None),
        });
        if matches!(found, Err(LogError::Corrupt { .. })) && self.spoiled.is_some() {
            return None;
        }
        let batch = self.after_io(found)??;
        let record = batch.iter().next()?;
        let transaction = Transaction::decode(record.payload).expect("a record is a transaction");
        let index = usize::try_from(offset.0 - record.first_offset).ok()?;
        transaction.events().nth(index).cloned()
    }

    /// The key of a list that a consumer's handlers read and write.
    pub(super) fn some_list(&mut self, consumer: &str) -> Vec<u8> {
        let lists = self.sharing(consumer).map(Sharing::lists).unwrap_or_default();
        let at = self.pick(lists.len());
        lists.into_iter().nth(at).unwrap_or_default()
    }

    /// How much of their state a consumer's handlers share, if it was ever declared.
    pub(super) fn sharing(&self, consumer: &str) -> Option<Sharing> {
        let declared = self.consumers.iter().find(|declared| declared.spec.name == consumer);
        declared.map(|declared| Sharing::of(|setting| declared.spec.config.get(setting).cloned()))
    }

    /// A consumer's name.
    pub(super) fn some_name(&mut self) -> String {
        let at = self.pick(self.consumers.len());
        self.consumers.get(at).map(|declared| declared.spec.name.clone()).unwrap_or_default()
    }
}
