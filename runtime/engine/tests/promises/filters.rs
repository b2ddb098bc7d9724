//! A changed filter applies from the consumer's read position on.

use std::collections::BTreeMap;

use camshaft_event::{Filter, Offset};

use super::harness::{World, event, note, spec};

fn of_subject(name: &str, subject: &str) -> camshaft_engine::ConsumerSpec {
    let mut declared = spec(name, &["thing.*"]);
    let wanted = BTreeMap::from([("subject".to_owned(), subject.to_owned())]);
    declared.subscriptions[0].filter = Some(Filter::Exact(wanted));
    declared.digest = subject.to_owned();
    declared
}

#[test]
fn a_filter_lets_through_what_it_says_and_the_rest_is_done() {
    let mut world = World::new();
    world.attach(of_subject("choosy", "a"), note);
    for (id, key) in [("0", "a"), ("1", "b"), ("2", "a"), ("3", "b")] {
        world.put(id, key);
    }
    world.settle();
    assert_eq!(world.state("choosy").into_iter().collect::<Vec<_>>(), [("a".to_owned(), "0 2".to_owned())]);
    assert_eq!(world.standing("choosy").lag, 0);
}

#[test]
fn what_was_read_under_the_old_filter_is_not_read_again() {
    let mut world = World::new();
    world.attach(of_subject("choosy", "a"), note);
    for (id, key) in [("0", "a"), ("1", "b")] {
        world.put(id, key);
    }
    world.settle();
    world.attach(of_subject("choosy", "b"), note);
    for (id, key) in [("2", "a"), ("3", "b")] {
        world.put(id, key);
    }
    world.settle();
    let state = world.state("choosy");
    assert_eq!((state["a"].as_str(), state["b"].as_str()), ("0", "3"));
}

#[test]
fn what_was_routed_but_not_taken_falls_to_the_new_filter() {
    let mut world = World::new();
    world.attach(of_subject("choosy", "a"), note);
    world.settle();
    world.put("0", "a");
    world.attach(of_subject("choosy", "b"), note);
    world.put("1", "b");
    world.settle();
    let state = world.state("choosy");
    assert_eq!((state.get("a"), state["b"].as_str()), (None, "1"));
    assert_eq!(world.standing("choosy").lag, 0, "it is no longer wanted, and so done");
}

#[test]
fn a_read_under_way_for_the_old_filter_is_made_again_for_the_new_one() {
    let mut world = World::new();
    for id in 0..10 {
        world.publish(vec![event(&id.to_string(), if id % 2 == 0 { "a" } else { "b" })]);
    }
    world.sync();
    world.attach(of_subject("choosy", "a"), note);
    let read = world.next_read().unwrap();
    let found = read.read(&*world.log(), 1 << 20).unwrap();
    world.attach(of_subject("choosy", "b"), note);
    world.feed(&read, found);
    assert!(world.sequencer().wants_read());
    assert_eq!(world.next_read().map(|read| read.from), Some(Offset(0)));
    world.attach(of_subject("choosy", "b"), note);
    world.settle();
    let state = world.state("choosy");
    assert_eq!((state.get("a"), state["b"].as_str()), (None, "1 3 5 7 9"));
}
