//! Events of one key are handled in log order, one at a time; other keys do not wait for them.

use camshaft_engine::Committed;
use camshaft_event::AttemptContext;

use super::harness::{World, append, done, event, key_in, note, reject, retry, spec};

/// Ids of all events that were put under `key`, as the list in the state has them.
fn ids(count: u32) -> String {
    (0..count).map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn events_of_a_key_are_handled_in_log_order_across_batches() {
    let mut world = World::new();
    world.attach(spec("ordered", &["thing.*"]), |event, attempt| {
        append(event.ordering_key().unwrap(), event.id.split(' ').next_back().unwrap(), attempt);
        done()
    });
    for id in 0..300 {
        for key in ["a", "b", "c", "d", "e"] {
            world.put(&format!("{key} {id}"), key);
        }
    }
    world.settle();
    let state = world.state("ordered");
    for key in ["a", "b", "c", "d", "e"] {
        assert_eq!(state[key], ids(300), "{key}");
    }
}

#[test]
fn a_retried_event_holds_back_its_key_and_no_other() {
    let mut world = World::new();
    world.attach(spec("ordered", &["thing.*"]), |event, attempt| {
        match (event.id.as_str(), attempt.attempt()) {
            ("a0", 1..=3) => retry(),
            _ => note(event, attempt),
        }
    });
    for id in 0..3 {
        world.put(&format!("a{id}"), "a");
        world.put(&format!("b{id}"), "b");
    }
    world.settle();
    assert_eq!(world.state("ordered").get("a"), None);
    assert_eq!(world.state("ordered")["b"], "b0 b1 b2");
    world.settle_all();
    assert_eq!(world.state("ordered")["a"], "a0 a1 a2");
}

#[test]
fn retries_and_restarts_in_between_change_no_order() {
    let mut world = World::new();
    world.attach(spec("ordered", &["thing.*"]), |event, attempt| {
        let wants_retry = event.id.bytes().last().unwrap() % 3 == 0 && attempt.attempt() < 3;
        if wants_retry { retry() } else { note(event, attempt) }
    });
    for round in 0..6 {
        for id in 0..10 {
            world.put(&format!("{}", round * 10 + id), ["x", "y", "z"][id % 3]);
        }
        world.settle();
        world.flush();
        world.clock.advance_ms(20);
        world.crash();
        world.restart();
    }
    world.settle_all();
    let state = world.state("ordered");
    for key in ["x", "y", "z"] {
        let numbers: Vec<u32> = state[key].split(' ').map(|id| id.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
    }
    assert_eq!(state.values().map(|list| list.split(' ').count()).sum::<usize>(), 60);
}

#[test]
fn two_workers_never_hold_batches_of_one_partition() {
    let mut world = World::with(|options| options.batch_events = 1);
    let mut one = spec("ordered", &["thing.*"]);
    one.policy.partitions = 1;
    world.attach(one, note);
    world.put_range(0..3, "k");
    world.sync();
    world.read();
    let first = world.take().unwrap();
    assert!(world.take().is_none(), "the second event of the partition waits for the first");
    let finished = world.run(first);
    world.commit(finished);
    assert!(world.take().is_some());
}

#[test]
fn a_batch_that_lost_does_not_let_its_partition_run_twice() {
    let mut world = World::with(|options| options.batch_events = 1);
    world.attach(spec("counter", &["thing.*"]), |event, attempt| {
        append("shared", &event.id, attempt);
        note(event, attempt)
    });
    // Two partitions with two events each, all of which touch one key of the state.
    let (left, right) = (&*key_in(0), &*key_in(1));
    for id in 0..4 {
        world.put(&format!("{left}{id}"), left);
        world.put(&format!("{right}{id}"), right);
    }
    world.sync();
    world.read();
    let (one, other) = (world.take().unwrap(), world.take().unwrap());
    let (one, other) = (world.run(one), world.run(other));
    assert!(matches!(world.commit(one), Committed::At(_)));
    assert_eq!(world.commit(other), Committed::Conflict);
    // From here on as many workers as the consumer gives batches to.
    for _ in 0..20 {
        let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
        let finished: Vec<_> = batches.into_iter().map(|batch| world.run(batch)).collect();
        for finished in finished {
            world.commit(finished);
        }
    }
    let listed = |key: &str| (0..4).map(|id| format!("{key}{id}")).collect::<Vec<_>>().join(" ");
    let state = world.state("counter");
    assert_eq!((state[left].as_str(), state[right].as_str()), (&*listed(left), &*listed(right)));
    assert_eq!(state["shared"].split(' ').count(), 8);
}

#[test]
fn events_without_a_key_wait_for_nobody() {
    let mut world = World::new();
    world.attach(spec("ordered", &["thing.*"]), |event, attempt| match event.id.as_str() {
        "0" if attempt.attempt() < 3 => retry(),
        "1" => reject(),
        _ => note(event, attempt),
    });
    world.publish((0..5).map(|id| event(&id.to_string(), "")).collect());
    world.settle();
    let mut handled: Vec<_> = world.state("ordered")["(none)"].split(' ').map(str::to_owned).collect();
    handled.sort_unstable();
    assert_eq!(handled, ["2", "3", "4"]);
    assert!(!world.dead("ordered")[0].1.parks);
    world.settle_all();
    assert!(world.state("ordered")["(none)"].ends_with('0'));
}
