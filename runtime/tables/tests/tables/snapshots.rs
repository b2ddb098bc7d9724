//! A flush writes one atomic batch with its progress; opened again, the tables stand there.

use std::sync::Arc;

use camshaft_event::transaction::{ConsumerStatus, Handled, RecentEvents, Section};
use camshaft_event::{ActivationId, Offset, Sequence};
use camshaft_tables::store::{MemoryStore, Store};
use camshaft_tables::{ConsumerProgress, Tables, TablesError};

use super::build::{
    CONSUMER, apply, consumer, entries, event, flush, new_tables, published, space, standing, stored,
    troubles, writes,
};

#[test]
fn opened_again_they_stand_at_their_snapshot() {
    let mut tables = new_tables();
    apply(&mut tables, consumer(1, Some(0), false));
    apply(&mut tables, published(&["a", "b"]));
    apply(&mut tables, writes(1, &[(b"k", Some(b"v"))]));
    apply(&mut tables, troubles(1));
    flush(&mut tables);
    let progress = tables.progress();
    apply(&mut tables, writes(1, &[(b"k", Some(b"not flushed"))]));
    let again = Tables::open(Arc::clone(tables.store())).unwrap();
    assert_eq!((again.progress(), again.snapshot()), (progress, progress));
    assert_eq!((progress.sequence, progress.next_offset), (Sequence(4), Offset(2)));
    assert_eq!(again.state(space(1), b"k").unwrap().unwrap().value, b"v");
    assert_eq!(again.consumers().unwrap(), tables.consumers().unwrap());
    assert_eq!(again.timer(CONSUMER, "t").unwrap().unwrap().event, event("timer"));
    assert!(again.dead_letter(CONSUMER, Offset(1)).unwrap().is_some());
}

#[test]
fn while_one_is_written_everything_is_read_as_before_and_new_changes_go_on() {
    let mut tables = new_tables();
    apply(&mut tables, writes(1, &[(b"a", Some(b"1")), (b"b", Some(b"1"))]));
    let frozen = tables.freeze([standing(9)]).unwrap();
    assert!(tables.freeze([]).is_none() && tables.is_flushing(), "one at a time");
    apply(&mut tables, writes(1, &[(b"a", None), (b"c", Some(b"2"))]));
    let keys = |tables: &Tables<MemoryStore>| {
        let found = entries(tables, space(1), b"", None, 9);
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    let expected = [b"b".to_vec(), b"c".to_vec()];
    assert_eq!(keys(&tables), expected);
    frozen.write(tables.store().as_ref()).unwrap();
    assert_eq!((keys(&tables), tables.flushed_floor(CONSUMER).unwrap()), (expected.to_vec(), Offset(9)));
    let bytes = tables.memory_bytes();
    tables.flushed().unwrap();
    assert!(tables.memory_bytes() < bytes && !tables.is_flushing());
    assert_eq!(keys(&tables), expected);
    assert_eq!(tables.snapshot().sequence, Sequence(1));
}

#[test]
fn nothing_new_is_no_snapshot() {
    let mut tables = new_tables();
    assert!(tables.freeze([standing(1)]).is_none());
    apply(&mut tables, published(&["a"]));
    flush(&mut tables);
    assert!(tables.freeze([]).is_none());
}

#[test]
fn a_write_may_be_tried_again() {
    let mut tables = new_tables();
    apply(&mut tables, published(&["a", "b"]));
    apply(&mut tables, writes(1, &[(b"k", Some(b"v"))]));
    let frozen = tables.freeze([]).unwrap();
    frozen.write(tables.store().as_ref()).unwrap();
    let once = stored(tables.store());
    frozen.write(tables.store().as_ref()).unwrap();
    assert_eq!(stored(tables.store()), once);
}

#[test]
fn a_newer_format_is_refused_and_damage_is_named() {
    let mut tables = new_tables();
    apply(&mut tables, consumer(1, Some(0), false));
    flush(&mut tables);
    let store = Arc::clone(tables.store());
    let set = |key: &[u8], value: &[u8]| store.write(&mut [(key, Some(value))].into_iter()).unwrap();
    let (format, record) = ([1, 0], [2, 0, 0, 0, 1]);
    set(&record, b"garbage");
    let damaged = Tables::open(Arc::clone(&store)).unwrap().consumers().unwrap_err();
    assert!(matches!(damaged, TablesError::Damaged { what: "consumer" }), "{damaged}");
    set(&format, &[TablesError::SUPPORTED_FORMAT + 1]);
    let refused = Tables::open(Arc::clone(&store)).unwrap_err();
    assert!(matches!(refused, TablesError::NewerFormat { found: 2 }), "{refused}");
    set(&format, b"no number");
    assert!(matches!(Tables::open(store), Err(TablesError::Damaged { .. })));
}

#[test]
fn the_events_that_measure_a_consumer_ride_in_the_snapshot_and_go_with_it() {
    let recent = |number: u64, events: u32| {
        let mut recent = RecentEvents::of(ActivationId(number));
        let handled = Handled { activation: ActivationId(number), attempt: 1, ..Handled::default() };
        (0..events).for_each(|_| recent.note(&handled, 9));
        recent
    };
    let mut tables = new_tables();
    let changed = |recent: Option<RecentEvents>, status: ConsumerStatus| {
        let Section::Consumer(mut changed) = consumer(1, None, false) else { panic!() };
        (changed.recent, changed.record.status) = (recent, status);
        Section::Consumer(changed)
    };
    apply(&mut tables, changed(None, ConsumerStatus::Attached));
    assert_eq!(tables.recent_events(CONSUMER).unwrap(), None);
    let counted = ConsumerProgress { recent: Some(recent(1, 3)), ..standing(1) };
    let frozen = tables.freeze([counted]).unwrap();
    frozen.write(tables.store().as_ref()).unwrap();
    tables.flushed().unwrap();
    assert_eq!(tables.recent_events(CONSUMER).unwrap(), Some(recent(1, 3)));
    // Other code begins with what its transaction says.
    apply(&mut tables, changed(Some(recent(2, 0)), ConsumerStatus::Attached));
    assert_eq!(tables.recent_events(CONSUMER).unwrap(), Some(recent(2, 0)));
    apply(&mut tables, changed(None, ConsumerStatus::Attached));
    assert_eq!(tables.recent_events(CONSUMER).unwrap(), Some(recent(2, 0)));
    apply(&mut tables, changed(None, ConsumerStatus::Removed));
    assert_eq!(tables.recent_events(CONSUMER).unwrap(), None);
}
