//! What a consumer keeps is counted to the byte and bounded, whoever writes it and whatever happens
//! meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use camshaft_engine::{Attempt, Committed, EngineOptions, Finished, ResetPlace, ResetTo};
use camshaft_event::{Answer, AttemptContext, Event, FailureCause};

use super::harness::{World, done, event, key_in, retry, spec, trap};

/// What the state's keys and values add up to.
fn sum(state: &BTreeMap<String, String>) -> u64 {
    state.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
}

/// Whether what is counted is what is there.
#[track_caller]
fn check(world: &World, name: &str, bytes: u64) {
    assert_eq!((world.standing(name).state_bytes, sum(&world.state(name))), (bytes, bytes));
}

/// Sets the key that the event's id begins with to what follows, unread; deletes it if nothing does.
fn assign(event: &Event, attempt: &mut Attempt) -> Answer {
    match event.id.split_once('=') {
        Some((key, value)) => attempt.set(key.as_bytes(), value.as_bytes()),
        None => attempt.delete(event.id.as_bytes()),
    }
    .map_or_else(|_| trap(), |()| done())
}

#[test]
fn keys_and_values_count_through_writes_deletes_failures_and_restarts() {
    let mut world = World::new();
    let mut declared = spec("keeping", &["thing.*"]);
    declared.policy.partitions = 1;
    world.attach(declared.clone(), |event, attempt| match event.id.as_str() {
        id if id.starts_with("fails") => {
            attempt.set(b"key", b"a long value that vanishes").unwrap();
            attempt.set(b"other", b"x").unwrap();
            retry()
        }
        "reads" => {
            assert_eq!(attempt.get(b"key").unwrap().as_deref(), Some(b"12345".as_slice()));
            attempt.set(b"key", b"1").unwrap();
            attempt.set(b"key", b"12").unwrap();
            done()
        }
        _ => assign(event, attempt),
    });
    for (id, bytes) in [("key=123", 6), ("key=12345", 8), ("fails", 8), ("reads", 5), ("key", 0), ("none", 0)]
    {
        world.put(id, id);
        world.settle();
        check(&world, "keeping", bytes);
    }
    // In one batch a failure lies between a write and what replaces it.
    world.publish(["key=1", "fails too", "key=12", "more=1"].map(|id| event(id, id)).to_vec());
    world.settle();
    check(&world, "keeping", 10);
    world.kill();
    world.recover();
    check(&world, "keeping", 10);
    world.flush();
    world.restart();
    check(&world, "keeping", 10);
    world.attach(declared, assign);
    world.put("more=12", "k");
    world.settle();
    check(&world, "keeping", 11);
}

#[test]
fn two_partitions_that_write_one_key_unread_commit_both_and_count_it_once() {
    for (ids, bytes) in [(["key=1", "key=12345"], 8), (["key=12345", "key=1"], 4), (["key=1", "key"], 0)] {
        for flushes in [false, true] {
            let mut world = World::new();
            world.attach(spec("keeping", &["thing.*"]), assign);
            world.publish(vec![event(ids[0], &key_in(0)), event(ids[1], &key_in(1))]);
            world.sync();
            world.read();
            let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
            let finished: Vec<Finished> = batches.into_iter().map(|batch| world.run(batch)).collect();
            assert_eq!(finished.len(), 2);
            for finished in finished {
                assert!(matches!(world.commit(finished), Committed::At(_)), "nobody read anything");
                if flushes {
                    world.sync();
                    world.flush();
                }
            }
            check(&world, "keeping", bytes);
        }
    }
}

#[test]
fn a_write_beyond_the_limit_is_refused_by_name_and_nothing_else_is() {
    let mut world = World::with(|options| options.max_state_bytes = 10);
    world.attach(spec("keeping", &["thing.*"]), assign);
    for id in ["key=1234567", "key=12345678", "k=", "key=", "k=12345", "gone", "k=1"] {
        world.put(id, id);
        world.settle_all();
    }
    let refused = world.dead("keeping");
    let refused: Vec<_> = refused
        .iter()
        .map(|(_, letter)| (letter.event.id.as_str(), letter.history.latest().unwrap()))
        .collect();
    assert_eq!(refused.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["key=12345678", "k="]);
    for (_, attempt) in refused {
        assert_eq!(attempt.cause, FailureCause::Refused);
        let expected = "the size of the state (keys and values) in bytes: 11 exceeds the limit of 10 \
                        (setting `limits.max_state_bytes`)";
        assert!(attempt.error.contains(expected), "{}", attempt.error);
    }
    check(&world, "keeping", 5);
}

#[test]
fn partitions_that_fill_the_last_room_together_do_not_pass_the_limit() {
    let mut world = World::with(|options| options.max_state_bytes = 10);
    world.attach(spec("keeping", &["thing.*"]), assign);
    world.publish(vec![event("a=12345", &key_in(0)), event("b=12345", &key_in(1))]);
    world.sync();
    world.read();
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    let mut finished: Vec<_> = batches.into_iter().map(|batch| world.run(batch)).collect();
    assert!(matches!(world.commit(finished.remove(0)), Committed::At(_)));
    assert_eq!(world.commit(finished.remove(0)), Committed::Conflict);
    world.settle_all();
    check(&world, "keeping", 6);
    assert_eq!(world.dead("keeping").len(), 1);
}

#[test]
fn under_a_lower_limit_a_state_may_still_shrink() {
    let mut world = World::new();
    world.attach(spec("keeping", &["thing.*"]), assign);
    world.put("key=12345", "k");
    world.settle_all();
    world.options = Arc::new(EngineOptions { max_state_bytes: 4, ..(*world.options).clone() });
    world.restart();
    for id in ["key=12", "new=", "key"] {
        world.put(id, id);
        world.settle_all();
    }
    check(&world, "keeping", 0);
    assert_eq!(world.dead("keeping").len(), 1);
}

#[test]
fn what_a_failed_attempt_wrote_to_does_not_count() {
    let mut world = World::new();
    world.attach(spec("keeping", &["thing.*"]), |event, attempt| {
        let answer = assign(event, attempt);
        if event.id.ends_with("fails") { retry() } else { answer }
    });
    world.publish(vec![event("key=1 fails", &key_in(0)), event("key=123", &key_in(1))]);
    world.sync();
    world.read();
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    let finished: Vec<_> = batches.into_iter().map(|batch| world.run(batch)).collect();
    for finished in finished.into_iter().rev() {
        assert!(matches!(world.commit(finished), Committed::At(_)));
    }
    check(&world, "keeping", 6);
}

#[test]
fn a_new_generation_begins_with_nothing() {
    let mut world = World::new();
    world.attach(spec("keeping", &["thing.*"]), assign);
    world.put("k=123", "k");
    world.settle();
    let (now, to) = (world.now(), ResetTo { place: ResetPlace::Latest, keep_state: false });
    world.sequencer().reset("keeping", to, now).unwrap();
    check(&world, "keeping", 0);
    world.put("k=12", "k");
    world.settle();
    check(&world, "keeping", 3);
}
