//! A command that expects versions is decided only at these versions.

use camshaft_engine::PublishRefusal;
use camshaft_event::{CommandOutcome, ScopeVersion};

use crate::promises::harness::{World, accepted, account, command};

fn mismatch(id: &str, expected: u64, actual: u64) -> CommandOutcome {
    let expected = ScopeVersion { scope: account(id), version: expected };
    CommandOutcome::Mismatch { expected, actual }
}

#[test]
fn a_command_at_the_expected_version_is_decided_and_another_one_gets_both_numbers() {
    let mut world = World::with_bank();
    let new = world.transfer_if("a", "1", "account/1@0");
    world.settle();
    let (stale, next) =
        (world.transfer_if("b", "1", "account/1@0"), world.transfer_if("c", "1", "account/1@1"));
    world.settle();
    assert_eq!(world.decided(new).outcome, accepted(""));
    assert_eq!(world.decided(stale).outcome, mismatch("1", 0, 1));
    assert_eq!((world.decided(stale).facts, world.versions(stale).as_str()), (0, "account/1@1"));
    assert_eq!(world.decided(next).outcome, accepted("a"));
    assert_eq!(world.fold("1"), "a c");
}

#[test]
fn an_expectation_sees_earlier_decisions_of_its_batch() {
    let mut world = World::with_bank();
    let commands = [world.transfer("a", "1"), world.transfer_if("b", "1", "account/1@1")];
    let late = world.transfer_if("c", "1", "account/1@1");
    world.settle();
    assert_eq!(commands.map(|offset| world.decided(offset).outcome), [accepted(""), accepted("a")]);
    assert_eq!(world.decided(late).outcome, mismatch("1", 1, 2));
    assert_eq!(world.calls.borrow().len(), 2, "the last one is answered without a call");
}

#[test]
fn scopes_that_the_decision_does_not_read_are_checked_too_and_validated() {
    let mut world = World::with_bank();
    let key = |partition| crate::promises::harness::key_in(partition);
    let (one, other) = (world.transfer("a", &key(0)), key(1));
    let waits = world.transfer_if("b", &other, &format!("account/{}@0 account/{other}@0", key(0)));
    world.arrive();
    let batches = (world.take().unwrap(), world.take().unwrap());
    let finished = (world.run(batches.0), world.run(batches.1));
    world.commit(finished.0);
    assert!(matches!(world.commit(finished.1), camshaft_engine::Committed::Conflict));
    world.settle();
    assert_eq!(world.decided(one).outcome, accepted(""));
    assert_eq!(world.decided(waits).outcome, mismatch(&key(0), 0, 1));
}

#[test]
fn a_repeat_gets_the_first_mismatch_although_the_version_is_as_expected_now() {
    let mut world = World::with_bank();
    let early = world.transfer_if("b", "1", "account/1@1");
    world.transfer("a", "1");
    world.settle();
    world.sync();
    world.crash();
    world.restart();
    let mut again = command("b", "1");
    again.set_extension("expect", "account/1@1");
    assert!(world.try_send(vec![again.clone()]).unwrap()[0].duplicate);
    assert_eq!(world.decided(early).outcome, mismatch("1", 1, 0));
    again.set_extension("expect", "account/1@0");
    let refusal = world.try_send(vec![again]).unwrap_err();
    assert!(matches!(refusal, PublishRefusal::Conflict { .. }), "another expectation is another command");
}

#[test]
fn expectations_that_are_malformed_or_contradict_each_other_are_refused_when_they_are_sent() {
    let mut world = World::with_bank();
    let many = (0..17).map(|id| format!("account/{id}@0")).collect::<Vec<_>>().join(" ");
    let long = format!("account/{}@1", "x".repeat(200));
    for (expect, expected) in [
        ("account/1", "is not the name of a scope"),
        ("account/1@-1", "is not the name of a scope"),
        ("1@1", "is not the name of a scope"),
        ("account/1@1 account/1@2", "names scope \"account/1\" with versions 1 and 2"),
        (many.as_str(), "exceeds the limit of 16"),
        (long.as_str(), "exceeds the limit of 200"),
    ] {
        let mut wrong = command("a", "1");
        wrong.set_extension("expect", expect);
        let refusal = world.try_send(vec![wrong]).unwrap_err();
        assert!(
            matches!(&refusal, PublishRefusal::Expectation { index: 0, reason } if reason.contains(expected)),
            "{refusal}"
        );
    }
    let offset = world.transfer_if("a", "1", "account/1@0 account/1@0");
    world.settle();
    assert_eq!(world.decided(offset).outcome, accepted(""), "the same number twice is no contradiction");
}
