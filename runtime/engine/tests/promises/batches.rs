//! A batch ends at 64 events, after 2 ms of handler time, or when its transaction is full.

use camshaft_engine::{Attempt, Committed, ConsumerSpec};
use camshaft_event::{Answer, AttemptContext, Event, FailureCause, NewEvent};
use camshaft_tables::{TablePart, TablesError};

use super::harness::{World, done, event, note, reject, spec};

fn one_partition(name: &str) -> ConsumerSpec {
    let mut declared = spec(name, &["thing.happened"]);
    declared.policy.partitions = 1;
    declared
}

/// Puts `count` events of different keys, and lets the consumer get them.
fn put_many(world: &mut World, count: usize) {
    world.publish((0..count).map(|id| event(&id.to_string(), &id.to_string())).collect());
    world.sync();
    world.read();
}

fn largest_transaction(world: &mut World) -> usize {
    world.transactions().iter().map(|transaction| transaction.encode().len()).max().unwrap()
}

#[test]
fn a_batch_has_at_most_64_events_and_never_waits_to_fill() {
    let mut world = World::new();
    world.attach(one_partition("batching"), note);
    put_many(&mut world, 100);
    let sizes: Vec<usize> = (0..2)
        .map(|_| {
            let batch = world.take().unwrap();
            let size = batch.len();
            let finished = world.run(batch);
            world.commit(finished);
            size
        })
        .collect();
    assert_eq!(sizes, [64, 36]);
    assert!(world.take().is_none());
}

#[test]
fn a_batch_ends_after_two_milliseconds_of_handler_time() {
    let mut world = World::new();
    world.attach(one_partition("slow"), note);
    put_many(&mut world, 10);
    world.clock.set_call_us(700);
    world.step().unwrap();
    assert_eq!(world.called("slow").len(), 3, "after the third call 2,100 µs have passed");
    world.clock.set_call_us(5_000);
    world.step().unwrap();
    assert_eq!(world.called("slow").len(), 4, "one event is always dealt with");
    world.settle();
    let ids: Vec<String> = (0..10).map(|id| id.to_string()).collect();
    assert_eq!(world.called("slow"), ids, "what was left came next, in order, once");
}

#[test]
fn what_does_not_fit_goes_to_the_next_batch_uncounted() {
    let mut world = World::new();
    world.attach(one_partition("large"), |event, attempt| {
        attempt.set(event.id.as_bytes(), &[b'v'; 12_000]).unwrap();
        done()
    });
    put_many(&mut world, 7);
    world.settle();
    assert_eq!((world.state("large").len(), world.standing("large").dead), (7, 0));
    assert!(world.calls.borrow().iter().all(|call| call.attempt == 1));
    assert!(largest_transaction(&mut world) <= 32 * 1024 + 64);
}

#[test]
fn an_attempt_that_alone_exceeds_the_limit_is_a_reject_that_names_it() {
    // By large values, and by so many small effects that only their encoding is too large.
    let large: fn(&Event, &mut Attempt) -> Answer = |event, attempt| {
        let values = ["1", "2", "3"].map(|key| attempt.set(key.as_bytes(), &[b'v'; 12_000]));
        assert_eq!(values.iter().all(Result::is_ok), event.id != "0");
        done()
    };
    let many: fn(&Event, &mut Attempt) -> Answer = |_, attempt| {
        let extensions: Vec<_> = (10..90).map(|number| (format!("x{number}"), String::new())).collect();
        for _ in 0..58 {
            let event_type = "t".to_owned();
            let event = NewEvent { event_type, extensions: extensions.clone(), ..NewEvent::default() };
            attempt.publish(event).unwrap();
        }
        done()
    };
    for handler in [large, many] {
        let mut world = World::new();
        world.attach(one_partition("large"), move |event, attempt| {
            if event.id == "0" { handler(event, attempt) } else { note(event, attempt) }
        });
        put_many(&mut world, 3);
        world.settle_all();
        assert_eq!(world.state("large").into_keys().collect::<Vec<_>>(), ["1", "2"], "others go on");
        let (_, letter) = world.dead("large").remove(0);
        let attempt = letter.history.latest().unwrap();
        assert_eq!((attempt.cause, letter.history.total), (FailureCause::Refused, 1));
        assert!(
            attempt.error.contains("32768 (setting `limits.max_transaction_bytes`)"),
            "{}",
            attempt.error
        );
    }
}

#[test]
fn writing_a_key_again_does_not_count_twice() {
    let mut world = World::new();
    world.attach(one_partition("rewriting"), |_, attempt| {
        for byte in b'a'..=b'z' {
            attempt.set(b"k", &[byte; 12_000]).unwrap();
        }
        done()
    });
    put_many(&mut world, 1);
    world.settle();
    assert_eq!((world.state("rewriting")["k"].len(), world.standing("rewriting").dead), (12_000, 0));
}

#[test]
fn long_stories_of_many_failures_stay_within_the_limit() {
    let mut world = World::new();
    world.attach(one_partition("failing"), |event, attempt| {
        if event.id == "fill" {
            attempt.set(b"large", &[b'v'; 15_000]).unwrap();
            return done();
        }
        attempt.get(b"large").unwrap();
        Answer::Reject { reason: "x".repeat(9_000) }
    });
    world.put("fill", "k");
    world.settle();
    put_many(&mut world, 40);
    world.settle_all();
    assert_eq!(world.standing("failing").dead, 40);
    assert!(largest_transaction(&mut world) <= 32 * 1024 + 64);
}

#[test]
fn many_large_events_that_must_wait_are_held_in_portions() {
    let mut world = World::new();
    world.attach(
        one_partition("holding"),
        |event, attempt| {
            if event.id == "bad" { reject() } else { note(event, attempt) }
        },
    );
    world.put("bad", "k");
    for id in 0..20 {
        world.publish(vec![Event { data: vec![b'x'; 10_000], ..event(&id.to_string(), "k") }]);
    }
    world.settle();
    assert_eq!(world.standing("holding").held, 20);
    assert!(largest_transaction(&mut world) <= 32 * 1024 + 64);
    let (offset, _) = world.dead("holding").remove(0);
    let now = world.now();
    world.sequencer().discard("holding", offset, now).unwrap();
    world.settle();
    assert_eq!(world.state("holding")["k"].split(' ').count(), 20);
}

#[test]
fn tables_that_cannot_be_read_are_nobodys_attempt() {
    // The handler's own doing looks the same from outside: the attempt has no outcome.
    let mut world = World::new();
    world.attach(one_partition("unlucky"), note);
    put_many(&mut world, 3);
    let batch = world.take().unwrap();
    let mut finished = world.run(batch);
    let consumer = world.standing("unlucky").record.id;
    finished.unread = Some(TablesError::missing(consumer, TablePart::State));
    assert_eq!(world.commit(finished), Committed::Nothing);
    assert!(world.state("unlucky").is_empty());
    assert!(world.take().is_none(), "it pauses");
    let now = world.now();
    world.sequencer().resume("unlucky", now).unwrap();
    world.settle();
    assert_eq!(world.state("unlucky").len(), 3);
    assert!(world.calls.borrow().iter().all(|call| call.attempt == 1));
}
