//! While an event waits for the end of a probation, later ones of its key wait behind it; afterwards all run
//! in order.

use camshaft_engine::WaitsFor;

use super::{LEAST, PROBATION_MS, probation, rejecting, replaced, running};
use crate::promises::harness::trap;

#[test]
fn events_of_one_key_stay_in_order_over_a_rollback() {
    let mut world = rejecting();
    world.put_range(0..5, "k");
    world.put_range(5..10, "other");
    world.settle();
    let standing = world.standing("one");
    assert_eq!((standing.retrying, standing.held), (2, 8));
    world.put_apart(100..100 + LEAST);
    world.settle();
    assert_eq!(running(&world), "a");
    let state = world.state("one");
    assert_eq!((state["k"].as_str(), state["other"].as_str()), ("0 1 2 3 4", "5 6 7 8 9"));
}

#[test]
fn they_stay_in_order_when_the_version_stays() {
    let mut world = replaced(trap());
    world.put_range(0..5, "k");
    world.settle();
    let until = probation(&world).unwrap().until.unwrap();
    let held = world.standing("one").oldest_held.unwrap();
    assert_eq!((held.events, held.waits_for), (5, WaitsFor::Probation { until }));
    world.clock.advance_ms(PROBATION_MS);
    world.settle();
    assert!(matches!(world.standing("one").oldest_held.unwrap().waits_for, WaitsFor::Retry { .. }));
    super::attach(&mut world, "c", trap());
    world.settle_all();
    assert_eq!(world.state("one")["k"], "0 1 2 3 4");
}

#[test]
fn what_failed_on_the_version_before_waits_too_when_it_fails_again() {
    let mut world = rejecting();
    super::attach(&mut world, "a", trap());
    world.detach("one");
    super::attach(&mut world, "b", trap());
    world.put("0", "k");
    world.settle();
    // It is suspended; the next version fails it as well, and is replaced by the proven one.
    super::attach(&mut world, "bb", trap());
    world.put("1", "k");
    world.settle();
    assert_eq!((world.standing("one").retrying, world.standing("one").held), (1, 1));
    super::attach(&mut world, "a", trap());
    world.settle();
    assert_eq!(world.state("one")["k"], "0 1");
}
