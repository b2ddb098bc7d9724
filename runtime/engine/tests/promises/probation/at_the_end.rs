//! At the end of a probation a version is judged even on few events, unless chance explains its failures.

use camshaft_engine::VerdictOutcome;
use camshaft_event::transaction::RollbackCause;

use super::{PROBATION_MS, ended, measured, rejecting, rolled_back, running, verdicts};

#[test]
fn three_failures_of_three_take_a_version_back_at_the_end_and_not_before() {
    let mut world = rejecting();
    world.put_apart(0..3);
    world.settle();
    world.clock.advance_ms(PROBATION_MS - 1);
    world.settle();
    assert_eq!((running(&world).as_str(), measured(&world)), ("b", (3, 3)));
    world.clock.advance_ms(1);
    world.settle();
    let told = rolled_back(&world).unwrap();
    assert_eq!((told.cause, told.measured.events, told.measured.failed), (RollbackCause::Probation, 3, 3));
    assert_eq!(verdicts(&world), [VerdictOutcome::RolledBack(Box::new(told))]);
    assert_eq!(
        (running(&world).as_str(), ended(&world)),
        ("a", (23, (0, 0, 0))),
        "they ran on the one before"
    );
}

#[test]
fn one_failure_may_be_chance() {
    let mut world = rejecting();
    world.put_apart(0..1);
    world.settle();
    world.clock.advance_ms(PROBATION_MS);
    world.settle();
    assert_eq!((running(&world).as_str(), verdicts(&world)), ("b", vec![VerdictOutcome::Accepted]));
}

#[test]
fn a_version_that_handled_nothing_stays() {
    let mut world = rejecting();
    world.clock.advance_ms(PROBATION_MS);
    world.settle();
    assert_eq!((running(&world).as_str(), verdicts(&world)), ("b", vec![VerdictOutcome::Accepted]));
}
