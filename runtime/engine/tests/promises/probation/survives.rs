//! A probation goes on after a crash where it was: since when, compared with what, and how it did.

use camshaft_event::Timestamp;

use super::{
    LEAST, PROBATION_MS, attach, ended, handler, measured, probation, rejecting, rolled_back, running,
    version,
};
use crate::promises::harness::{World, reject};

/// Recovers, and attaches `digest` with the code of its predecessor at hand.
fn go_on(world: &mut World, digest: &str, predecessor: Option<&str>) {
    world.recover();
    let now = world.now();
    let predecessor = predecessor.map(version);
    world.sequencer().attach_after(version(digest), predecessor, now).unwrap();
}

#[test]
fn its_begin_its_counts_and_its_predecessor_survive() {
    for flushes in [0, 1, 2] {
        let mut world = rejecting();
        let since = world.now();
        if flushes > 0 {
            world.flush();
        }
        world.put_apart(0..LEAST - 1);
        world.settle();
        if flushes > 1 {
            world.flush();
        }
        let before = probation(&world);
        world.clock.advance_ms(10_000);
        world.crash();
        go_on(&mut world, "b", Some("a"));
        assert_eq!(probation(&world), before);
        assert_eq!(probation(&world).unwrap().until, Some(since.plus_ms(PROBATION_MS)));
        world.settle();
        assert_eq!((measured(&world), world.called("one").len()), ((19, 19), 19), "what failed still waits");
        world.put_apart(100..101);
        world.settle();
        assert_eq!((running(&world).as_str(), ended(&world)), ("a", (40, (0, 0, 0))), "{flushes} flushes");
    }
}

#[test]
fn the_engine_says_what_code_it_would_go_back_to() {
    let mut world = rejecting();
    let digest = |world: &World, spec: &str| {
        let predecessor = world.sequencer().predecessor(&version(spec)).unwrap();
        predecessor.map(|activation| activation.digest)
    };
    world.sync();
    world.crash();
    world.recover();
    assert_eq!(digest(&world, "b").as_deref(), Some("a"));
    assert_eq!(
        digest(&world, "c").as_deref(),
        Some("a"),
        "what comes on probation is compared with what was proven"
    );
    attach(&mut world, "b", reject());
    world.clock.advance_ms(PROBATION_MS);
    world.settle();
    assert_eq!((digest(&world, "b"), digest(&world, "c").as_deref()), (None, Some("b")));
}

#[test]
fn other_code_than_that_is_not_gone_back_to() {
    let mut world = rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    world.crash();
    go_on(&mut world, "b", Some("c"));
    world.put_apart(100..101);
    world.settle();
    assert!(probation(&world).unwrap().is_stopped);
}

#[test]
fn a_crash_before_it_is_durable_takes_the_rollback_back_and_it_is_made_again() {
    for flushes in [false, true] {
        let mut world = rejecting();
        world.put_apart(0..LEAST + 10);
        world.sync();
        let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
        for batch in batches {
            // What was sequenced before a rollback is durable, the rollback is not.
            if rolled_back(&world).is_none() {
                world.sync();
            }
            let finished = world.run(batch);
            world.commit(finished);
        }
        assert_eq!(running(&world), "a");
        if flushes {
            world.sync();
            world.flush();
        }
        world.kill();
        go_on(&mut world, if flushes { "a" } else { "b" }, Some("a"));
        world.settle();
        assert_eq!((running(&world).as_str(), ended(&world)), ("a", (50, (0, 0, 0))));
    }
}

#[test]
fn a_probation_whose_measure_has_failed_ends_when_its_code_is_there_again() {
    let mut world = rejecting();
    world.put_apart(0..LEAST);
    world.sync();
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    let finished: Vec<_> = batches.into_iter().map(|batch| world.run(batch)).collect();
    // No room to say so.
    world.sequencer().set_room(0);
    for finished in finished {
        world.commit(finished);
    }
    world.append();
    world.kill();
    world.recover();
    assert_eq!((running(&world).as_str(), measured(&world)), ("b", (20, 20)));
    go_on(&mut world, "b", Some("a"));
    assert_eq!(running(&world), "a");
}

#[test]
fn what_was_rolled_back_is_known_by_its_content() {
    let mut world = rejecting();
    world.put_apart(0..LEAST);
    world.settle();
    world.crash();
    world.recover();
    let told = world.sequencer().rolled_back(&version("b")).unwrap().unwrap();
    assert_eq!(told.activation.digest, "b");
    assert_eq!(world.sequencer().rolled_back(&version("a")).unwrap(), None);
    let back = world.sequencer().current_activation("one").unwrap().unwrap();
    assert_eq!(back.digest, "a");
    // The version that runs again is attached as it was: that is nothing new.
    world.attach(version("a"), handler(reject()));
    assert_eq!(probation(&world), None);
    world.settle();
    assert_eq!(ended(&world), (40, (0, 0, 0)));
}

#[test]
fn time_goes_on_while_nobody_runs_and_a_clock_set_back_does_not_hold_it_up() {
    for (then, expected) in [(1_000_000 + PROBATION_MS, None), (5, Some(5 + PROBATION_MS))] {
        let mut world = rejecting();
        world.sync();
        world.crash();
        world.clock.set(Timestamp(then));
        go_on(&mut world, "b", Some("a"));
        let until = probation(&world).and_then(|state| state.until);
        assert_eq!(until, expected.map(Timestamp));
    }
}

#[test]
fn detached_on_probation_it_goes_on_when_it_comes_back() {
    let mut world = rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    world.detach("one");
    world.put_apart(100..101);
    world.settle();
    assert_eq!(measured(&world), (19, 19));
    let now = world.now();
    world.sequencer().attach_after(version("b"), Some(version("a")), now).unwrap();
    world.settle();
    assert_eq!((running(&world).as_str(), ended(&world)), ("a", (40, (0, 0, 0))));
}

#[test]
fn a_reset_drops_what_waits_and_the_probation_goes_on() {
    let mut world = rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    let now = world.now();
    let place = camshaft_engine::ResetPlace::Latest;
    world.sequencer().reset("one", camshaft_engine::ResetTo { place, keep_state: true }, now).unwrap();
    assert_eq!((measured(&world), ended(&world).1), ((19, 19), (0, 0, 0)));
    world.put_apart(100..101);
    world.settle();
    assert_eq!((running(&world).as_str(), ended(&world)), ("a", (21, (0, 0, 0))));
}
