//! A scope has a version, the number of its facts, and one fold. Decisions over the same scopes never lose
//! one another's facts.

use camshaft_engine::Committed;
use camshaft_event::{AttemptContext, Offset};

use crate::promises::harness::{World, accepted, account, bank, done, fact, folded, list, move_all, refusal};

#[test]
fn a_decision_commits_its_facts_its_folds_its_versions_and_its_answer_together() {
    let mut world = World::with_bank();
    let (first, second) = (world.transfer("a", "1 2"), world.transfer("b", "2"));
    world.settle();
    assert_eq!((world.fold("1").as_str(), world.fold("2").as_str()), ("a", "a b"));
    assert_eq!(world.account("2").unwrap().version, 2);
    assert_eq!(world.versions(first), "account/1@1 account/2@1");
    let decision = world.decided(second);
    assert_eq!((decision.outcome, decision.facts), (accepted("a"), 1));
    assert_eq!(world.account("2").unwrap().last_fact, decision.first_fact);
    assert_eq!(world.account("1").unwrap().last_fact, world.decided(first).first_fact);
}

#[test]
fn a_fact_is_ordered_by_its_first_scope_and_names_all_with_their_versions() {
    let mut world = World::with_bank();
    world.transfer("a", "2");
    world.transfer("b", "1 2");
    world.settle();
    let facts = world.facts("2");
    let event = &facts[1].event;
    assert_eq!((event.ordering_key(), event.subject.as_deref()), (Some("account/1"), Some("1")));
    assert_eq!(event.extension("scopes"), Some("account/1@1 account/2@2"));
    assert_eq!(event.source, "/plugins/bank");
}

#[test]
fn several_facts_of_a_decision_raise_a_version_one_by_one() {
    let mut world = World::new();
    world.attach(bank(), |event, attempt| {
        for about in [&["1"][..], &["1", "2"], &["2"]] {
            attempt.record(fact(event, about)).unwrap();
        }
        folded(attempt)
    });
    let command = world.transfer("a", "1");
    world.settle();
    let named = |fact: &camshaft_engine::Fact| fact.event.extension("scopes").unwrap().to_owned();
    let facts: Vec<String> = world.facts("1").iter().chain(&world.facts("2")).map(named).collect();
    assert_eq!(facts, ["account/1@1", "account/1@2 account/2@1", "account/1@2 account/2@1", "account/2@2"]);
    assert_eq!(world.versions(command), "account/1@2 account/2@2");
    assert_eq!(world.account("2").unwrap().last_fact, world.decided(command).first_fact.plus(2));
}

#[test]
fn commands_of_one_batch_see_each_others_facts() {
    let mut world = World::with_bank();
    let offsets: Vec<Offset> = (0..5).map(|id| world.transfer(&id.to_string(), "1")).collect();
    world.arrive();
    let batch = world.take().unwrap();
    let finished = world.run(batch);
    world.commit(finished);
    assert_eq!(world.decided(offsets[4]).outcome, accepted("0 1 2 3"));
    assert_eq!(world.account("1").unwrap().version, 5);
}

#[test]
fn of_two_decisions_over_one_scope_the_later_one_runs_again() {
    for second in ["b 1", "b"] {
        let mut world = World::new();
        // Only one of the two reads the scope that both record about.
        world.attach(bank(), |event, attempt| {
            let ids: Vec<&str> = event.subject.as_deref().unwrap().split(' ').collect();
            attempt.record(fact(event, &[ids[0], "shared"])).unwrap();
            folded(attempt)
        });
        let key = |partition| crate::promises::harness::key_in(partition);
        let (one, other) = (world.transfer("a", &key(0)), world.transfer(second, &key(1)));
        world.arrive();
        let batches = (world.take().unwrap(), world.take().unwrap());
        let finished = (world.run(batches.0), world.run(batches.1));
        assert!(matches!(world.commit(finished.0), Committed::At(_)));
        assert!(matches!(world.commit(finished.1), Committed::Conflict));
        world.settle();
        assert_eq!(world.account("shared").unwrap().version, 2);
        assert!(world.versions(one).ends_with("account/shared@1"), "{}", world.versions(one));
        assert!(world.versions(other).ends_with("account/shared@2"), "{}", world.versions(other));
        assert_eq!(world.calls.borrow().iter().filter(|call| call.attempt == 1).count(), 3);
    }
}

#[test]
fn a_refused_command_has_no_facts_and_names_the_versions_that_it_saw() {
    let mut world = World::new();
    world.attach(bank(), |event, attempt| {
        if event.id == "a" {
            return move_all(event, attempt);
        }
        attempt.load(&account("1")).unwrap();
        attempt.record(fact(event, &["1"])).unwrap();
        attempt.answer(Err(refusal("closed"))).unwrap();
        folded(attempt)
    });
    world.transfer("a", "1");
    let refused = world.transfer("b", "1");
    world.settle();
    assert_eq!((world.fold("1").as_str(), world.versions(refused).as_str()), ("a", "account/1@1"));
    assert_eq!(world.decided(refused).facts, 0);
}

#[test]
fn facts_with_wrong_scopes_make_a_command_a_dead_letter_that_says_why() {
    let many: Vec<String> = (0..17).map(|id| id.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = "x".repeat(193);
    for (about, expected) in [
        (&[][..], "is about no scope"),
        (&["1", "1"], "about scope \"account/1\" twice"),
        (many.as_slice(), "17 exceeds the limit of 16 (setting `limits.max_scopes`)"),
        (&[&long], "201 exceeds the limit of 200 (setting `limits.max_scope_bytes`)"),
    ] {
        let about: Vec<String> = about.iter().map(|&id| id.to_owned()).collect();
        let mut world = World::new();
        world.attach(bank(), move |event, attempt| {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            _ = attempt.record(fact(event, &about));
            folded(attempt)
        });
        let command = world.transfer("a", "1");
        world.settle();
        let error = world.why_dead(command);
        assert!(error.contains(expected), "{error}");
        assert_eq!(world.account("1"), None);
    }
}

#[test]
fn an_aggregate_records_only_declared_facts_and_publishes_none_without_scopes() {
    type Act = fn(camshaft_event::NewFact) -> camshaft_event::NewFact;
    let undeclared: Act = |mut fact| {
        fact.event.event_type = "thing.else".to_owned();
        fact
    };
    let keyed: Act = |mut fact| {
        fact.event.partitionkey = Some("k".to_owned());
        fact
    };
    for (act, expected) in [
        (Some(undeclared), "the type is not declared; add it to `records`"),
        (Some(keyed), "its subject and its key follow from its first scope"),
        (None, "event type \"thing.moved\" is not declared"),
    ] {
        let mut world = World::new();
        world.attach(bank(), move |event, attempt| {
            let fact = fact(event, &["1"]);
            _ = match act {
                Some(act) => attempt.record(act(fact)),
                None => attempt.publish(fact.event),
            };
            folded(attempt)
        });
        let command = world.transfer("a", "1");
        world.settle();
        let error = world.why_dead(command);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn facts_that_were_not_folded_are_not_stored() {
    let mut world = World::new();
    world.attach(bank(), |event, attempt| {
        attempt.record(fact(event, &["1"])).unwrap();
        done()
    });
    let command = world.transfer("a", "1");
    world.settle();
    assert!(world.why_dead(command).contains("recorded, but not folded"));
    assert_eq!(world.account("1"), None);
}

#[test]
fn a_fact_after_the_fold_needs_a_new_fold_of_all_facts_of_the_decision() {
    let mut world = World::new();
    world.attach(bank(), |event, attempt| {
        attempt.record(fact(event, &["1"])).unwrap();
        folded(attempt);
        assert_eq!(attempt.load(&account("1")).unwrap().as_deref(), Some(event.id.as_bytes()));
        attempt.record(fact(event, &["1"])).unwrap();
        folded(attempt)
    });
    world.transfer("a", "1");
    world.settle();
    assert_eq!((world.fold("1").as_str(), world.account("1").unwrap().version), ("a a", 2));
}

#[test]
fn a_fold_over_its_limit_makes_the_command_a_dead_letter() {
    let mut world = World::with(|options| options.max_fold_bytes = 8);
    world.attach(bank(), move_all);
    let (fits, large) = (world.transfer("12345678", "1"), world.transfer("9", "1"));
    world.settle();
    assert_eq!(world.versions(fits), "account/1@1");
    assert!(world.why_dead(large).contains("10 exceeds the limit of 8 (setting `limits.max_fold_bytes`)"));
    assert_eq!(world.fold("1"), "12345678");
}

#[test]
fn a_failing_evolve_rejects_the_decision() {
    let mut world = World::new();
    world.attach(bank(), |event, attempt| {
        attempt.record(fact(event, &["1"])).unwrap();
        let folded = attempt.fold_facts(&mut |touched| {
            if event.id == "bad" {
                return Err(camshaft_event::Answer::Reject { reason: "cannot read the fact".to_owned() });
            }
            list(touched.fold.as_deref(), &touched.facts)
        });
        folded.map_or_else(|answer| answer, |()| done())
    });
    let bad = world.transfer("bad", "1");
    let good = world.transfer("good", "1");
    world.settle();
    assert_eq!(world.why_dead(bad), "cannot read the fact");
    assert_eq!((world.fold("1").as_str(), world.versions(good).as_str()), ("good", "account/1@1"));
}
