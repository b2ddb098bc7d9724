//! As many calls as allowed are under way at a time, and no more; they take no worker.

use camshaft_engine::ConsumerSpec;
use camshaft_event::Sink;

use super::{LEAST, MOST, World, deliver, sink, world};
use crate::promises::harness::{done, key_in, note, spec};

fn wide(name: &str, max_in_flight: u32) -> ConsumerSpec {
    let mut declared = sink(name, &["thing.*"], LEAST);
    declared.policy.sink = Some(Sink { delivery: LEAST, max_in_flight });
    declared.policy.partitions = 64;
    declared
}

#[test]
fn max_in_flight_is_reached_and_kept() {
    for most in [1, 3, 8] {
        let mut world = World::new();
        world.attach(wide("mailer", most), note);
        world.settle();
        world.put_apart(0..100);
        deliver(&mut world);
        let mut calls: Vec<_> = std::iter::from_fn(|| world.launch()).collect();
        assert_eq!(calls.len(), most as usize);
        assert!(!world.sequencer().has_calls());
        for _ in 0..20 {
            world.land(calls.remove(0));
            world.sync();
            calls.extend(std::iter::from_fn(|| world.launch()));
            assert_eq!(calls.len(), most as usize, "each that ends makes room for one");
            world.sync();
        }
        assert_eq!(world.standing("mailer").in_flight, most as usize);
    }
}

#[test]
fn all_sinks_together_have_no_more_calls_under_way_than_the_engine_allows() {
    let mut world = World::with(|options| options.max_calls = 5);
    for name in ["one", "two", "three"] {
        world.attach(wide(name, 4), |_, _| done());
    }
    world.settle();
    world.put_apart(0..50);
    deliver(&mut world);
    let calls: Vec<_> = std::iter::from_fn(|| world.launch()).collect();
    assert_eq!((calls.len(), world.sequencer().running_calls()), (5, 5));
    for name in ["one", "two", "three"] {
        assert!(world.standing(name).in_flight >= 1, "{name} has its turn");
    }
    calls.into_iter().for_each(|call| _ = world.land(call));
    world.settle();
    assert_eq!(world.calls.borrow().len(), 150);
}

#[test]
fn calls_under_way_take_no_worker_and_keep_no_other_consumer_waiting() {
    for delivery in [LEAST, MOST] {
        let mut world = world(delivery);
        world.attach(spec("other", &["thing.*"]), note);
        world.settle();
        world.put_apart(0..20);
        deliver(&mut world);
        let calls: Vec<_> = std::iter::from_fn(|| world.launch()).collect();
        assert_eq!(calls.len(), 4, "one for each partition");
        assert_eq!(world.sequencer().running_batches(), 0);
        while world.step().is_some() {}
        assert_eq!(world.called("other").len(), 20);
        assert!(world.called("mailer").is_empty());
        world.sync();
        calls.into_iter().for_each(|call| _ = world.land(call));
    }
}

#[test]
fn a_worker_is_never_given_a_sinks_event_nor_a_sink_a_batch() {
    let mut world = world(LEAST);
    world.put_range(0..10, "k");
    deliver(&mut world);
    assert!(world.take().is_none() && !world.sequencer().has_work());
    assert!(world.sequencer().has_calls());
    assert_eq!(world.take_call().unwrap().len(), 1, "a sink handles one event at a time");
    assert!(world.take_call().is_none(), "and one of a partition");
    world.put("other", &key_in(3));
}
