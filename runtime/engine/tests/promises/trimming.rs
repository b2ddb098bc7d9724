//! The log keeps what the snapshot or a consumer still needs.

use camshaft_engine::{ResetPlace, ResetTo};
use camshaft_event::{Event, Offset};

use super::harness::{World, event, note, spec};

fn needed(world: &World) -> (u64, u64) {
    let needed = world.sequencer().needed(world.now());
    (needed.sequence.0, needed.next_offset.0)
}

fn put_some(world: &mut World, count: usize) {
    for _ in 0..count {
        let next = world.sequencer().sequenced().next_offset;
        world.put(&next.to_string(), "k");
    }
}

#[test]
fn nothing_may_go_before_a_snapshot_holds_it() {
    let mut world = World::new();
    put_some(&mut world, 10);
    assert_eq!(needed(&world), (0, 0));
    world.flush();
    assert_eq!(needed(&world), (10, 10));
}

#[test]
fn an_attached_consumer_keeps_what_it_has_not_read_also_after_a_restart() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    put_some(&mut world, 3);
    world.settle();
    world.flush();
    let read = needed(&world).1;
    put_some(&mut world, 5);
    world.sync();
    let batch = world.take().unwrap();
    world.flush();
    assert_eq!(needed(&world).1, read, "a batch in flight is not done");
    let finished = world.run(batch);
    world.commit(finished);
    assert_eq!(needed(&world).1, read, "the snapshot does not know it yet");
    world.flush();
    assert_eq!(needed(&world).1, world.sequencer().sequenced().next_offset.0);
    put_some(&mut world, 5);
    world.flush();
    world.crash();
    world.recover();
    assert!(needed(&world).1 <= world.standing("one").checkpoint.0, "no code is attached yet, and it pins");
}

#[test]
fn a_reset_to_an_earlier_place_pins_it_at_once() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    put_some(&mut world, 10);
    world.settle();
    world.flush();
    assert!(needed(&world).1 > 5);
    let now = world.now();
    world
        .sequencer()
        .reset("one", ResetTo { place: ResetPlace::Offset(Offset(5)), keep_state: false }, now)
        .unwrap();
    assert_eq!(needed(&world).1, 5);
}

#[test]
fn a_detached_consumer_pins_for_so_long() {
    let mut world = World::with(|options| options.detached_retention_ms = 1_000);
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    world.detach("one");
    let stands = world.standing("one").checkpoint.0;
    put_some(&mut world, 10);
    world.flush();
    assert_eq!(needed(&world).1, stands);
    world.clock.advance_ms(999);
    assert_eq!(needed(&world).1, stands);
    world.clock.advance_ms(1);
    assert_eq!(needed(&world).1, world.sequencer().sequenced().next_offset.0);
}

#[test]
fn a_removed_consumer_pins_until_the_removal_is_in_the_snapshot() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    world.detach("one");
    let stands = world.standing("one").checkpoint.0;
    put_some(&mut world, 10);
    world.flush();
    let now = world.now();
    world.sequencer().remove("one", now).unwrap();
    assert_eq!(needed(&world).1, stands, "a crash may take the removal back");
    world.flush();
    assert_eq!(needed(&world).1, world.sequencer().sequenced().next_offset.0);
}

#[test]
fn held_events_dead_letters_and_timers_never_pin() {
    use camshaft_event::{AttemptContext, NewEvent, Timestamp};
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| match event.id.as_str() {
        "0" => super::harness::reject(),
        "1" => super::harness::retry(),
        _ => {
            let later = NewEvent { event_type: "later".into(), ..NewEvent::default() };
            attempt.schedule("t", later, Timestamp(u64::MAX)).unwrap();
            note(event, attempt)
        }
    });
    for (id, key) in [("0", "a"), ("1", "b"), ("2", "c"), ("3", "a")] {
        world.put(id, key);
    }
    world.settle();
    for filler in 0..60 {
        world.publish(vec![Event {
            data: vec![0; 15_000],
            event_type: "filler".into(),
            ..event(&format!("filler {filler}"), "k")
        }]);
        world.sync();
        world.read();
    }
    world.flush();
    world.trim();
    assert!(world.sequencer().first_offset() > Offset(6), "the log has let them go");
    let (offset, _) = world.dead("one").remove(0);
    let now = world.now();
    world.sequencer().discard("one", offset, now).unwrap();
    world.crash();
    world.restart();
    let (offset, _) = world.dead("one").remove(0);
    world.sequencer().discard("one", offset, now).unwrap();
    world.settle();
    assert_eq!(world.state("one")["a"], "3");
}
