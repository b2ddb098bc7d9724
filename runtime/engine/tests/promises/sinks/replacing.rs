//! A sink is replaced, detached, and turned into another consumer and back, while calls are under way.

use camshaft_engine::Committed;

use super::{LEAST, MOST, World, deliver, sink, world};
use crate::promises::harness::{note, spec};

#[test]
fn a_call_under_way_finishes_under_what_it_was_taken_with() {
    for delivery in [LEAST, MOST] {
        let mut world = world(delivery);
        world.put_range(0..2, "k");
        deliver(&mut world);
        let call = world.launch().unwrap();
        world.sync();
        let mut other = sink("mailer", &["thing.*"], delivery);
        other.version = "2".to_owned();
        other.code = 7;
        world.attach(other, note);
        assert!(world.launch().is_none(), "the partition waits for it");
        assert!(matches!(world.land(call), Committed::At(_)));
        let next = world.take_call().unwrap();
        assert_eq!(next.spec.code, 7, "what begins now is the new one's");
    }
}

#[test]
fn a_detached_sink_finishes_its_call_and_begins_no_other() {
    for delivery in [LEAST, MOST] {
        let mut world = world(delivery);
        world.put_range(0..2, "k");
        deliver(&mut world);
        let call = world.launch().unwrap();
        world.sync();
        world.detach("mailer");
        assert!(matches!(world.land(call), Committed::At(_)));
        world.settle();
        assert_eq!(world.state("mailer")["k"], "0");
        world.attach(sink("mailer", &["thing.*"], delivery), note);
        world.settle();
        assert_eq!(world.state("mailer")["k"], "0 1");
    }
}

#[test]
fn a_consumer_becomes_a_sink_and_ceases_to_be_one_with_work_waiting() {
    let mut world = World::new();
    world.attach(spec("mailer", &["thing.*"]), note);
    world.settle();
    world.put_range(0..2, "k");
    deliver(&mut world);
    assert!(world.sequencer().has_work());
    world.attach(sink("mailer", &["thing.*"], LEAST), note);
    while world.read() {}
    assert!(world.take().is_none() && world.sequencer().has_calls());
    let call = world.launch().unwrap();
    world.attach(spec("mailer", &["thing.*"]), note);
    world.sync();
    world.land(call);
    while world.read() {}
    assert!(world.take_call().is_none() && world.sequencer().has_work());
    assert_eq!(world.sequencer().running_calls(), 0);
    assert_eq!(world.sequencer().running_batches(), 0);
    world.settle();
    assert_eq!(world.state("mailer")["k"], "0 1");
}

#[test]
fn a_sink_that_went_and_came_back_before_its_turn_has_one_turn() {
    let mut world = world(LEAST);
    world.put("0", "k");
    deliver(&mut world);
    assert!(world.sequencer().has_calls());
    world.detach("mailer");
    world.attach(sink("mailer", &["thing.*"], LEAST), note);
    world.settle();
    assert_eq!(world.state("mailer")["k"], "0");
    assert!(!world.sequencer().has_calls());
}
