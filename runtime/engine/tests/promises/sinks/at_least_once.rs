//! At least once: a call that a crash cut off, or took the end of, is made again, under the same idempotency
//! key.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use camshaft_engine::Committed;
use camshaft_event::AttemptContext;

use super::{LEAST, World, deliver, sink, world};
use crate::promises::harness::{append, done, event, key_in};

#[test]
fn a_call_that_a_crash_cut_off_is_made_again_under_the_same_key() {
    let keys: Rc<RefCell<Vec<String>>> = Rc::default();
    let mut world = World::new();
    let seen = Rc::clone(&keys);
    world.attach(sink("mailer", &["thing.*"], LEAST), move |event, attempt| {
        seen.borrow_mut().push(format!("{} {}", event.source, event.id));
        append("sent", &event.id, attempt);
        done()
    });
    world.settle();
    world.put("1", "k");
    let call = world.launch().unwrap();
    world.sync();
    world.call(call);
    world.crash();
    world.restart();
    world.settle();
    assert_eq!(*keys.borrow(), ["/test 1", "/test 1"], "twice outside, once under one key");
    assert_eq!(world.state("mailer")["sent"], "1", "once inside");
    let attempts: Vec<u32> = world.calls.borrow().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 1], "a call that nobody knows the end of was no attempt");
}

#[test]
fn a_call_whose_end_was_not_synced_is_made_again_and_takes_effect_once() {
    for (ends, calls) in [(0, 2), (1, 1)] {
        let mut world = world(LEAST);
        world.put("1", "k");
        let call = world.launch().unwrap();
        world.sync();
        assert!(matches!(world.land(call), Committed::At(_)));
        (0..ends).for_each(|_| _ = world.sync());
        world.crash();
        world.restart();
        world.settle();
        assert_eq!(world.called("mailer").len(), calls);
        assert_eq!(world.state("mailer")["k"], "1");
    }
}

#[test]
fn every_event_gets_out_over_crashes_at_any_point() {
    for seed in 0..200 {
        let mut world = world(LEAST);
        world.seed(seed);
        let mut steps = seed;
        for id in 0..12 {
            world.put(&id.to_string(), &key_in(id % 4));
            world.sync();
            world.read();
            let calls: Vec<_> = (0..=steps % 3).filter_map(|_| world.launch()).collect();
            if steps.is_multiple_of(5) {
                world.sync();
            }
            for call in calls {
                if world.sequencer().durable().sequence >= call.after && steps % 2 == 0 {
                    world.land(call);
                } else {
                    // It is cut off with the process.
                    drop(call);
                    world.crash();
                    world.restart();
                    break;
                }
            }
            // The process ends with whatever is under way: nothing else may be lost.
            world.crash();
            world.restart();
            steps = steps.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) >> 1;
        }
        world.settle();
        let out: BTreeSet<String> = world.called("mailer").into_iter().collect();
        assert_eq!(out.len(), 12, "seed {seed}");
        let inside: usize = world.state("mailer").values().map(|list| list.split(' ').count()).sum();
        assert_eq!(inside, 12, "seed {seed}: each once inside");
    }
}

#[test]
fn a_call_that_read_what_another_one_changed_is_made_again_alone_and_uncounted() {
    let mut world = World::new();
    world.attach(sink("counting", &["thing.*"], LEAST), |event, attempt| {
        append("list", &event.id, attempt);
        done()
    });
    world.publish(vec![event("left", &key_in(0)), event("right", &key_in(1))]);
    deliver(&mut world);
    let (first, second) = (world.launch().unwrap(), world.launch().unwrap());
    let (first, second) = (world.call(first), world.call(second));
    assert!(matches!(world.commit_call(first), Ok(Committed::At(_))));
    assert_eq!(world.commit_call(second).unwrap(), Committed::Conflict);
    world.put("third", &key_in(2));
    deliver(&mut world);
    let again = world.launch().unwrap();
    assert!(world.launch().is_none(), "the one that lost runs alone");
    world.sync();
    world.land(again);
    world.settle();
    assert_eq!(world.called("counting"), ["left", "right", "right", "third"]);
    assert!(world.calls.borrow().iter().all(|call| call.attempt == 1));
    assert_eq!(world.state("counting")["list"], "left right third");
}

#[test]
fn effects_and_completion_of_a_call_are_one_transaction() {
    let mut world = World::new();
    world.attach(sink("mailer", &["thing.*"], LEAST), |_, attempt| {
        attempt.set(b"sent", b"1").unwrap();
        crate::promises::harness::publish("mail.sent", attempt);
        done()
    });
    world.settle();
    let before = world.sequencer().sequenced().sequence;
    world.put("1", "k");
    world.settle();
    assert_eq!(world.sequencer().sequenced().sequence.0, before.0 + 2, "the event's, and the call's");
    assert_eq!(world.events().last().unwrap().event_type, "mail.sent");
}
