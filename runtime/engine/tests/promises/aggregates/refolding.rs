//! Code of another revision makes a fold again from the facts, before it decides over the scope.

use camshaft_event::Answer;
use camshaft_event::transaction::{Section, Transaction};

use crate::promises::harness::{World, accepted, bracketed};

fn refolds(world: &World) -> usize {
    let log = world.log();
    let batch = log.read_from(log.bounds().first_sequence, 1 << 20).unwrap();
    let sections = batch.iter().flat_map(|record| Transaction::decode(record.payload).unwrap().sections);
    sections.filter(|section| matches!(section, Section::Refolded(_))).count()
}

#[test]
fn a_stale_fold_is_made_again_before_the_decision_and_the_scope_keeps_its_version() {
    let mut world = World::with_bank();
    world.transfer("a", "1 2");
    world.transfer("b", "1");
    world.settle();
    let before = world.account("1").unwrap();
    world.revise(bracketed);
    let next = world.transfer("c", "1");
    world.settle();
    world.sync();
    assert_eq!(world.decided(next).outcome, accepted("[a b]"));
    assert_eq!(world.versions(next), "account/1@3");
    assert_eq!(world.account("1").unwrap().revision, 1);
    assert!(world.account("1").unwrap().last_fact > before.last_fact);
    assert_eq!((world.account("2").unwrap().revision, refolds(&world)), (0, 1), "only what is needed");
    world.crash();
    world.restart();
    assert_eq!(world.account("1").unwrap().revision, 1);
}

#[test]
fn a_fold_that_was_made_again_keeps_version_and_last_fact() {
    let mut world = World::with_bank();
    world.transfer("a", "1");
    world.settle();
    let before = world.account("1").unwrap();
    world.revise(bracketed);
    let mismatched = world.transfer_if("b", "1", "account/1@7");
    world.settle();
    let after = world.account("1").unwrap();
    assert_eq!((after.version, after.last_fact, after.revision), (before.version, before.last_fact, 1));
    assert_eq!((world.fold("1").as_str(), world.versions(mismatched).as_str()), ("[a]", "account/1@1"));
}

#[test]
fn many_facts_are_folded_in_several_calls_to_the_same_bytes() {
    let mut world = World::with(|options| options.batch_events = 64);
    world.attach(crate::promises::harness::bank(), crate::promises::harness::move_all);
    for id in 0..600 {
        world.transfer(&id.to_string(), "1");
    }
    world.settle();
    world.revise(|fold, facts| {
        assert!(facts.len() <= camshaft_engine::FACTS_PER_CALL);
        bracketed(fold, facts)
    });
    world.transfer("last", "1");
    world.settle();
    let all = (0..600).map(|id| id.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(world.fold("1"), format!("[{all} last]"));
}

#[test]
fn earlier_commands_of_the_batch_commit_before_a_fold_is_made_again() {
    let mut world = World::with_bank();
    world.transfer("a", "1 2");
    world.settle();
    world.revise(bracketed);
    let key = crate::promises::harness::key_in(0);
    let (new, stale) = (world.transfer("b", &key), world.transfer("c", &format!("{key} 1")));
    world.settle();
    assert_eq!(world.versions(new), format!("account/{key}@1"));
    assert_eq!(world.fold("1"), "[a c]");
    assert!(world.versions(stale).contains("account/1@2"), "{}", world.versions(stale));
}

#[test]
fn an_evolve_that_fails_makes_the_command_a_dead_letter_and_leaves_the_fold() {
    let mut world = World::with_bank();
    world.transfer("a", "1");
    world.settle();
    world.revise(|_, _| Err(Answer::Reject { reason: "cannot read the fact".to_owned() }));
    let dead = world.transfer("b", "1");
    let fine = world.transfer("c", "2");
    world.settle_all();
    assert_eq!(world.why_dead(dead), "cannot read the fact");
    assert_eq!((world.account("1").unwrap().revision, world.fold("1").as_str()), (0, "a"));
    assert_eq!(world.versions(fine), "account/2@1", "other scopes are decided");
}

#[test]
fn facts_that_the_log_does_not_have_yet_are_waited_for() {
    let mut world = World::with_bank();
    world.transfer("0", "2");
    world.settle();
    world.transfer("a", "1");
    let batch = world.take().unwrap();
    let finished = world.run(batch);
    world.commit(finished);
    world.revise(bracketed);
    let next = world.transfer("b", "1");
    let batch = world.take().unwrap();
    let finished = world.run(batch);
    world.commit(finished);
    assert_eq!(world.account("1").unwrap().revision, 0, "nothing is written yet");
    world.settle_all();
    assert_eq!(world.decided(next).outcome, accepted("[a]"));
}

#[test]
fn a_fold_that_changes_while_it_is_made_again_is_not_overwritten() {
    let mut world = World::with_bank();
    let key = |partition| crate::promises::harness::key_in(partition);
    world.transfer("a", "1");
    world.settle();
    world.revise(bracketed);
    // Two partitions make the same fold again.
    world.transfer("b", &format!("{} 1", key(0)));
    world.transfer("c", &format!("{} 1", key(1)));
    world.arrive();
    let mut folds = Vec::new();
    for _ in 0..2 {
        folds.extend(world.take());
    }
    let finished: Vec<_> = folds.into_iter().map(|batch| world.run(batch)).collect();
    finished.into_iter().for_each(|finished| _ = world.commit(finished));
    world.settle();
    assert_eq!(world.account("1").unwrap().version, 3);
    assert!(["[a b c]", "[a c b]"].contains(&world.fold("1").as_str()), "{}", world.fold("1"));
}
