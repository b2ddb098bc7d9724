//! A command is decided once: its repeats get the first decision, over crashes and beyond the log.

use camshaft_engine::{CommandState, PublishRefusal, Receipt};
use camshaft_event::{AttemptContext, CommandOutcome, Event, Offset};

use crate::promises::harness::{World, accepted, append, command, done, event, note, owner, reject, retry};

/// A world whose owner counts its decisions in the state, and answers with the count.
fn counting(fails: impl Fn(&Event, u32) -> bool + 'static) -> World {
    let mut world = World::new();
    let mut calls = 0;
    world.attach(owner("owner", &["thing.do"]), move |event, attempt| {
        calls += 1;
        if fails(event, calls) {
            return reject();
        }
        append(event.subject.as_deref().unwrap(), &event.id, attempt);
        attempt.answer(Ok(calls.to_string().into_bytes())).unwrap();
        done()
    });
    world
}

fn duplicate(offset: Offset) -> Receipt {
    Receipt { offset, duplicate: true, wanted_by: 1 }
}

#[test]
fn a_repeat_gets_the_first_answer_after_a_crash() {
    let mut world = counting(|_, _| false);
    let first = world.send("c", "k").offset;
    world.settle();
    world.crash();
    world.restart();
    world.settle();
    assert_eq!(world.send("c", "k"), duplicate(first));
    assert_eq!(world.decision(first), Some(accepted("1")));
    let other = world.try_send(vec![Event { data: b"other".to_vec(), ..command("c", "k") }]).unwrap_err();
    assert!(matches!(other, PublishRefusal::Conflict { offset, .. } if offset == first), "{other}");
    assert_eq!(world.state("owner")["k"], "c");
}

#[test]
fn a_decision_outlives_its_command_by_one_retention_from_its_writing() {
    let mut world = counting(|_, calls| calls == 1);
    let first = world.send("c", "k").offset;
    world.settle();
    world.trim_beyond(first);
    assert_eq!(world.send("c", "k"), duplicate(first), "an undecided command keeps its identity");
    assert_eq!(
        world.shared().command_state(first).unwrap(),
        Some(CommandState::Dead { consumer: "owner".into() })
    );
    let now = world.now();
    world.sequencer().redrive("owner", first, now).unwrap();
    world.settle();
    assert_eq!(world.decision(first), Some(accepted("2")));
    world.flush();
    world.crash();
    world.restart();
    assert_eq!(world.send("c", "k"), duplicate(first), "the log has forgotten it, but its decision is young");
    assert_eq!(world.decision(first), Some(accepted("2")));
    let tail = world.sequencer().sequenced().next_offset;
    world.trim_beyond(tail);
    assert_eq!(world.decision(first), None);
    assert!(!world.send("c", "k").duplicate, "the decision is as old as the retention");
    world.settle();
    assert_eq!(world.state("owner")["k"], "c c");
}

#[test]
fn an_undecided_command_is_known_from_memory_and_from_the_store() {
    for flushes in [false, true] {
        let mut world = counting(|_, _| true);
        let first = world.send("c", "k").offset;
        world.settle();
        world.trim_beyond(first);
        if flushes {
            world.flush();
        }
        world.crash();
        world.restart();
        assert_eq!(world.send("c", "k"), duplicate(first), "flushed: {flushes}");
    }
}

#[test]
fn a_discarded_command_is_never_decided() {
    let mut world = counting(|_, calls| calls == 1);
    let first = world.send("c", "k").offset;
    world.settle();
    let now = world.now();
    _ = world.sequencer().take_decided();
    world.sequencer().discard("owner", first, now).unwrap();
    assert_eq!(world.sequencer().take_decided(), [first]);
    assert_eq!(world.decision(first), Some(CommandOutcome::Discarded));
    world.sync();
    world.crash();
    world.restart();
    assert_eq!(world.send("c", "k"), duplicate(first));
    world.settle();
    assert_eq!(world.decision(first), Some(CommandOutcome::Discarded));
    assert!(world.state("owner").is_empty());
}

#[test]
fn a_command_that_is_skipped_since_it_is_damaged_counts_as_discarded() {
    const HELD: u8 = 7;
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |_, _| retry());
    let offset = world.send("c", "k").offset;
    world.settle();
    assert!(world.flush());
    assert_eq!(world.damage_table(HELD), 1);
    world.settle_all();
    let now = world.now();
    _ = world.sequencer().take_decided();
    assert_eq!(world.sequencer().skip("owner", None, now).unwrap().held, [offset]);
    assert_eq!(world.sequencer().take_decided(), [offset]);
    assert_eq!(world.decision(offset), Some(CommandOutcome::Discarded));
    assert_eq!(world.send("c", "k"), duplicate(offset));
}

#[test]
fn each_command_that_is_decided_or_dead_is_reported_once() {
    let mut world = counting(|event, _| event.id == "dead");
    let offsets = ["decided", "dead"].map(|id| world.send(id, id).offset);
    world.put("event", "k");
    world.attach(crate::promises::harness::spec("other", &["thing.*"]), note);
    world.settle();
    let mut decided = world.sequencer().take_decided();
    decided.sort_unstable();
    assert_eq!(decided, offsets);
    assert!(world.sequencer().take_decided().is_empty());
}

#[test]
fn a_command_that_an_operator_sets_aside_is_reported() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |_, _| retry());
    let offset = world.send("c", "k").offset;
    world.settle();
    assert!(world.sequencer().take_decided().is_empty(), "it is held");
    let now = world.now();
    world.sequencer().set_held_aside("owner", offset, now).unwrap();
    assert_eq!(world.sequencer().take_decided(), [offset]);
}

#[test]
fn a_decided_command_is_not_stored_as_an_undecided_one() {
    const UNDECIDED: u8 = 17;
    let mut world = counting(|_, calls| calls == 1);
    let offset = world.send("c", "k").offset;
    world.settle();
    let undecided = |world: &mut World| {
        world.flush();
        world.stored().keys().filter(|key| key.first() == Some(&UNDECIDED)).count()
    };
    assert_eq!(undecided(&mut world), 1);
    let now = world.now();
    world.sequencer().redrive("owner", offset, now).unwrap();
    world.settle();
    assert_eq!(world.decision(offset), Some(accepted("2")));
    // The store may show an older value of a key again, once its last value has expired.
    assert_eq!(undecided(&mut world), 0);
}

#[test]
fn what_is_no_command_has_no_state() {
    let mut world = counting(|_, _| false);
    let offset = world.publish(vec![event("e", "k")]).receipts[0].offset;
    world.settle();
    assert_eq!(world.shared().command_state(offset).unwrap(), None);
    let pending = world.send("c", "k").offset;
    assert_eq!(world.shared().command_state(pending).unwrap(), None, "no consumer has dealt with it yet");
}
