//! When the share of failed events is larger by more than the threshold, the version before runs again, by
//! itself.

use camshaft_engine::VerdictOutcome;
use camshaft_event::transaction::{Outcome, RollbackCause, Section};
use camshaft_event::{ActivationId, Answer, FailureCause, Key};

use super::{
    LEAST, announced, attach, ended, probation, rejecting, replaced, rolled_back, running, verdicts,
};
use crate::promises::harness::{World, reject, retry, trap};

#[test]
fn whatever_the_failures_are_they_run_on_the_version_before_and_are_never_dead_letters() {
    let failed = |cause| Answer::Failed { cause, error: "it was".to_owned() };
    for bad in [
        reject(),
        retry(),
        trap(),
        failed(FailureCause::Deadline),
        failed(FailureCause::Memory),
        failed(FailureCause::Panic),
    ] {
        let mut world = replaced(bad.clone());
        world.put_apart(0..50);
        world.settle();
        assert_eq!((running(&world).as_str(), probation(&world)), ("a", None), "{bad:?}");
        world.settle_all();
        assert_eq!(ended(&world), (70, (0, 0, 0)), "{bad:?}");
        assert!(announced(&mut world, "camshaft.dead-letter.added").is_empty());
    }
}

#[test]
fn it_happens_as_soon_as_there_are_enough_events_and_not_before() {
    let mut world = rejecting();
    world.put_apart(0..LEAST - 1);
    world.settle();
    assert_eq!((running(&world).as_str(), ended(&world).1), ("b", (0, LEAST - 1, 0)));
    world.put_apart(100..101);
    world.settle();
    assert_eq!((running(&world).as_str(), ended(&world).1), ("a", (0, 0, 0)));
}

#[test]
fn it_is_one_transaction_and_everybody_learns_why() {
    let mut world = rejecting();
    world.put_apart(0..LEAST);
    world.settle();
    let told = rolled_back(&world).unwrap();
    assert_eq!(
        (told.to, told.cause, told.error.as_str()),
        (ActivationId(3), RollbackCause::Probation, "never")
    );
    assert_eq!((told.measured.events, told.measured.failed), (20, 20));
    assert_eq!((told.before.events, told.before.failed), (20, 0));
    assert_eq!(verdicts(&world), [VerdictOutcome::RolledBack(Box::new(told))]);
    assert!(verdicts(&world).is_empty(), "it is told once");
    let version =
        |id: u64, digest: &str| serde_json::json!({ "activation": id, "digest": digest, "version": "" });
    let expected = serde_json::json!({
        "consumer": "one", "reason": "probation", "from": version(2, "b"), "to": version(3, "a"), "error": "never",
        "measured": { "events": 20, "failed": 20 }, "before": { "events": 20, "failed": 0 },
    });
    assert_eq!(announced(&mut world, "camshaft.plugin.rolled-back"), [expected]);
    let transactions = world.transactions();
    let sections = transactions.iter().map(|transaction| &transaction.sections);
    let back = sections.clone().find(|sections| {
        matches!(&sections[0], Section::Activated(activated) if activated.activation.id == ActivationId(3))
    });
    let [_, Section::Consumer(changed)] = &back.unwrap()[..] else {
        panic!("record and activation go together")
    };
    assert_eq!((changed.record.activation, &changed.record.probation), (ActivationId(3), &None));
    // What failed is on the log as such, and nowhere as an attempt.
    let handled = sections.flatten().filter_map(|section| match section {
        Section::Handled(handled) if handled.activation == ActivationId(2) => Some(handled),
        _ => None,
    });
    assert!(handled.clone().all(|handled| handled.outcome == Outcome::Suspended && handled.held.len() == 1));
    assert_eq!(handled.count(), LEAST);
}

#[test]
fn no_attempt_is_counted() {
    let mut world = rejecting();
    world.put_apart(0..LEAST);
    world.settle();
    let calls = world.calls.borrow();
    assert!(calls.iter().all(|call| call.attempt == 1), "the version before begins with the first attempt");
    assert_eq!(calls.len(), 2 * LEAST);
}

#[test]
fn what_is_in_flight_finishes_on_the_version_that_was_taken_back() {
    let mut world = World::with_segments(1 << 20, |options| options.batch_events = LEAST);
    attach(&mut world, "a", reject());
    world.settle();
    attach(&mut world, "b", reject());
    for partition in [0, 1] {
        let keys = (0..).map(|number| format!("{partition}-{number}"));
        let keys = keys.filter(|key| Key::Ordered(key.as_str().into()).partition(4) == partition);
        keys.take(LEAST).for_each(|key| _ = world.put(&key, &key));
    }
    let [first, other] = [world.take().unwrap(), world.take().unwrap()];
    let first = world.run(first);
    world.commit(first);
    assert_eq!(running(&world), "a");
    let other = world.run(other);
    world.commit(other);
    assert_eq!((ended(&world).0, world.standing("one").retrying), (0, 2 * LEAST));
    world.settle();
    assert_eq!((ended(&world), world.called("one").len()), ((2 * LEAST, (0, 0, 0)), 4 * LEAST));
}

#[test]
fn the_version_that_runs_again_is_measured_by_what_it_did_before() {
    let mut world = rejecting();
    for (digest, ids) in [("b", 0..LEAST), ("bb", 100..100 + LEAST)] {
        attach(&mut world, digest, reject());
        world.put_apart(ids);
        world.settle();
        let told = rolled_back(&world).unwrap();
        assert_eq!((told.before.events, told.before.failed), (20, 0), "{digest}");
        assert_eq!(running(&world), "a");
    }
}
