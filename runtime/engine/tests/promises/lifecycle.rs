//! Creating, attaching, replacing, detaching, resetting and removing a consumer: each is one transaction.

use camshaft_engine::{Committed, ConsumerError, ConsumerSpec, ResetPlace, ResetTo};
use camshaft_event::transaction::ConsumerStatus;
use camshaft_event::{AttemptContext, Event, Generation, NewEvent, Offset, Start, Timestamp};

use super::harness::{World, done, key_in, note, publish, reject, spec};

/// The types of all events in the log.
pub fn types(world: &mut World) -> Vec<String> {
    world.sync();
    world.all_events().into_iter().map(|event| event.event_type).collect()
}

fn reset(world: &mut World, name: &str, offset: Offset, keep_state: bool) {
    let now = world.now();
    world.sequencer().reset(name, ResetTo { place: ResetPlace::Offset(offset), keep_state }, now).unwrap();
}

#[test]
fn a_new_consumer_begins_where_it_asks_to() {
    let mut world = World::new();
    world.put("before", "k");
    for (name, start) in [("early", Start::Earliest), ("late", Start::Latest)] {
        let mut declared = spec(name, &["thing.*"]);
        declared.start = start;
        world.attach(declared, note);
    }
    world.put("after", "k");
    world.settle();
    assert_eq!(world.state("early")["k"], "before after");
    assert_eq!(world.state("late")["k"], "after");
}

#[test]
fn attaching_the_same_code_again_is_no_new_activation() {
    let mut world = World::new();
    let first = world.attach(spec("one", &["thing.*"]), note);
    let again = world.attach(spec("one", &["thing.*"]), note);
    assert!(first.is_new && !again.is_new);
    assert_eq!(again.activation, first.activation);
    let mut other = spec("one", &["thing.*"]);
    other.config.insert("a".into(), "b".into());
    let other = world.attach(other, note);
    assert!(other.is_new && other.activation > first.activation);
    // Sections name the activation that ran, and it survives.
    world.put("a", "k");
    world.settle();
    world.crash();
    world.restart();
    assert_eq!(world.standing("one").record.activation, other.activation);
    assert_eq!(world.sequencer().current_activation("one").unwrap().unwrap().config.len(), 1);
}

#[test]
fn other_code_takes_over_between_two_batches() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.put_range(0..3, "k");
    world.sync();
    world.read();
    let in_flight = world.take().unwrap();
    let mut newer = spec("one", &["thing.*"]);
    newer.digest = "newer".into();
    let activation = in_flight.activation;
    let attached = world.attach(newer, note);
    world.put("3", "k");
    assert_eq!(in_flight.activation, activation);
    assert_ne!(attached.activation, activation);
    let finished = world.run(in_flight);
    assert!(matches!(world.commit(finished), Committed::At(_)), "it finishes under what it was taken with");
    world.settle();
    assert_eq!(world.state("one")["k"], "0 1 2 3");
}

#[test]
fn at_a_take_over_no_event_waits_longer_than_for_the_batch_in_flight() {
    let mut world = World::with(|options| options.workers = 4);
    world.attach(spec("one", &["thing.*"]), note);
    let [busy, idle] = [key_in(0), key_in(1)];
    world.put("old", &busy);
    world.sync();
    world.read();
    let in_flight = world.take().unwrap();
    let newer = spec("one", &["thing.*"]);
    let activation = world.attach(ConsumerSpec { digest: "newer".into(), ..newer }, note).activation;
    world.put("same partition", &busy);
    world.put("other partition", &idle);
    // The new version is given what the old one does not hold up, at once, and nothing else.
    let at_once = world.take().unwrap();
    assert_eq!((at_once.activation, at_once.len()), (activation, 1));
    assert!(world.take().is_none(), "the partition of the batch in flight is the only one that waits");
    let finished = world.run(in_flight);
    assert!(matches!(world.commit(finished), Committed::At(_)));
    let next = world.take().unwrap();
    assert_eq!((next.activation, next.len()), (activation, 1), "it waited for one batch");
    for batch in [at_once, next] {
        let finished = world.run(batch);
        assert!(matches!(world.commit(finished), Committed::At(_)));
    }
    assert_eq!(world.called("one"), ["old", "other partition", "same partition"]);
}

#[test]
fn a_detached_consumer_comes_back_to_where_it_was() {
    for crashes in [false, true] {
        let mut world = World::with(|options| options.batch_events = 1);
        world.attach(spec("one", &["thing.*"]), note);
        world.put_range(0..4, "k");
        world.sync();
        world.read();
        world.step().unwrap();
        // One batch is in flight, two events are left over.
        let in_flight = world.take().unwrap();
        world.detach("one");
        assert!(matches!(world.standing("one").record.status, ConsumerStatus::Detached { .. }));
        assert!(world.take().is_none(), "no code is attached");
        if crashes {
            world.sync();
            world.crash();
            world.recover();
        } else {
            let finished = world.run(in_flight);
            assert!(matches!(world.commit(finished), Committed::At(_)), "what is in flight finishes");
        }
        world.put("4", "k");
        world.settle();
        world.attach(spec("one", &["thing.*"]), note);
        world.settle();
        assert_eq!(world.state("one")["k"], "0 1 2 3 4");
        assert_eq!(world.called("one").len(), 5);
    }
}

#[test]
fn detaching_twice_keeps_the_first_moment() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.detach("one");
    let since = world.standing("one").record.status;
    world.clock.advance_ms(1_000);
    world.detach("one");
    assert_eq!(world.standing("one").record.status, since);
    assert_eq!(types(&mut world), ["camshaft.plugin.activated", "camshaft.consumer.detached"]);
}

#[test]
fn a_reset_begins_anew_at_its_place_with_empty_state() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| {
        if event.id == "bad" {
            return reject();
        }
        let later = NewEvent { event_type: "later".into(), ..NewEvent::default() };
        attempt.schedule("t", later, Timestamp(u64::MAX)).unwrap();
        note(event, attempt)
    });
    let offsets: Vec<_> = ["0", "1", "bad", "2"].map(|id| world.put(id, "k")).to_vec();
    world.settle();
    let standing = world.standing("one");
    assert_eq!((standing.dead, standing.held, standing.timers), (1, 1, 1));
    reset(&mut world, "one", offsets[1], false);
    let standing = world.standing("one");
    assert_eq!((standing.dead, standing.held, standing.timers), (0, 0, 0));
    assert_eq!(standing.record.generation, Generation(2));
    assert!(world.state("one").is_empty());
    world.settle();
    assert_eq!(world.state("one")["k"], "1");
    let events = world.all_events();
    let event = events.iter().find(|event| event.event_type == "camshaft.consumer.reset").unwrap();
    let data: serde_json::Value = serde_json::from_slice(&event.data).unwrap();
    assert_eq!(data["dropped"], serde_json::json!({ "held": 1, "dead": 1, "timers": 1 }));
}

#[test]
fn a_reset_may_keep_the_state() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.put("0", "k");
    world.settle();
    reset(&mut world, "one", Offset(0), true);
    world.settle();
    assert_eq!(world.state("one")["k"], "0 0");
    world.flush();
    world.crash();
    world.restart();
    assert_eq!(world.state("one")["k"], "0 0");
}

#[test]
fn a_batch_of_an_earlier_generation_vanishes() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| {
        publish("followed", attempt);
        note(event, attempt)
    });
    world.put("0", "k");
    world.sync();
    world.read();
    let batch = world.take().unwrap();
    let stale = world.run(batch);
    reset(&mut world, "one", Offset(0), false);
    world.sync();
    world.read();
    let batch = world.take().unwrap();
    let fresh = world.run(batch);
    assert_eq!(world.commit(stale), Committed::Stale);
    assert!(world.state("one").is_empty());
    assert!(matches!(world.commit(fresh), Committed::At(_)));
    world.settle();
    assert_eq!(world.state("one")["k"], "0");
    assert_eq!(world.sequencer().running_batches(), 0);
}

#[test]
fn ids_of_published_events_are_unique_across_generations() {
    let mut world = World::new();
    let declared = || spec("one", &["thing.*"]);
    let handler = |_: &Event, attempt: &mut camshaft_engine::Attempt| {
        publish("followed", attempt);
        publish("followed", attempt);
        let event = NewEvent { event_type: "followed".into(), ..NewEvent::default() };
        attempt.schedule("t", event, Timestamp(0)).unwrap();
        done()
    };
    world.attach(declared(), handler);
    world.put("0", "k");
    world.settle();
    for _ in 0..2 {
        reset(&mut world, "one", Offset(0), false);
        world.settle();
    }
    world.detach("one");
    let now = world.now();
    world.sequencer().remove("one", now).unwrap();
    world.sync();
    world.crash();
    world.recover();
    world.attach(declared(), handler);
    world.settle();
    assert_eq!(world.standing("one").record.generation, Generation(5), "removal is a generation of its own");
    let mut ids: Vec<String> =
        world.all_events().into_iter().map(|event| format!("{} {}", event.source, event.id)).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert_eq!(world.events().into_iter().filter(|event| event.event_type == "followed").count(), 4 * 3);
}

#[test]
fn a_reset_is_durable_and_earlier_progress_does_not_come_back() {
    for flushes in [false, true] {
        let mut world = World::new();
        world.attach(spec("one", &["thing.*"]), note);
        world.put_range(0..5, "k");
        world.settle();
        if flushes {
            world.flush();
        }
        reset(&mut world, "one", Offset(0), false);
        world.sync();
        world.crash();
        world.restart();
        world.settle();
        assert_eq!(world.state("one")["k"], "0 1 2 3 4");
    }
}

#[test]
fn only_a_detached_consumer_can_be_removed_and_nothing_of_it_remains() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| {
        let later = NewEvent { event_type: "later".into(), ..NewEvent::default() };
        attempt.schedule("t", later, Timestamp(2_000_000)).unwrap();
        if event.id == "bad" { reject() } else { note(event, attempt) }
    });
    for id in ["0", "bad", "1"] {
        world.put(id, "k");
    }
    world.settle();
    let now = world.now();
    let removed = world.sequencer().remove("one", now);
    assert!(matches!(removed, Err(ConsumerError::Attached { .. })));
    world.detach("one");
    world.sequencer().remove("one", now).unwrap();
    assert!(world.sequencer().consumer_state("one").is_none());
    assert!(matches!(world.sequencer().remove("one", now), Err(ConsumerError::NotFound { .. })));
    world.clock.set(Timestamp(3_000_000));
    world.settle();
    assert!(!types(&mut world).contains(&"later".to_owned()), "its timers went with it");
    // A new one of the name begins like any other, and no gap is spoken of.
    let mut late = spec("one", &["thing.*"]);
    late.start = Start::Latest;
    world.attach(late, note);
    world.put("2", "k");
    world.settle();
    assert_eq!(world.state("one")["k"], "2");
    assert_eq!((world.standing("one").dead, world.standing("one").held), (0, 0));
    assert!(!types(&mut world).contains(&"camshaft.consumer.gap".to_owned()));
    world.crash();
    world.restart();
    world.settle();
    assert_eq!(world.state("one")["k"], "2");
}

#[test]
fn code_that_was_attached_after_the_start_is_not_detached_as_missing() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.attach(spec("gone", &["thing.*"]), note);
    world.sync();
    world.crash();
    world.recover();
    let mut listed = world.sequencer().unattended();
    listed.sort();
    assert_eq!(listed, ["gone", "one"]);
    // Between the list and the detach a closure subscribes.
    world.attach(spec("one", &["thing.*"]), note);
    let now = world.now();
    assert!(!world.sequencer().detach_unattended("one", now).unwrap());
    assert!(world.sequencer().detach_unattended("gone", now).unwrap());
    world.put("a", "k");
    world.settle();
    assert_eq!(world.state("one")["k"], "a");
    assert!(matches!(world.standing("gone").record.status, ConsumerStatus::Detached { .. }));
}
