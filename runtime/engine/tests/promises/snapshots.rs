//! Snapshot and log after it say the same as the log alone; a snapshot is never ahead of the durable log.

use std::collections::BTreeMap;
use std::sync::Arc;

use camshaft_engine::RecoverError;
use camshaft_event::{AttemptContext, NewEvent, Timestamp};
use camshaft_tables::store::MemoryStore;

use super::harness::{World, note, publish, reject, retry, spec};

/// Something of everything that the tables hold.
fn busy_world() -> World {
    let mut world = World::new();
    world.attach(spec("busy", &["thing.happened"]), |event, attempt| {
        publish("thing.followed", attempt);
        let later = NewEvent { event_type: "later".into(), ..NewEvent::default() };
        attempt.schedule(&event.id, later, Timestamp(u64::MAX)).unwrap();
        match event.id.len() % 3 {
            0 if attempt.attempt() < 2 => retry(),
            1 if event.id.starts_with('7') => reject(),
            _ => note(event, attempt),
        }
    });
    world.attach(spec("other", &["thing.*"]), note);
    world
}

fn work(world: &mut World, from: usize, count: usize) {
    for id in from..from + count {
        world.put(&format!("{}-{id}", "7".repeat(id % 5)), ["a", "b", "c"][id % 3]);
        world.clock.advance_ms(30);
        world.settle();
    }
}

/// All the tables' entries but where consumers stand: a snapshot may know better than the log before it.
fn contents(world: &mut World) -> BTreeMap<Vec<u8>, Vec<u8>> {
    const FLOOR: u8 = 4;
    world.put("a last event, so that there is something to flush", "x");
    world.flush();
    world.stored().into_iter().filter(|(key, _)| key[0] != FLOOR).collect()
}

#[test]
fn recovered_from_a_snapshot_or_from_the_log_alone_the_tables_are_the_same() {
    let mut world = busy_world();
    work(&mut world, 0, 20);
    world.flush();
    work(&mut world, 20, 20);
    world.sync();
    let (mut with, mut without) = (world.copy(), world.copy());
    without.store = Arc::new(MemoryStore::new());
    with.recover();
    without.recover();
    assert!(with.sequencer().tables().snapshot().sequence.0 > 0);
    assert_eq!(without.sequencer().tables().snapshot().sequence.0, 0);
    let expected = contents(&mut with);
    assert!(expected.len() > 50);
    assert_eq!(contents(&mut without), expected);
    assert_eq!(contents(&mut world), expected, "and the same as in memory");
}

#[test]
fn both_go_on_from_there_in_the_same_way() {
    let mut world = busy_world();
    work(&mut world, 0, 15);
    world.flush();
    work(&mut world, 15, 10);
    let (mut with, mut without) = (world.copy(), world.copy());
    without.store = Arc::new(MemoryStore::new());
    for recovered in [&mut with, &mut without] {
        recovered.recover();
        recovered.attach(spec("other", &["thing.*"]), note);
        recovered.put("new", "a");
        recovered.settle();
    }
    assert_eq!(with.state("other"), without.state("other"));
    assert_eq!(with.called("other"), without.called("other"));
}

#[test]
fn reads_are_the_same_while_a_snapshot_is_written() {
    let mut world = busy_world();
    work(&mut world, 0, 10);
    let before = world.state("other");
    let frozen = world.sequencer().freeze().unwrap();
    assert!(world.sequencer().freeze().is_none(), "one at a time");
    assert_eq!(world.state("other"), before);
    work(&mut world, 10, 10);
    let during = world.state("other");
    world.sync();
    frozen.write(&*world.store).unwrap();
    world.sequencer().flushed().unwrap();
    assert_eq!(world.state("other"), during);
    assert_ne!(before, during);
}

#[test]
fn a_snapshot_that_was_not_let_go_is_as_good_as_any() {
    // The process ends between the write and the note of it.
    let mut world = busy_world();
    work(&mut world, 0, 10);
    let frozen = world.sequencer().freeze().unwrap();
    world.sync();
    frozen.write(&*world.store).unwrap();
    let expected = world.state("other");
    world.crash();
    world.restart();
    assert_eq!(world.state("other"), expected);
    assert_eq!(world.sequencer().tables().snapshot(), frozen.progress());
}

#[test]
fn a_snapshot_ahead_of_the_log_is_refused() {
    let mut world = busy_world();
    work(&mut world, 0, 5);
    world.put("never written", "a");
    // IMPORTANT: the flusher never does this.
    let frozen = world.sequencer().freeze().unwrap();
    frozen.write(&*world.store).unwrap();
    world.crash();
    let refused = world.try_recover().unwrap_err();
    assert!(matches!(refused, RecoverError::LogBehind { .. }), "{refused}");
}

#[test]
fn a_log_that_begins_behind_the_snapshot_is_refused() {
    let mut world = busy_world();
    while world.sequencer().first_offset().0 == 0 {
        let next = world.sequencer().sequenced().next_offset;
        let filler = super::harness::event(&next.to_string(), "filler");
        world.publish(vec![camshaft_event::Event { data: vec![0; 15_000], ..filler }]);
        world.settle();
        world.flush();
        world.trim();
    }
    world.crash();
    world.store = Arc::new(MemoryStore::new());
    let refused = world.try_recover().unwrap_err();
    assert!(matches!(refused, RecoverError::LogGap { .. }), "{refused}");
}
