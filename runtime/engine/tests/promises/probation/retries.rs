//! On probation an attempt that asks for another is made again with the policy's backoff, uncounted: a
//! planned retry does not hold its key up until the end.

use camshaft_engine::{Attempt, ConsumerSpec};
use camshaft_event::{Answer, AttemptContext, Event};

use super::{PROBATION_MS, attach, ended, measured, probation, running, version};
use crate::promises::harness::{World, note, reject};

const BACKOFF_MS: u64 = 100;
const MAX_ATTEMPTS: u32 = 3;

fn patient(digest: &str) -> ConsumerSpec {
    let mut spec = version(digest);
    spec.policy.max_attempts = MAX_ATTEMPTS;
    spec
}

/// As `b`, asks for another attempt, after so long, before the one of this number.
fn from_attempt(number: u32) -> impl FnMut(&Event, &mut Attempt) -> Answer {
    move |event, attempt| {
        let retry = Answer::Retry { after_ms: Some(BACKOFF_MS), reason: "not yet".to_owned() };
        let is_patient = attempt.config("digest").is_some_and(|digest| digest == "b");
        if is_patient && attempt.attempt() < number { retry } else { note(event, attempt) }
    }
}

/// A world in which `b`, that asks for so many attempts, has taken the place of `a`.
fn replaced(attempts: u32) -> World {
    let mut world = World::new();
    attach(&mut world, "a", reject());
    world.put_apart(1_000..1_020);
    world.settle();
    world.attach(patient("b"), from_attempt(attempts));
    world.calls.borrow_mut().clear();
    world
}

fn back_off(world: &mut World, times: u32) {
    for _ in 0..times {
        world.clock.advance_ms(BACKOFF_MS);
        world.settle();
    }
}

#[test]
fn its_key_goes_on_long_before_the_end() {
    let mut world = replaced(2);
    world.put_range(0..3, "k");
    world.settle();
    assert_eq!((world.standing("one").retrying, world.standing("one").held), (1, 2));
    back_off(&mut world, 3);
    assert!(probation(&world).is_some());
    assert_eq!(world.state("one")["k"], "0 1 2");
    assert_eq!(measured(&world), (3, 3), "the first attempt of each is measured, and no other");
}

#[test]
fn it_does_not_count_towards_the_most_attempts() {
    let mut world = replaced(3 * MAX_ATTEMPTS);
    world.put("0", "k");
    world.settle();
    back_off(&mut world, 2 * MAX_ATTEMPTS);
    assert_eq!((ended(&world).1, measured(&world)), ((0, 1, 0), (1, 1)));
    assert_eq!(world.calls.borrow().last().unwrap().attempt, 2 * MAX_ATTEMPTS + 1, "but it has a number");
    back_off(&mut world, MAX_ATTEMPTS);
    assert_eq!(world.state("one")["k"], "0");
}

#[test]
fn once_the_version_is_accepted_attempts_count_and_the_uncounted_ones_still_do_not() {
    let mut world = replaced(u32::MAX);
    world.put("0", "k");
    world.settle();
    back_off(&mut world, 2);
    world.sync();
    world.crash();
    world.restart();
    world.attach(patient("b"), from_attempt(u32::MAX));
    world.calls.borrow_mut().clear();
    world.clock.advance_ms(PROBATION_MS);
    world.settle();
    assert_eq!((running(&world).as_str(), probation(&world)), ("b", None));
    back_off(&mut world, MAX_ATTEMPTS);
    assert_eq!(ended(&world).1, (0, 0, 1));
    assert_eq!(world.calls.borrow().len(), MAX_ATTEMPTS as usize);
    assert_eq!(world.calls.borrow()[0].attempt, 4, "three were made on probation");
}

#[test]
fn after_a_rollback_the_version_before_has_all_its_attempts() {
    let mut world = replaced(u32::MAX);
    world.put_apart(0..2);
    world.settle();
    back_off(&mut world, 2 * MAX_ATTEMPTS);
    assert_eq!(ended(&world).1, (0, 2, 0));
    world.clock.advance_ms(PROBATION_MS);
    world.settle_all();
    assert_eq!((running(&world).as_str(), ended(&world)), ("a", (22, (0, 0, 0))));
}

#[test]
fn it_does_not_get_too_old_before_the_end() {
    let mut world = replaced(u32::MAX);
    let mut spec = patient("b");
    spec.policy.max_age_ms = 2 * BACKOFF_MS;
    spec.policy.max_attempts = u32::MAX;
    world.attach(spec, from_attempt(u32::MAX));
    world.put("0", "k");
    world.settle();
    back_off(&mut world, 5);
    assert_eq!(ended(&world).1, (0, 1, 0));
    world.clock.advance_ms(PROBATION_MS);
    world.settle();
    assert_eq!((running(&world).as_str(), ended(&world).1), ("b", (0, 0, 1)));
}
