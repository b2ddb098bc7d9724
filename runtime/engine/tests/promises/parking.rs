//! Behind a dead letter later events of its key wait, or go on, as the policy says.

use camshaft_event::{AfterDeadLetter, Offset};

use super::harness::{World, note, reject, spec};

fn world_after(choice: AfterDeadLetter) -> World {
    let mut world = World::new();
    let mut declared = spec("parking", &["thing.*"]);
    declared.policy.after_dead_letter = choice;
    world.attach(declared, |event, attempt| if event.id == "bad" { reject() } else { note(event, attempt) });
    for (id, key) in [("1", "k"), ("bad", "k"), ("2", "k"), ("3", "other"), ("4", "k")] {
        world.put(id, key);
    }
    world.settle();
    world
}

#[test]
fn later_events_of_the_key_are_parked_and_other_keys_go_on() {
    let mut world = world_after(AfterDeadLetter::Park);
    let state = world.state("parking");
    assert_eq!((state["k"].as_str(), state["other"].as_str()), ("1", "3"));
    let standing = world.standing("parking");
    assert_eq!((standing.dead, standing.held, standing.retrying), (1, 2, 0));
    assert_eq!(standing.checkpoint, world.sequencer().sequenced().next_offset, "no partition stalls");
    let (offset, _) = world.dead("parking")[0];
    assert_eq!(
        world.sequencer().waiting_behind("parking", offset),
        [Offset(offset.0 + 1), Offset(offset.0 + 3)]
    );
    assert_eq!(world.sequencer().next_due(), None, "nothing waits for a time");
    // They still do after a crash, and new ones join them.
    world.flush();
    world.crash();
    world.restart();
    world.put("5", "k");
    world.settle();
    assert_eq!(world.state("parking")["k"], "1");
    assert_eq!(world.standing("parking").held, 3);
}

#[test]
fn later_events_of_the_key_go_on_where_the_policy_says_so() {
    let world = world_after(AfterDeadLetter::Continue);
    let state = world.state("parking");
    assert_eq!((state["k"].as_str(), state["other"].as_str()), ("1 2 4", "3"));
    let standing = world.standing("parking");
    assert_eq!((standing.dead, standing.held), (1, 0));
    assert!(!world.dead("parking")[0].1.parks);
}

#[test]
fn events_behind_it_in_the_same_batch_are_parked_too() {
    let mut world = World::new();
    let mut declared = spec("parking", &["thing.*"]);
    declared.policy.partitions = 1;
    world.attach(declared, |event, attempt| if event.id == "bad" { reject() } else { note(event, attempt) });
    for (id, key) in [("bad", "k"), ("1", "k"), ("2", "other"), ("3", "k")] {
        world.put(id, key);
    }
    world.sync();
    world.read();
    world.step().unwrap();
    assert!(world.take().is_none(), "it was one batch");
    assert_eq!(world.called("parking"), ["bad", "2"]);
    assert_eq!(world.standing("parking").held, 2);
}
