//! A consumer that does not keep up reads the log itself, through a window, and loses nothing by it.

use camshaft_engine::{LogEvents, Sequenced};
use camshaft_event::{Offset, Timestamp};

use super::harness::{World, event, note, spec};

fn small_window() -> World {
    World::with(|options| options.window_events = 10)
}

fn ids(count: usize) -> String {
    (0..count).map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_consumer_whose_window_overflows_catches_up_from_the_log_in_order() {
    let mut world = small_window();
    world.attach(spec("slow", &["thing.*"]), note);
    world.settle();
    for id in 0..200 {
        world.put(&id.to_string(), "k");
        world.sync();
    }
    assert!(world.sequencer().wants_read() || world.sequencer().has_work());
    world.settle();
    assert_eq!(world.state("slow")["k"], ids(200));
    // And it follows again: the next event reaches it without a read.
    world.put("200", "k");
    assert!(world.step().is_some());
    assert_eq!(world.state("slow")["k"], ids(201));
}

#[test]
fn what_is_not_durable_yet_reaches_it_from_memory() {
    let mut world = small_window();
    world.attach(spec("slow", &["thing.*"]), note);
    world.settle();
    world.put_range(0..50, "k");
    for _ in 0..50 {
        assert!(world.next_read().is_none(), "the log does not have it yet");
        while world.step().is_some() {}
    }
    assert_eq!(world.state("slow")["k"], ids(50));
}

#[test]
fn one_that_lags_does_not_hold_up_others() {
    let mut world = small_window();
    let mut choosy = spec("other", &["thing.*"]);
    choosy.policy.partitions = 1;
    world.attach(spec("slow", &["thing.*"]), note);
    world.attach(choosy, note);
    world.settle();
    world.put_range(0..30, "k");
    world.settle();
    assert_eq!(
        (world.state("slow")["k"].as_str(), world.state("other")["k"].as_str()),
        (&*ids(30), &*ids(30))
    );
}

#[test]
fn lagging_consumers_read_in_turn() {
    let mut world = World::with(|options| options.window_events = 2);
    for id in 0..100 {
        world.put(&id.to_string(), "k");
    }
    world.sync();
    for name in ["a", "b", "c"] {
        world.attach(spec(name, &["thing.*"]), note);
    }
    let mut readers = Vec::new();
    for _ in 0..3 {
        let read = world.next_read().unwrap();
        readers.push(read.spec.name.clone());
        let next = read.from.next();
        world.feed(&read, LogEvents { events: Vec::new(), next });
    }
    readers.sort_unstable();
    assert_eq!(readers, ["a", "b", "c"]);
}

#[test]
fn a_read_for_somebody_who_is_gone_is_of_no_effect() {
    let mut world = World::new();
    world.put_range(0..20, "k");
    world.sync();
    world.attach(spec("slow", &["thing.*"]), note);
    let read = world.next_read().unwrap();
    assert!(world.sequencer().is_current(&read));
    let found = || LogEvents {
        events: vec![Sequenced { offset: Offset(5), at: Timestamp(5), event: event("5", "k").into() }],
        next: Offset(6),
    };
    world.detach("slow");
    assert!(!world.sequencer().is_current(&read));
    world.feed(&read, found());
    // Back again, it wants the same read anew; the old one must not count as it.
    world.attach(spec("slow", &["thing.*"]), note);
    world.feed(&read, found());
    let again = world.next_read().unwrap();
    assert_eq!(again.from, read.from);
    world.feed(&read, found());
    assert!(world.sequencer().is_current(&again));
    let log = again.read(&*world.log(), 1 << 20).unwrap();
    world.feed(&again, log);
    world.settle();
    assert_eq!(world.state("slow")["k"], ids(20));
}
