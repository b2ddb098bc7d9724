//! Who is on probation: what takes the place of something else, unless an operator wants exactly that.

use camshaft_engine::VerdictOutcome;

use super::{LEAST, PROBATION_MS, attach, ended, probation, rejecting, running, verdicts, version};
use crate::promises::harness::{World, note, reject, spec};

#[test]
fn the_first_version_is_not() {
    let mut world = World::new();
    attach(&mut world, "b", reject());
    assert_eq!(probation(&world), None);
    world.put_apart(0..LEAST);
    world.settle();
    assert_eq!(ended(&world).1, (0, 0, LEAST));
    // Nor is the first one after its consumer was forgotten.
    world.detach("one");
    let now = world.now();
    world.sequencer().remove("one", now).unwrap();
    attach(&mut world, "bb", reject());
    assert_eq!(probation(&world), None);
}

#[test]
fn the_same_version_is_not() {
    let mut world = World::new();
    for _ in 0..2 {
        attach(&mut world, "a", reject());
        assert_eq!(probation(&world), None);
        world.detach("one");
    }
    // A closure is the same whatever it does.
    for _ in 0..2 {
        world.attach(spec("closure", &["thing.*"]), note);
        assert_eq!(world.standing("closure").probation, None);
    }
}

#[test]
fn other_configuration_and_grants_are() {
    let mut world = World::new();
    attach(&mut world, "a", reject());
    let mut configured = version("a");
    configured.config.insert("k".into(), "v".into());
    world.attach(configured.clone(), note);
    assert!(probation(&world).is_some());
    world.clock.advance_ms(PROBATION_MS);
    world.settle();
    configured.grants.push("http".into());
    world.attach(configured, note);
    assert!(probation(&world).is_some());
}

#[test]
fn what_an_operator_takes_back_to_is_not() {
    let mut world = rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    let now = world.now();
    world.sequencer().roll_back(version("a"), now).unwrap();
    assert_eq!((running(&world).as_str(), probation(&world)), ("a", None));
    world.settle();
    assert_eq!(ended(&world), (39, (0, 0, 0)), "what failed runs on it");
    assert_eq!(super::rolled_back(&world).unwrap().measured.failed, 19);
}

#[test]
fn the_proven_version_put_back_is_not() {
    let mut world = rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    attach(&mut world, "a", reject());
    assert_eq!((running(&world).as_str(), probation(&world)), ("a", None));
    world.settle();
    assert_eq!(ended(&world), (39, (0, 0, 0)));
    attach(&mut world, "bb", reject());
    assert_eq!(probation(&world).unwrap().before.events, 20, "it goes on with what it did before");
}

#[test]
fn what_comes_while_another_one_is_is_compared_with_what_was_proven() {
    let mut world = rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    attach(&mut world, "bb", reject());
    let state = probation(&world).unwrap();
    assert_eq!((state.predecessor.0, state.before.events, state.measured.events), (1, 20, 0));
    world.put_apart(100..100 + LEAST);
    world.settle();
    assert_eq!((running(&world).as_str(), ended(&world)), ("a", (20 + LEAST - 1 + LEAST, (0, 0, 0))));
}

#[test]
fn what_the_consumer_is_pinned_to_is_not() {
    let mut world = rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    let now = world.now();
    world.sequencer().pin("one", Some("other".into()), now).unwrap();
    assert!(probation(&world).is_some());
    world.sequencer().pin("one", Some("b".into()), now).unwrap();
    assert_eq!((probation(&world), verdicts(&world)), (None, vec![VerdictOutcome::Accepted]));
    world.settle();
    assert_eq!((running(&world).as_str(), ended(&world).1), ("b", (0, 0, LEAST - 1)));
    world.sequencer().pin("one", Some("bb".into()), now).unwrap();
    attach(&mut world, "bb", reject());
    assert_eq!(probation(&world), None);
}
