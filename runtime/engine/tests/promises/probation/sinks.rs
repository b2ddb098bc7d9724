//! Sinks are on probation, too. A call that may be repeated is made again by the version before; one that may
//! not is not.

use camshaft_engine::ConsumerSpec;
use camshaft_event::Delivery;

use super::{LEAST, announced, handler, rolled_back, running, version};
use crate::promises::harness::{World, reject, sink};

fn sink_version(digest: &str, delivery: Delivery) -> ConsumerSpec {
    ConsumerSpec { policy: sink("one", &[], delivery).policy, ..version(digest) }
}

fn replaced(delivery: Delivery) -> World {
    let mut world = World::new();
    world.attach(sink_version("a", delivery), handler(reject()));
    world.settle();
    world.attach(sink_version("b", delivery), handler(reject()));
    world.put_apart(0..LEAST);
    world.settle();
    world
}

#[test]
fn calls_that_may_be_repeated_are_made_by_the_version_before() {
    let mut world = replaced(Delivery::AtLeastOnce);
    assert_eq!((running(&world).as_str(), world.standing("one").dead), ("a", 0));
    assert_eq!((world.state("one").len(), world.called("one").len()), (LEAST, 2 * LEAST));
    assert!(announced(&mut world, "camshaft.dead-letter.added").is_empty());
}

#[test]
fn calls_that_must_not_be_repeated_are_dead_letters_and_count() {
    let world = replaced(Delivery::AtMostOnce);
    assert_eq!((running(&world).as_str(), world.standing("one").dead), ("a", LEAST));
    assert_eq!(world.called("one").len(), LEAST);
    assert_eq!(rolled_back(&world).unwrap().measured.failed, 20);
}
