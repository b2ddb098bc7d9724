//! What is compared: of the events that a version tried first, the share that failed.

use super::{LEAST, PROBATION_MS, attach, handler, measured, rolled_back, running, version};
use crate::promises::harness::{World, note, reject, retry};

/// A world in which every fourth event is rejected by every version, as a matter of business, and `good` is
/// replaced.
fn business(worse: bool) -> World {
    let mut world = World::new();
    let handler = move |event: &camshaft_event::Event, attempt: &mut camshaft_engine::Attempt| {
        use camshaft_event::AttemptContext;
        let number: usize = event.id.parse().unwrap();
        let is_worse = worse && attempt.config("digest") == Some("c") && number % 4 == 1;
        if number.is_multiple_of(4) || is_worse { reject() } else { note(event, attempt) }
    };
    world.attach(version("a"), handler);
    world.put_apart(0..200);
    world.settle();
    assert_eq!(world.standing("one").dead, 50);
    world.attach(version("c"), handler);
    world.put_apart(200..400);
    world.settle();
    world
}

#[test]
fn what_the_version_before_failed_too_does_not_count_against_the_new_one() {
    let mut world = business(false);
    assert_eq!((running(&world).as_str(), measured(&world)), ("c", (200, 50)));
    assert_eq!(world.standing("one").dead, 50, "what it rejected waits");
    world.clock.advance_ms(PROBATION_MS);
    world.settle();
    assert_eq!((running(&world).as_str(), world.standing("one").dead), ("c", 100));
}

#[test]
fn what_it_fails_beyond_that_does() {
    let world = business(true);
    assert_eq!((running(&world).as_str(), world.standing("one").dead), ("a", 100));
    let told = rolled_back(&world).unwrap();
    assert_eq!((told.before.events, told.before.failed), (200, 50));
    assert!(told.measured.failed * 10 > told.measured.events * 3);
}

#[test]
fn the_policy_says_how_much_worse_it_may_be() {
    for (threshold_ppm, expected) in [(0, "a"), (400_000, "a"), (500_000, "b")] {
        let mut world = World::new();
        attach(&mut world, "a", reject());
        let mut spec = version("b");
        spec.policy.probation_threshold_ppm = threshold_ppm;
        world.attach(spec, |event, attempt| {
            let number: usize = event.id.parse().unwrap();
            if number % 2 == 1 { reject() } else { note(event, attempt) }
        });
        for number in 0..2 * LEAST {
            world.put(&number.to_string(), &number.to_string());
            world.settle();
        }
        assert_eq!(running(&world), expected, "{threshold_ppm}");
    }
}

#[test]
fn without_a_share_to_exceed_there_is_no_probation() {
    let mut world = World::new();
    attach(&mut world, "a", reject());
    let mut spec = version("b");
    spec.policy.probation_threshold_ppm = 1_000_000;
    world.attach(spec, handler(reject()));
    world.put_apart(0..2 * LEAST);
    world.settle();
    assert_eq!((running(&world).as_str(), world.standing("one").dead), ("b", 2 * LEAST));
    assert!(world.standing("one").probation.is_none());
}

#[test]
fn events_that_had_failed_before_say_nothing() {
    let mut world = World::new();
    attach(&mut world, "b", retry());
    world.put_apart(0..50);
    world.settle();
    assert_eq!(world.standing("one").retrying, 50);
    // The new version meets what the old one could not handle, and dead letters that an operator sends back.
    attach(&mut world, "bb", retry());
    world.clock.advance_ms(1_000);
    world.settle();
    assert_eq!((running(&world).as_str(), measured(&world)), ("bb", (0, 0)));
    assert_eq!((world.standing("one").retrying, world.called("one").len()), (50, 100), "but they wait");
}

#[test]
fn redriven_dead_letters_say_nothing() {
    let mut world = World::new();
    attach(&mut world, "b", reject());
    world.put_apart(0..50);
    world.settle();
    attach(&mut world, "bb", reject());
    for (offset, _) in world.dead("one") {
        let now = world.now();
        world.sequencer().redrive("one", offset, now).unwrap();
        world.settle();
    }
    assert_eq!((running(&world).as_str(), measured(&world)), ("bb", (0, 0)));
    assert_eq!(world.standing("one").retrying, 50);
}

#[test]
fn what_a_version_failed_on_probation_says_nothing_of_the_next_one() {
    let mut world = super::rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    attach(&mut world, "bb", reject());
    world.settle();
    assert_eq!((measured(&world), world.called("one").len()), ((0, 0), 2 * (LEAST - 1)));
}

#[test]
fn the_measure_of_a_version_survives_crashes() {
    for flushes in [0, 1, 2] {
        let mut world = World::new();
        attach(&mut world, "b", reject());
        world.put_apart(0..10);
        world.settle();
        if flushes > 0 {
            world.flush();
        }
        world.put_apart(10..30);
        world.settle();
        if flushes > 1 {
            world.flush();
        }
        world.crash();
        world.restart();
        world.attach(version("c"), handler(reject()));
        let before = super::probation(&world).unwrap().before;
        assert_eq!((before.events, before.failed), (30, 30), "{flushes} flushes");
    }
}

#[test]
fn only_its_last_events_count() {
    let mut world = World::with(|options| options.probation_events = 25);
    world.attach(version("a"), |event, attempt| {
        let number: usize = event.id.parse().unwrap();
        if number < 10 { reject() } else { note(event, attempt) }
    });
    for number in 0..40 {
        world.put_apart(number..number + 1);
        world.settle();
        let mut copy = world.copy();
        copy.recover();
        copy.attach(version("c"), note);
        let before = super::probation(&copy).unwrap().before;
        let events = (number + 1).min(25);
        let failed = 10_usize.min(number + 1).saturating_sub((number + 1).saturating_sub(25));
        assert_eq!((before.events as usize, before.failed as usize), (events, failed), "after {number}");
    }
}
