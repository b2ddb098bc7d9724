//! Short ways to build transactions, and tables that apply them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use camshaft_event::transaction::{
    ActivationHistory, ConsumerChanged, ConsumerRecord, ConsumerStatus, DeadChange, Handled, HeldChange,
    Published, RedriveChange, RedriveChanged, RedriveJob, RedriveResults, RedriveSelection, RedriveState,
    Section, StateWrite, TimerChange,
};
use camshaft_event::{
    ActivationId, AttemptHistory, AttemptInputs, ConsumerId, DeadLetter, Event, Generation, HeldEvent,
    Offset, RedriveId, Role, Sequence, Timestamp, Transaction,
};
use camshaft_tables::store::{MemoryStore, Store};
use camshaft_tables::{ConsumerProgress, PortionBounds, Position, StateSpace, Tables, Versioned};

pub const CONSUMER: ConsumerId = ConsumerId(1);

pub fn space(generation: u32) -> StateSpace {
    StateSpace { consumer: CONSUMER, generation: Generation(generation) }
}

/// At most so many entries of the first portion of a range.
pub fn entries(
    tables: &Tables<MemoryStore>,
    space: StateSpace,
    prefix: &[u8],
    after: Option<&[u8]>,
    max: usize,
) -> Vec<(Vec<u8>, Versioned)> {
    let bounds = PortionBounds { entries: max, bytes: usize::MAX };
    tables.state_portion(space, prefix, after, bounds).unwrap().entries
}

pub fn new_tables() -> Tables<MemoryStore> {
    Tables::open(Arc::new(MemoryStore::new())).unwrap()
}

/// Applies a section as the next transaction.
pub fn apply(tables: &mut Tables<MemoryStore>, section: Section) {
    apply_all(tables, vec![section]);
}

pub fn apply_all(tables: &mut Tables<MemoryStore>, sections: Vec<Section>) {
    let progress = tables.progress();
    let at = Position { sequence: progress.sequence.next(), first_offset: progress.next_offset };
    tables.apply(at, Transaction { floors: Vec::new(), sections }).unwrap();
}

pub fn flush(tables: &mut Tables<MemoryStore>) {
    if let Some(frozen) = tables.freeze([]) {
        frozen.write(tables.store().as_ref()).unwrap();
        tables.flushed().unwrap();
    }
}

pub fn standing(floor: u64) -> ConsumerProgress {
    ConsumerProgress { consumer: CONSUMER, floor: Offset(floor), recent: None }
}

pub fn event(id: &str) -> Event {
    Event { id: id.into(), source: "/test".into(), event_type: "thing.happened".into(), ..Event::default() }
}

pub fn published(ids: &[&str]) -> Section {
    Section::Published(Published { events: ids.iter().map(|id| event(id)).collect() })
}

/// State writes of one handled event.
pub fn writes(generation: u32, changes: &[(&[u8], Option<&[u8]>)]) -> Section {
    let write = |(key, value): &(&[u8], Option<&[u8]>)| StateWrite {
        key: key.to_vec().into(),
        value: value.map(|value| value.to_vec().into()),
    };
    Section::Handled(Box::new(Handled {
        consumer: CONSUMER,
        state_generation: Generation(generation),
        state: changes.iter().map(write).collect(),
        ..Handled::default()
    }))
}

/// One event that became a dead letter, one that is held, one timer, a checkpoint.
pub fn troubles(offset: u64) -> Section {
    let letter = DeadLetter {
        event: event("dead"),
        at: Timestamp(1),
        parks: true,
        redrives: 0,
        history: AttemptHistory::default(),
        inputs: AttemptInputs::default(),
        since: Sequence(0),
        sequenced_at: Some(Timestamp(1)),
    };
    let held = HeldEvent::waiting(event("held"), Some(Timestamp(1)));
    let timer = TimerChange::Set { name: "t".into(), at: Timestamp(9), event: Box::new(event("timer")) };
    Section::Handled(Box::new(Handled {
        consumer: CONSUMER,
        cause: Offset(offset),
        advances: Some(3),
        timers: vec![timer],
        dead: vec![DeadChange { offset: Offset(offset), letter: Some(Box::new(letter)) }],
        held: vec![HeldChange { offset: Offset(offset + 1), event: Some(Box::new(held)) }],
        ..Handled::default()
    }))
}

/// A consumer in its `generation`; it begins anew there if `checkpoint` says where.
pub fn consumer(generation: u32, checkpoint: Option<u64>, clears: bool) -> Section {
    let record = ConsumerRecord {
        id: CONSUMER,
        name: "one".into(),
        generation: Generation(generation),
        state_generation: Generation(generation),
        partitions: 4,
        status: ConsumerStatus::Attached,
        activation: ActivationId(0),
        paused: None,
        pinned: None,
        history: ActivationHistory::default(),
        probation: None,
        role: Role::Handler,
    };
    let checkpoint = checkpoint.map(Offset);
    Section::Consumer(Box::new(ConsumerChanged {
        record,
        checkpoint,
        clears,
        events: Vec::new(),
        recent: None,
    }))
}

/// A redrive job that has got as far as `redriven`, or is forgotten, with what came of it.
pub fn redrive(id: u64, redriven: Option<u64>) -> Section {
    let id = RedriveId(id);
    let selection =
        RedriveSelection { consumer: "one".into(), event_type: None, reason: None, since: None, until: None };
    let job = redriven.map(|redriven| RedriveJob {
        id,
        selection,
        as_of: Sequence(1),
        per_second: None,
        state: RedriveState::Running,
        started_at: Timestamp(1),
        ended_at: None,
        next: Offset(redriven),
        due_us: 0,
        selected: 9,
        redriven,
        gone: 0,
    });
    let results = redriven.map(|handled| (id, RedriveResults { handled, dead_again: 1 }));
    Section::Redrive(Box::new(RedriveChanged {
        jobs: vec![RedriveChange { id, job: job.map(Box::new) }],
        results: results.into_iter().collect(),
        events: vec![event("redrive")],
    }))
}

/// All that a store holds.
pub fn stored(store: &MemoryStore) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut entries = BTreeMap::new();
    let mut take = |key: &[u8], value: &[u8]| {
        entries.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    store.scan(b"", None, &mut take).unwrap();
    entries
}
