//! The records behind an event that say what consumers did with it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use camshaft_event::transaction::{
    ConsumerChanged, DeadChange, Handled, HeldChange, Intervention, Outcome, Section,
};
use camshaft_event::{ActivationId, ConsumerId, Event, Offset, Sequence, Timestamp, Transaction, reserved};
use camshaft_log::{LogReader, Record};

use crate::EventError;
use crate::bus::Runtime;
use crate::compose::READ_BYTES;
use crate::view::PublishedView;

/// Records that are looked at behind an event.
pub(super) const MAX_RECORDS: usize = 100_000;

/// The type of the event by which the runtime says that a consumer went on without something.
const SKIPPED: &str = "camshaft.consumer.skipped";

/// A consumer of which the log has to tell what it did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought {
    pub(super) consumer: ConsumerId,
    /// Whether it handles the event no more than once: then its first answer is its last.
    pub(super) once: bool,
    /// It wants no such event now, but had another version before this time: only an event from before is
    /// sought.
    pub(super) only_before: Option<Timestamp>,
}

/// What the log says of an event.
#[derive(Debug, Default)]
pub(super) struct Trail {
    turns: HashMap<ConsumerId, Turn>,
    /// Those of whom more may be told by records that were not looked at.
    open: HashSet<ConsumerId>,
}

/// The last that a consumer did with the event.
#[derive(Clone, Debug)]
pub(super) enum Turn {
    Done(Handling),
    Called(Handling),
    /// It became a held event or a dead letter.
    Kept,
    Discarded(Timestamp),
    Dropped(Timestamp),
    Skipped(Timestamp),
}

/// How a handler was called.
#[derive(Clone, Debug)]
pub(super) struct Handling {
    pub(super) at: Timestamp,
    pub(super) attempt: u32,
    pub(super) activation: ActivationId,
    pub(super) published: Vec<PublishedView>,
}

impl Runtime {
    /// What the log says of the event at `offset`, as far as it is sought.
    pub(super) async fn trail(&self, offset: Offset, sought: Vec<Sought>) -> Result<Trail, EventError> {
        let durable = self.0.core.durable.state().durable.sequence;
        let log = Arc::clone(&self.0.core.log);
        let follow = move || Trail::follow(&*log, offset, durable, sought, MAX_RECORDS);
        self.read_log(follow).await.unwrap_or_else(|reason| Err(EventError::Failed { reason }))
    }
}

impl Trail {
    /// Looks at `max_records` records at most, from that of the event on.
    pub(super) fn follow(
        log: &dyn LogReader,
        offset: Offset,
        durable: Sequence,
        mut sought: Vec<Sought>,
        max_records: usize,
    ) -> Result<Self, EventError> {
        let mut trail = Self::default();
        let mut next = log.find_offset(offset.0)?.unwrap_or(u64::MAX);
        let mut left = max_records;
        let own = next;
        while !sought.is_empty() && left > 0 && next <= durable.0 {
            // A damaged record ends the search. The tables still say what became of events that are held or
            // dead.
            let batch = match log.read_from(next, READ_BYTES) {
                Err(error) if error.is_damage() => break,
                read => read?,
            };
            for record in batch.iter().take_while(|record| record.sequence <= durable.0).take(left) {
                if record.sequence == own {
                    let is_before = |at: Timestamp| record.timestamp_ms < at.0;
                    sought.retain(|sought| sought.only_before.is_none_or(is_before));
                }
                trail.read(&record, offset)?;
                next = record.sequence.saturating_add(1);
                left -= 1;
            }
            if batch.is_empty() {
                break;
            }
            sought.retain(|sought| !(sought.once && trail.is_settled(sought.consumer)));
        }
        if next <= durable.0 {
            trail.open = sought.iter().map(|sought| sought.consumer).collect();
        }
        Ok(trail)
    }

    /// The last that the consumer did.
    pub(super) fn turn(&self, consumer: ConsumerId) -> Option<&Turn> {
        self.turns.get(&consumer)
    }

    /// Whether the consumer may have done more than was found, in records that were not looked at.
    pub(super) fn is_open(&self, consumer: ConsumerId) -> bool {
        self.open.contains(&consumer)
    }

    /// Whether nothing can follow in this generation of the consumer.
    fn is_settled(&self, consumer: ConsumerId) -> bool {
        matches!(
            self.turn(consumer),
            Some(Turn::Done(_) | Turn::Discarded(_) | Turn::Dropped(_) | Turn::Skipped(_))
        )
    }

    fn read(&mut self, record: &Record<'_>, offset: Offset) -> Result<(), EventError> {
        let transaction = Transaction::decode(record.payload)
            .map_err(|error| EventError::Failed { reason: format!("record {}: {error}", record.sequence) })?;
        let at = Timestamp(record.timestamp_ms);
        let mut first = Offset(record.first_offset);
        for section in &transaction.sections {
            match section {
                Section::Handled(handled) => self.handled(handled, offset, first),
                Section::Intervention(act) => self.intervened(act, offset, at),
                Section::Consumer(changed) => self.changed(changed, offset, at),
                Section::Published(_)
                | Section::Fired(_)
                | Section::Activated(_)
                | Section::Redrive(_)
                | Section::Refolded(_) => {}
            }
            first = first.plus(section.events().count() as u64);
        }
        Ok(())
    }

    /// `first` is the offset of the first event that the section published.
    fn handled(&mut self, handled: &Handled, offset: Offset, first: Offset) {
        self.kept(handled.consumer, &handled.held, &handled.dead, offset);
        if handled.cause != offset {
            return;
        }
        let published =
            handled.events.iter().zip(0..).filter(|(event, _)| !reserved::is_type(&event.event_type));
        let view = |(event, index): (&Event, u64)| PublishedView {
            offset: first.plus(index),
            event_type: event.event_type.clone(),
        };
        let handling = || Handling {
            at: handled.at,
            attempt: handled.attempt.max(1),
            activation: handled.activation,
            published: published.map(view).collect(),
        };
        let turn = match handled.outcome {
            Outcome::Done => Turn::Done(handling()),
            Outcome::Released => Turn::Called(handling()),
            Outcome::Held | Outcome::Retrying | Outcome::DeadLettered | Outcome::Suspended => Turn::Kept,
        };
        self.turns.insert(handled.consumer, turn);
    }

    /// Whether the event became a held one or a dead letter.
    fn kept(
        &mut self,
        consumer: ConsumerId,
        held: &[HeldChange],
        dead: &[DeadChange],
        offset: Offset,
    ) -> bool {
        let held = held.iter().any(|change| change.offset == offset && change.event.is_some());
        let dead = dead.iter().any(|change| change.offset == offset && change.letter.is_some());
        if held || dead {
            self.turns.insert(consumer, Turn::Kept);
        }
        held || dead
    }

    fn intervened(&mut self, act: &Intervention, offset: Offset, at: Timestamp) {
        let skipped = act.events.iter().find(|event| event.event_type == SKIPPED);
        let touches = act.held.iter().any(|change| change.offset == offset)
            || act.dead.iter().any(|change| change.offset == offset)
            || skipped.is_some_and(|event| passes_over(event, offset)) && self.turn(act.consumer).is_none();
        if !touches || self.kept(act.consumer, &act.held, &act.dead, offset) {
            return;
        }
        let turn = if skipped.is_some() { Turn::Skipped(at) } else { Turn::Discarded(at) };
        self.turns.insert(act.consumer, turn);
    }

    fn changed(&mut self, changed: &ConsumerChanged, offset: Offset, at: Timestamp) {
        let consumer = changed.record.id;
        let is_kept = matches!(self.turn(consumer), Some(Turn::Kept));
        if !changed.clears {
            return;
        }
        match changed.checkpoint {
            // It begins anew before the event.
            Some(checkpoint) if checkpoint <= offset => _ = self.turns.remove(&consumer),
            Some(_) if is_kept || self.turn(consumer).is_none() => {
                self.turns.insert(consumer, Turn::Dropped(at));
            }
            _ if is_kept => _ = self.turns.insert(consumer, Turn::Dropped(at)),
            _ => {}
        }
    }
}

/// Whether the runtime's own event says that its consumer went on without the one at `offset`.
fn passes_over(skipped: &Event, offset: Offset) -> bool {
    #[derive(serde::Deserialize)]
    struct Skipped {
        from: Option<u64>,
        until: Option<u64>,
    }
    let Ok(Skipped { from: Some(from), until: Some(until) }) = serde_json::from_slice(&skipped.data) else {
        return false;
    };
    (from..until).contains(&offset.0)
}

#[cfg(test)]
mod tests {
    use camshaft_log::{Batch, Bounds, LogError, NextRecord};

    use super::*;
    use crate::{Config, Subscription};

    #[test]
    fn an_event_that_a_consumer_was_made_to_pass_over_is_skipped() {
        let turn = |data: &str, offset: u64| {
            let told = Event { event_type: SKIPPED.into(), data: data.as_bytes().into(), ..Event::default() };
            let (held, dead, timers) = (Vec::new(), Vec::new(), Vec::new());
            let act = Intervention {
                consumer: ConsumerId(1),
                held,
                dead,
                events: vec![told],
                timers,
                ..Intervention::default()
            };
            let mut trail = Trail::default();
            trail.intervened(&act, Offset(offset), Timestamp(7));
            matches!(trail.turn(ConsumerId(1)), Some(Turn::Skipped(Timestamp(7))))
        };
        let passed = r#"{"consumer":"stock","from":100,"until":200,"held":[],"dead":[],"timers":[]}"#;
        assert_eq!([99, 100, 199, 200].map(|offset| turn(passed, offset)), [false, true, true, false]);
        assert!(!turn(r#"{"consumer":"stock","from":null,"until":null}"#, 0));
    }

    #[tokio::test]
    async fn only_so_many_records_are_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data: folder.path().join("data"),
            plugins: folder.path().join("plugins"),
            ..Config::default()
        };
        let runtime = Runtime::open(config).await.unwrap();
        let event =
            Event { id: "1".into(), source: "/s".into(), event_type: "a.b".into(), ..Event::default() };
        let offset = runtime.publish(event.clone()).await.unwrap().offset;
        // The records of these lie between the event and what becomes of it.
        for id in 2..8 {
            let between = Event { id: id.to_string(), event_type: "c.d".into(), ..event.clone() };
            runtime.publish(between).await.unwrap();
        }
        runtime.subscribe("late", Subscription::types(["a.b"]), |_, _| Ok(())).await.unwrap();
        let consumer = runtime
            .0
            .core
            .read_durably(|sequencer| sequencer.lock().consumer_state("late").map(|state| state.record.id));
        let sought = [Sought { consumer: consumer.await.unwrap().unwrap(), once: true, only_before: None }];
        let follow = |most: usize| {
            let durable = runtime.0.core.durable.state().durable.sequence;
            Trail::follow(&*runtime.0.core.log, offset, durable, sought.to_vec(), most).unwrap()
        };
        while !follow(MAX_RECORDS).is_settled(sought[0].consumer) {
            tokio::task::yield_now().await;
        }
        let (short, long) = (follow(6), follow(MAX_RECORDS));
        let consumer = sought[0].consumer;
        assert!(short.is_open(consumer) && short.turn(consumer).is_none());
        assert!(!long.is_open(consumer) && matches!(long.turn(consumer), Some(Turn::Done(_))));
        let durable = runtime.0.core.durable.state().durable.sequence;
        let damaged = Damaged(Arc::clone(&runtime.0.core.log));
        let trail = Trail::follow(&damaged, offset, durable, sought.to_vec(), MAX_RECORDS).unwrap();
        assert!(trail.is_open(consumer), "a damaged record ends the search");
        runtime.shutdown().await;
    }

    /// A log of which nothing can be read.
    struct Damaged(Arc<dyn LogReader>);

    impl LogReader for Damaged {
        fn read_from(&self, _: u64, _: u32) -> Result<Batch, LogError> {
            let (file, detail) = ("00001.log".to_owned(), "a checksum does not match".to_owned());
            Err(LogError::Corrupt { file, position: 0, detail })
        }

        fn find_offset(&self, offset: u64) -> Result<Option<u64>, LogError> {
            self.0.find_offset(offset)
        }

        fn find_time(&self, timestamp_ms: u64) -> Result<u64, LogError> {
            self.0.find_time(timestamp_ms)
        }

        fn next_readable(&self, offset: u64) -> Result<NextRecord, LogError> {
            self.0.next_readable(offset)
        }

        fn identity(&self) -> u64 {
            self.0.identity()
        }

        fn bounds(&self) -> Bounds {
            self.0.bounds()
        }

        fn synced(&self) -> u64 {
            self.0.synced()
        }

        fn reserved_bytes(&self) -> u64 {
            self.0.reserved_bytes()
        }

        fn max_payload_bytes(&self) -> u32 {
            self.0.max_payload_bytes()
        }
    }
}
