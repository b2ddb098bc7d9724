//! A reset puts a consumer to the first event since a time, to the first retained one, or to the end.

use camshaft_engine::{ResetPlace, ResetTo, first_offset_since};
use camshaft_event::{Event, Offset, Timestamp};

use super::harness::{World, event, note, spec};

fn reset(world: &mut World, place: ResetPlace) -> Offset {
    let now = world.now();
    world.sequencer().reset("one", ResetTo { place, keep_state: false }, now).unwrap()
}

/// The place of a time, as the runtime finds it: once all that is sequenced is written.
fn since(world: &mut World, time: Timestamp) -> Offset {
    world.sync();
    first_offset_since(&*world.log(), time).unwrap()
}

/// Ten events, one every 10 ms, then one that is sequenced at the same time as the last. Returns offsets and
/// times.
fn events(world: &mut World) -> Vec<(Offset, Timestamp)> {
    let mut placed = Vec::new();
    for id in 0..11 {
        let offset = world.put(&id.to_string(), "k");
        placed.push((offset, world.now()));
        if id < 9 {
            world.clock.advance_ms(10);
        }
    }
    placed
}

#[test]
fn a_time_stands_for_the_first_event_sequenced_then_or_later() {
    let mut world = World::new();
    let placed = events(&mut world);
    for (offset, time) in &placed[..10] {
        assert_eq!(since(&mut world, *time), *offset);
        assert_eq!(since(&mut world, Timestamp(time.0 - 1)), *offset);
        assert_eq!(since(&mut world, Timestamp(time.0 - 9)), *offset);
    }
    assert_eq!(placed[9].1, placed[10].1);
    assert_eq!(since(&mut world, Timestamp(0)), Offset(0), "before the first");
    let end = world.sequencer().sequenced().next_offset;
    let last = placed[10].1;
    assert_eq!(since(&mut world, last.plus_ms(1)), end, "after the last");
}

#[test]
fn an_empty_log_begins_at_any_time() {
    let mut world = World::new();
    assert_eq!(since(&mut world, Timestamp(5)), Offset(0));
}

#[test]
fn transactions_without_events_do_not_matter() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    let placed = events(&mut world);
    // Handling leaves transactions without events, at a later time.
    world.clock.advance_ms(5);
    world.settle();
    let handled_at = world.now();
    world.clock.advance_ms(5);
    let next = world.put("next", "k");
    assert!(next > placed[10].0);
    assert_eq!(since(&mut world, handled_at), next);
}

#[test]
fn a_consumer_that_is_reset_to_a_time_handles_what_came_since() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    let placed = events(&mut world);
    world.settle();
    let place = since(&mut world, placed[7].1);
    assert_eq!(reset(&mut world, ResetPlace::Offset(place)), placed[7].0);
    world.settle();
    assert_eq!(world.state("one")["k"], "7 8 9 10");
}

#[test]
fn earliest_and_latest_are_where_the_log_begins_and_ends() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    events(&mut world);
    world.settle();
    let end = world.sequencer().sequenced().next_offset;
    assert_eq!(reset(&mut world, ResetPlace::Latest), end);
    world.put("new", "k");
    world.settle();
    assert_eq!(world.state("one")["k"], "new");
    assert_eq!(reset(&mut world, ResetPlace::Earliest), Offset(0));
    world.settle();
    assert_eq!(world.state("one")["k"], "0 1 2 3 4 5 6 7 8 9 10 new");
}

#[test]
fn where_the_log_was_trimmed_the_first_retained_event_stands_for_earlier_times() {
    let mut world = World::new();
    while world.sequencer().first_offset() == Offset(0) {
        let next = world.sequencer().sequenced().next_offset;
        let filler = event(&format!("filler {next}"), "filler");
        world.publish(vec![Event { data: vec![0; 15_000], ..filler }]);
        world.clock.advance_ms(10);
        world.settle();
        world.flush();
        world.trim();
    }
    let first = world.sequencer().first_offset();
    assert_eq!(since(&mut world, Timestamp(0)), first);
    world.attach(spec("one", &["nothing"]), note);
    assert_eq!(reset(&mut world, ResetPlace::Earliest), first);
    assert_eq!(reset(&mut world, ResetPlace::Offset(Offset(0))), first, "the nearest that there is");
    let end = world.sequencer().sequenced().next_offset;
    assert_eq!(reset(&mut world, ResetPlace::Offset(Offset(u64::MAX))), end);
}
