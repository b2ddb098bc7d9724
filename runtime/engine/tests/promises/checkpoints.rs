//! Checkpoints: recovery neither repeats nor skips, and a checkpoint never passes an open event.

use camshaft_event::{AttemptContext, Offset};

use super::harness::{World, done, event, key_in, note, reject, retry, spec};

#[test]
fn a_checkpoint_never_passes_an_open_event() {
    let mut world = World::with(|options| options.batch_events = 1);
    world.attach(spec("one", &["thing.*"]), note);
    world.sync();
    let first = world.put("0", &key_in(0));
    world.put_range(1..6, &key_in(1));
    world.sync();
    world.read();
    let held = world.take().unwrap();
    while world.step().is_some() {
        assert_eq!(world.standing("one").checkpoint, first, "the first event is still open");
    }
    assert_eq!(world.state("one")[&key_in(1)], "1 2 3 4 5");
    // A crash now repeats only what is open.
    world.sync();
    drop(held);
    world.crash();
    world.restart();
    world.settle();
    assert_eq!(world.called("one"), ["1", "2", "3", "4", "5", "0"]);
    assert_eq!(world.standing("one").checkpoint, world.sequencer().sequenced().next_offset);
}

#[test]
fn an_idle_partition_stands_at_the_read_position() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.put("0", "a");
    world.settle();
    // Events that it does not want move it on, too.
    let other = camshaft_event::Event { event_type: "other".into(), ..event("x", "a") };
    (0..50).for_each(|id| {
        world.publish(vec![camshaft_event::Event { id: format!("x{id}"), ..other.clone() }]);
    });
    world.settle();
    let tail = world.sequencer().sequenced().next_offset;
    assert_eq!(world.standing("one").checkpoint, tail);
    // It rides in the next snapshot.
    world.flush();
    world.crash();
    world.recover();
    assert_eq!(world.standing("one").checkpoint, tail);
}

#[test]
fn held_and_dead_events_do_not_hold_the_checkpoint_back() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| match event.id.as_str() {
        "retried" if attempt.attempt() < 3 => retry(),
        "dead" => reject(),
        _ => done(),
    });
    for (id, key) in [("retried", "a"), ("waits", "a"), ("dead", "b"), ("parked", "b")] {
        world.put(id, key);
    }
    world.settle();
    assert_eq!(world.standing("one").checkpoint, world.sequencer().sequenced().next_offset);
    let standing = world.standing("one");
    assert_eq!((standing.retrying, standing.held, standing.dead), (1, 2, 1));
    assert_eq!(
        standing.oldest.map(|oldest| oldest.offset),
        Some(Offset(1)),
        "the oldest that is neither done nor dead"
    );
}

#[test]
fn recovery_from_any_moment_repeats_and_skips_nothing() {
    for flush_every in [1, 3, 100] {
        let mut world = World::with(|options| options.batch_events = 2);
        world.attach(spec("one", &["thing.*"]), note);
        for id in 0..40 {
            world.put(&id.to_string(), ["a", "b", "c"][id % 3]);
            world.sync();
            if id % 2 == 0 {
                world.read();
                world.step();
            }
            if id % flush_every == 0 {
                world.flush();
            }
            if id % 7 == 0 {
                world.sync();
                world.crash();
                world.restart();
            }
        }
        world.settle();
        let numbers = |key: &str| -> Vec<usize> {
            world.state("one")[key].split(' ').map(|id| id.parse().unwrap()).collect()
        };
        for (at, key) in ["a", "b", "c"].into_iter().enumerate() {
            assert_eq!(numbers(key), (at..40).step_by(3).collect::<Vec<_>>());
        }
    }
}
