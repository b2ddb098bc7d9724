//! A rate limit: no more attempts than the tokens allow, each as soon as they do, and none lost for it.

use std::cell::RefCell;
use std::rc::Rc;

use camshaft_engine::ConsumerSpec;
use camshaft_event::{AttemptContext, Rate, Timestamp};

use super::harness::{World, done, event, key_in, note, retry, spec};

const RATE: Rate = Rate { events: 10, per_ms: 1_000 };

fn limited(rate: Rate) -> ConsumerSpec {
    let mut declared = spec("limited", &["thing.*"]);
    declared.policy.rate = Some(rate);
    declared
}

fn world_with(rate: Rate) -> World {
    let mut world = World::new();
    world.attach(limited(rate), note);
    world.settle();
    world
}

fn called(world: &World) -> usize {
    world.called("limited").len()
}

#[test]
fn after_a_rest_as_many_run_at_once_and_then_each_with_its_token() {
    let mut world = world_with(RATE);
    let begin = world.now();
    world.put_apart(0..15);
    world.settle();
    assert_eq!((called(&world), world.standing("limited").throttled_until), (10, Some(begin.plus_ms(100))));
    for more in 1..=5 {
        let due = begin.plus_ms(100 * more as u64);
        assert_eq!(world.sequencer().next_due(), Some(due));
        world.clock.set(Timestamp(due.0 - 1));
        world.settle();
        assert_eq!(called(&world), 9 + more);
        world.clock.set(due);
        world.settle();
        assert_eq!(called(&world), 10 + more);
    }
    assert_eq!(world.standing("limited").throttled_until, None, "nothing waits for the next one");
    world.settle_all();
    assert_eq!(world.sequencer().next_due(), None);
}

const RATES: [Rate; 4] = [
    RATE,
    Rate { events: 3, per_ms: 7 },
    Rate { events: 2_000, per_ms: 1_000 },
    Rate { events: 1, per_ms: 1 },
];

#[test]
fn over_any_time_there_are_no_more_than_the_first_and_those_that_came_since() {
    for rate in RATES {
        let mut world = world_with(rate);
        let begin = world.now();
        world.put_apart(0..300);
        let mut waits = [1, 3, 0, 20, 7, 50].into_iter().cycle();
        while called(&world) < 300 {
            world.settle();
            let passed_ms = world.now().ms_since(begin);
            let allowed = u64::from(rate.events) + passed_ms * u64::from(rate.events) / rate.per_ms;
            assert!(called(&world) as u64 <= allowed, "{rate:?}: {} after {passed_ms} ms", called(&world));
            world.clock.advance_ms(waits.next().unwrap());
        }
    }
}

#[test]
fn nobody_waits_longer_than_the_tokens_take() {
    for rate in RATES {
        let mut world = World::new();
        let times = Rc::new(RefCell::new(Vec::new()));
        let noted = Rc::clone(&times);
        world.attach(limited(rate), move |_, attempt| {
            noted.borrow_mut().push(attempt.now());
            done()
        });
        world.settle();
        let begin = world.now();
        world.put_apart(0..300);
        world.settle_all();
        for (time, before) in times.borrow().iter().zip(0..) {
            let late = (before + 1_u64).saturating_sub(rate.events.into());
            let due = begin.plus_ms((late * rate.per_ms).div_ceil(rate.events.into()));
            assert_eq!(*time, due, "{rate:?}: after {before} others");
        }
        assert_eq!(times.borrow().len(), 300);
    }
}

#[test]
fn several_workers_share_the_tokens() {
    let mut world = World::with(|options| options.batch_events = 4);
    world.attach(limited(RATE), note);
    world.settle();
    for partition in 0..4 {
        (0..5).for_each(|id| _ = world.put(&format!("{partition} {id}"), &key_in(partition)));
    }
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    assert_eq!(batches.iter().map(camshaft_engine::Batch::len).collect::<Vec<_>>(), [4, 4, 2]);
    assert!(!world.sequencer().has_work());
    for batch in batches {
        let finished = world.run(batch);
        world.commit(finished);
    }
    world.settle_all();
    assert_eq!(called(&world), 20);
}

#[test]
fn retries_cost_tokens_too() {
    let mut world = World::new();
    let mut declared = limited(Rate { events: 1, per_ms: 1_000 });
    declared.policy.max_attempts = 3;
    world.attach(declared, |_, _| retry());
    world.settle();
    let begin = world.now();
    world.put("0", "k");
    for attempts in 1..=3 {
        world.settle();
        assert_eq!(called(&world), attempts, "its backoff is 100 ms at most");
        assert_eq!(world.sequencer().next_due(), Some(begin.plus_ms(1_000 * attempts as u64)));
        world.clock.set(begin.plus_ms(1_000 * attempts as u64));
    }
    world.settle();
    assert_eq!((called(&world), world.standing("limited").dead), (3, 1));
}

#[test]
fn what_the_handler_was_not_called_for_costs_nothing() {
    let mut world = World::with(|options| options.batch_us = 10);
    world.clock.set_call_us(10);
    world
        .attach(limited(RATE), |event, attempt| if event.id == "0" { retry() } else { note(event, attempt) });
    world.settle();
    // One attempt; the others only have to wait behind it.
    world.put_range(0..9, "k");
    world.settle();
    assert_eq!((called(&world), world.standing("limited").held), (1, 8));
    // Nine more in one partition, each in a batch that its time ends.
    (10..19).for_each(|id| _ = world.put(&id.to_string(), &key_in(1)));
    world.settle();
    assert_eq!(called(&world), 10);
    world.put("last", "last");
    world.settle();
    assert_eq!(called(&world), 10);
}

#[test]
fn what_the_handler_has_to_be_called_for_again_costs_twice() {
    let mut world = World::new();
    let mut declared = limited(Rate { events: 3, per_ms: 1_000 });
    declared.policy.partitions = 1;
    world.attach(declared, |event, attempt| {
        // Two of these do not fit into one transaction.
        let values =
            ["a", "b"].map(|key| attempt.set(format!("{key}{}", event.id).as_bytes(), &[b'v'; 9_000]));
        assert!(values.iter().all(Result::is_ok));
        done()
    });
    world.settle();
    world.put_apart(0..3);
    world.settle();
    assert_eq!(world.called("limited"), ["0", "1", "1"]);
}

#[test]
fn what_slow_batches_give_back_is_no_more_than_there_was_room_for() {
    let mut world = World::with(|options| options.batch_us = 10);
    world.clock.set_call_us(10);
    world.attach(limited(RATE), note);
    world.settle();
    (0..10).for_each(|id| _ = world.put(&format!("slow {id}"), &key_in(0)));
    (0..60).for_each(|id| _ = world.put(&format!("other {id}"), &key_in(1)));
    let slow = world.take().unwrap();
    assert_eq!(slow.len(), 10);
    // It takes so long that the bucket is full again, and others are called for all of it.
    world.clock.advance_ms(1_000);
    world.tick();
    for _ in 0..10 {
        let other = world.take().unwrap();
        let finished = world.run(other);
        world.commit(finished);
    }
    assert!(world.take().is_none());
    let finished = world.run(slow);
    world.commit(finished);
    assert!(
        world.take().is_none(),
        "nine events were not handled, but their tokens would have found no room"
    );
}

#[test]
fn a_clock_that_is_set_back_does_not_stall_it() {
    let mut world = world_with(RATE);
    world.put_apart(0..30);
    world.settle();
    world.clock.set(Timestamp(50_000));
    world.settle();
    assert_eq!(called(&world), 10, "time has not passed");
    world.clock.advance_ms(500);
    world.settle();
    assert_eq!(called(&world), 15);
    world.clock.advance_ms(1_000);
    world.settle();
    assert_eq!(called(&world), 25);
}

#[test]
fn a_worker_that_comes_late_with_its_time_gains_nothing() {
    let mut world = world_with(RATE);
    let begin = world.now();
    world.put_apart(0..30);
    world.settle();
    for more in 1..=10 {
        let now = begin.plus_ms(100 * more);
        world.clock.set(now);
        world.tick();
        let batch = world.take().unwrap();
        let finished = world.run(batch);
        world.sequencer().commit(finished, Timestamp(now.0 - 90)).unwrap();
        assert_eq!(world.sequencer().next_due(), Some(now.plus_ms(100)));
    }
}

#[test]
fn a_reload_brings_no_tokens_unless_the_limit_is_another() {
    let mut world = world_with(RATE);
    world.put_apart(0..30);
    world.settle();
    let mut newer = limited(RATE);
    newer.digest = "newer".to_owned();
    world.attach(newer, note);
    world.settle();
    assert_eq!(called(&world), 10);
    world.detach("limited");
    world.attach(limited(RATE), note);
    world.settle();
    assert_eq!(called(&world), 10);
    world.attach(limited(Rate { events: 5, ..RATE }), note);
    world.settle();
    assert_eq!(called(&world), 15);
    world.attach(spec("limited", &["thing.*"]), note);
    world.settle();
    assert_eq!(called(&world), 30, "no limit any more");
}

#[test]
fn it_concerns_nobody_else_and_keeps_order() {
    let mut world = world_with(RATE);
    world.attach(spec("free", &["thing.*"]), note);
    world.put_range(0..40, "k");
    world.settle();
    assert_eq!((called(&world), world.called("free").len()), (10, 40));
    world.settle_all();
    assert_eq!(world.state("limited"), world.state("free"));
}

#[test]
fn paused_or_detached_it_waits_for_no_token() {
    let mut world = world_with(RATE);
    world.put_apart(0..20);
    world.settle();
    let now = world.now();
    world.sequencer().pause("limited", now).unwrap();
    assert_eq!((world.tick(), world.standing("limited").throttled_until), (None, None));
    world.sequencer().resume("limited", now).unwrap();
    assert_eq!(world.tick(), Some(now.plus_ms(100)));
    world.detach("limited");
    assert_eq!(world.tick(), None);
    world.attach(limited(RATE), note);
    world.settle_all();
    assert_eq!(called(&world), 20);
}

#[test]
fn a_flood_of_other_consumers_takes_none_of_its_turns() {
    let mut world = world_with(Rate { events: 1, per_ms: 100 });
    world.attach(spec("flooded", &["thing.*"]), note);
    world.put_apart(0..5);
    world.settle();
    for _ in 0..4 {
        for id in 0..20 {
            let id = format!("{id} at {}", world.now());
            world.publish(vec![event(&id, &id)]);
        }
        world.clock.advance_ms(100);
        world.settle();
    }
    assert_eq!(called(&world), 5);
    let attempts = world.calls.borrow().iter().map(|call| call.attempt).max();
    assert_eq!(attempts, Some(1));
}

#[test]
fn a_conflict_is_not_tried_again_for_free() {
    // Its handler was called, whatever became of what it did.
    let mut world = World::with(|options| options.batch_events = 1);
    world.attach(limited(RATE), |event, attempt| {
        let count = attempt.get(b"count").unwrap().unwrap_or_default().len();
        attempt.set(b"count", &vec![b'x'; count + 1]).unwrap();
        note(event, attempt)
    });
    world.settle();
    (0..4).for_each(|partition| _ = world.put(&partition.to_string(), &key_in(partition)));
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    for batch in batches {
        let finished = world.run(batch);
        world.commit(finished);
    }
    world.put_apart(10..30);
    world.settle();
    assert_eq!(called(&world), 10);
    world.settle_all();
    assert_eq!(world.state("limited")["count"].len(), 24);
}
