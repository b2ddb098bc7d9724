//! An event's effects commit together with its completion, once, whatever crashes when.

use camshaft_engine::Committed;
use camshaft_event::{AttemptContext, NewEvent, Timestamp};

use super::harness::{World, append, done, event, note, publish, spec};

/// A consumer that notes each event and publishes another, which a second one notes.
fn attach_chain(world: &mut World) {
    world.attach(spec("first", &["thing.happened"]), |event, attempt| {
        publish("thing.followed", attempt);
        note(event, attempt)
    });
    world.attach(spec("second", &["thing.followed"]), |event, attempt| {
        let cause = event.extension("causationid").unwrap_or_default().to_owned();
        append(event.ordering_key().unwrap_or_default(), &cause, attempt);
        done()
    });
}

#[test]
fn state_events_and_timers_appear_together_when_the_batch_commits() {
    let mut world = World::new();
    world.attach(spec("first", &["thing.happened"]), |_, attempt| {
        attempt.set(b"k", b"v").unwrap();
        publish("thing.followed", attempt);
        let later = NewEvent { event_type: "thing.reminded".into(), ..NewEvent::default() };
        attempt.schedule("later", later, Timestamp(u64::MAX)).unwrap();
        done()
    });
    world.put("a", "k");
    world.sync();
    world.read();
    let before = world.sequencer().sequenced();
    let batch = world.take().unwrap();
    let finished = world.run(batch);
    assert!(world.state("first").is_empty());
    assert_eq!((world.standing("first").timers, world.sequencer().sequenced()), (0, before));
    let committed = world.commit(finished);
    assert_eq!(committed, Committed::At(before.sequence.next()));
    assert_eq!(world.state("first")["k"], "v");
    let standing = world.standing("first");
    assert_eq!((standing.timers, standing.checkpoint), (1, before.next_offset.next()));
    world.sync();
    assert_eq!(world.events().last().unwrap().event_type, "thing.followed");
}

#[test]
fn a_crash_after_any_step_neither_doubles_nor_loses_an_effect() {
    let expected = |world: &mut World| {
        for name in ["first", "second"] {
            let state = world.state(name);
            assert_eq!(state["k"].split(' ').collect::<Vec<_>>(), ["0", "1", "2", "3", "4", "5"], "{name}");
        }
        assert_eq!(world.events().len(), 12);
    };
    // What each of the runtime's threads does, in turn, until all is done; a crash comes after so many steps.
    for crash_after in 0..60 {
        for flushes in [false, true] {
            let mut world = World::new();
            world.seed(crash_after);
            attach_chain(&mut world);
            let mut steps = 0;
            let mut acknowledged = 0;
            let mut unanswered = None;
            while acknowledged < 6 {
                match steps % 6 {
                    // A producer publishes again whatever was not acknowledged: duplicates appear once.
                    0 if unanswered.is_none() => {
                        let receipts = world.publish(vec![event(&acknowledged.to_string(), "k")]);
                        unanswered = Some(receipts.durable_at);
                    }
                    1 => _ = world.append(),
                    2 => {
                        world.sync_appended();
                        let durable = world.sequencer().durable().sequence;
                        acknowledged += u32::from(unanswered.take_if(|at| *at <= durable).is_some());
                    }
                    3 => _ = world.read(),
                    4 => _ = world.step(),
                    5 if flushes => _ = world.flush(),
                    _ => {}
                }
                steps += 1;
                if steps == crash_after {
                    world.crash();
                    world.restart();
                    unanswered = None;
                }
            }
            world.settle();
            expected(&mut world);
            // And it is durable: nothing of it happens again.
            world.crash();
            world.restart();
            let calls = world.calls.borrow().len();
            world.settle();
            expected(&mut world);
            assert_eq!(world.calls.borrow().len(), calls, "a durable event is handled again");
        }
    }
}

#[test]
fn what_was_handled_but_not_written_is_handled_again_and_counts_once() {
    let mut world = World::new();
    world.attach(spec("first", &["thing.happened"]), note);
    world.put("a", "k");
    world.sync();
    world.read();
    world.step().unwrap();
    assert_eq!(world.state("first")["k"], "a");
    world.crash();
    world.restart();
    assert!(world.state("first").is_empty(), "the effects were never durable");
    world.settle();
    assert_eq!(world.state("first")["k"], "a");
    assert_eq!(world.called("first"), ["a", "a"]);
}

#[test]
fn an_event_is_delivered_once_however_many_patterns_match() {
    let mut world = World::new();
    world.attach(spec("first", &["thing.happened", "thing.*", "*.happened", "**"]), note);
    world.settle();
    world.put("a", "k");
    world.publish(vec![event("b", "k"), event("c", "k")]);
    world.settle();
    assert_eq!(world.state("first")["k"], "a b c");
}
