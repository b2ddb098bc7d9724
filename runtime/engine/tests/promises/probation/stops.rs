//! Where there is nothing to go back to, the consumer is paused, and what failed waits for an operator.

use camshaft_engine::{ConsumerSpec, Pause, VerdictOutcome, WaitsFor};

use super::{LEAST, announced, attach, ended, handler, probation, rejecting, running, verdicts, version};
use crate::promises::harness::{World, reject};

/// A consumer whose newest version has a state that the one before cannot read, and has failed.
fn stopped() -> World {
    let mut world = World::new();
    attach(&mut world, "a", reject());
    world.settle();
    world.attach(ConsumerSpec { state_revision: 1, ..version("b") }, handler(reject()));
    world.put_apart(0..LEAST + 5);
    world.settle();
    world
}

#[test]
fn a_version_that_raised_the_revision_of_its_state_stops_its_consumer() {
    let mut world = stopped();
    let since = world.now();
    let standing = world.standing("one");
    assert_eq!((running(&world).as_str(), standing.pauses), ("b", vec![Pause::Probation { since }]));
    assert!(probation(&world).unwrap().is_stopped);
    let waits_for = standing.oldest_held.unwrap().waits_for;
    assert_eq!(waits_for, WaitsFor::Pause(Pause::Probation { since }));
    assert_eq!(verdicts(&world), [VerdictOutcome::Stopped]);
    let told = announced(&mut world, "camshaft.consumer.paused");
    assert_eq!(told.len(), 1);
    assert_eq!((told[0]["reason"].as_str(), told[0]["error"].as_str()), (Some("probation"), Some("never")));
    assert_eq!(told[0]["measured"]["failed"], told[0]["measured"]["events"]);
    // It is over only when somebody says so.
    world.clock.advance_ms(1_000_000);
    world.settle_all();
    assert_eq!(ended(&world).1.2, 0);
}

#[test]
fn the_same_revision_is_rolled_back() {
    let mut world = World::new();
    world.attach(ConsumerSpec { state_revision: 3, ..version("a") }, handler(reject()));
    world.settle();
    world.attach(ConsumerSpec { state_revision: 3, ..version("b") }, handler(reject()));
    world.put_apart(0..LEAST);
    world.settle();
    assert_eq!(running(&world), "a");
}

#[test]
fn it_stays_stopped_over_a_restart() {
    let mut world = stopped();
    world.crash();
    world.restart();
    world.settle_all();
    assert!(matches!(world.standing("one").pauses[..], [Pause::Probation { .. }]));
    assert_eq!(ended(&world).1.2, 0);
}

#[test]
fn resumed_by_hand_it_goes_on_with_what_it_has() {
    let mut world = stopped();
    let now = world.now();
    world.sequencer().resume("one", now).unwrap();
    assert_eq!((probation(&world), world.standing("one").pauses), (None, vec![]));
    world.settle();
    assert_eq!((running(&world).as_str(), ended(&world)), ("b", (0, (0, 0, LEAST + 5))));
    assert_eq!(verdicts(&world), [VerdictOutcome::Stopped, VerdictOutcome::Accepted]);
    assert_eq!(announced(&mut world, "camshaft.consumer.resumed")[0]["reason"], "probation");
}

#[test]
fn another_version_lets_it_go_on_and_is_on_probation_itself() {
    let mut world = stopped();
    world.attach(ConsumerSpec { state_revision: 1, ..version("c") }, handler(reject()));
    assert_eq!(world.standing("one").pauses, []);
    assert_eq!(probation(&world).unwrap().predecessor.0, 1, "compared with what was proven");
    assert_eq!(announced(&mut world, "camshaft.consumer.resumed").len(), 1);
    world.settle();
    assert_eq!(ended(&world), (LEAST + 5, (0, 0, 0)));
}

#[test]
fn an_operator_may_take_it_back_all_the_same() {
    let mut world = stopped();
    let now = world.now();
    world.sequencer().roll_back(version("a"), now).unwrap();
    world.settle();
    assert_eq!((running(&world).as_str(), ended(&world)), ("a", (LEAST + 5, (0, 0, 0))));
}

#[test]
fn without_the_code_of_the_version_before_it_is_stopped_as_well() {
    let mut world = rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    world.crash();
    world.restart();
    world.put_apart(100..101);
    world.settle();
    assert!(matches!(world.standing("one").pauses[..], [Pause::Probation { .. }]));
    assert_eq!((running(&world).as_str(), ended(&world).1), ("b", (0, LEAST, 0)));
}

#[test]
fn a_consumer_that_is_paused_by_hand_already_stays_so() {
    let mut world = World::with_segments(1 << 20, |_| {});
    attach(&mut world, "a", reject());
    world.settle();
    world.attach(ConsumerSpec { state_revision: 1, ..version("b") }, handler(reject()));
    world.put_apart(0..LEAST + 5);
    world.sync();
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    let now = world.now();
    world.sequencer().pause("one", now).unwrap();
    world.clock.advance_ms(7);
    for batch in batches {
        let finished = world.run(batch);
        world.commit(finished);
    }
    assert_eq!(world.standing("one").pauses, [Pause::Probation { since: now }]);
}
