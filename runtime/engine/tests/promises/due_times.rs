//! What waits for a time is found when it has come, among however many consumers, and nothing else is woken
//! for it.

use std::cell::Cell;
use std::rc::Rc;

use camshaft_engine::{ResetPlace, ResetTo};
use camshaft_event::{Answer, Backoff, Event, Offset, Start, Timestamp};

use super::harness::{World, done, event, spec};

const CONSUMERS: u64 = 1_000;

fn name(number: u64) -> String {
    format!("consumer-{number}")
}

/// Each consumer wants a type of its own.
fn event_of(number: u64) -> Event {
    Event { event_type: format!("to.{number}"), ..event(&number.to_string(), "k") }
}

/// A world in which each consumer fails at first and wants to try again after so many milliseconds.
fn world_with(after_ms: impl Fn(u64) -> u64 + Clone + 'static) -> World {
    let mut world = World::new();
    for number in 0..CONSUMERS {
        let mut declared = spec(&name(number), &[&format!("to.{number}")]);
        declared.policy.partitions = 1;
        declared.start = Start::Latest;
        declared.policy.backoff = Backoff { base_ms: 1, max_ms: 1 };
        let (is_first, after_ms) = (Cell::new(true), after_ms.clone());
        world.attach(declared, move |_, _| {
            if is_first.replace(false) {
                Answer::Retry { after_ms: Some(after_ms(number)), reason: "later".into() }
            } else {
                done()
            }
        });
        // It follows before the log grows behind it.
        assert!(!world.read());
        world.sync();
    }
    world
}

#[test]
fn among_a_thousand_each_is_woken_at_its_time() {
    let mut world = world_with(|number| (number * 7_919) % CONSUMERS + 1);
    (0..CONSUMERS).for_each(|number| _ = world.publish(vec![event_of(number)]));
    let begin = world.now();
    world.settle();
    for ms in 1..=CONSUMERS {
        assert_eq!(world.sequencer().next_due(), Some(begin.plus_ms(ms)));
        world.clock.set(begin.plus_ms(ms));
        world.tick();
        world.step().unwrap();
        assert!(world.take().is_none(), "only one was due");
        world.sync();
    }
    assert_eq!(world.sequencer().next_due(), None);
}

#[test]
fn many_that_are_due_together_are_all_woken_by_one_tick() {
    let mut world = world_with(|_| 50);
    (0..CONSUMERS).for_each(|number| _ = world.publish(vec![event_of(number)]));
    world.settle();
    world.clock.advance_ms(50);
    assert_eq!(world.tick(), None);
    let mut woken = 0;
    while world.step().is_some() {
        woken += 1;
        world.sync();
    }
    assert_eq!(woken, CONSUMERS);
}

#[test]
fn whoever_goes_takes_its_due_time_along() {
    let mut world = World::new();
    let after_ms = Rc::new(Cell::new(100));
    for number in 0..4 {
        let after_ms = Rc::clone(&after_ms);
        world.attach(spec(&name(number), &[&format!("to.{number}")]), move |_, _| {
            let after_ms = Some(after_ms.replace(after_ms.get() + 100));
            Answer::Retry { after_ms, reason: "later".into() }
        });
        world.publish(vec![event_of(number)]);
        world.settle();
    }
    let begin = world.now();
    let due = |world: &World| world.sequencer().next_due();
    assert_eq!(due(&world), Some(begin.plus_ms(100)));
    world.detach(&name(0));
    assert_eq!(due(&world), Some(begin.plus_ms(200)));
    world.sequencer().pause(&name(1), begin).unwrap();
    assert_eq!(due(&world), Some(begin.plus_ms(300)));
    let tail = world.sequencer().sequenced().next_offset;
    let to = ResetTo { place: ResetPlace::Offset(tail), keep_state: true };
    world.sequencer().reset(&name(2), to, begin).unwrap();
    assert_eq!(due(&world), Some(begin.plus_ms(400)));
    world.detach(&name(3));
    world.sequencer().remove(&name(3), begin).unwrap();
    assert_eq!(due(&world), None);
    world.sequencer().resume(&name(1), begin).unwrap();
    assert_eq!(due(&world), Some(begin.plus_ms(200)));
    // After a restart, those who come back bring theirs.
    world.sync();
    world.crash();
    world.recover();
    assert_eq!(due(&world), None, "nothing is attached yet");
    world.restart();
    assert_eq!(due(&world), Some(begin.plus_ms(200)));
}

#[test]
fn a_time_that_came_while_nobody_looked_is_due_at_once() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |_, _| Answer::Retry {
        after_ms: Some(100),
        reason: "later".into(),
    });
    let offset = world.put("0", "k");
    assert_eq!(offset, Offset(1));
    world.settle();
    world.clock.set(Timestamp(9_000_000));
    world.settle();
    assert_eq!(world.called("one").len(), 2);
    assert_eq!(world.sequencer().next_due(), Some(Timestamp(9_000_100)));
}
