//! No consumer starves: a ready consumer gets its turn after at most one batch of each other ready consumer,
//! and none takes the last free worker while a consumer that runs nothing waits.

use std::collections::BTreeMap;

use camshaft_engine::{Batch, EngineOptions};
use camshaft_event::Event;
use camshaft_log::testing::Random;

use super::harness::{World, done, event, key_in, note, spec};

const PARTITIONS: u32 = 4;

/// A consumer of a type of its own.
fn attach(world: &mut World, name: &str) {
    let mut declared = spec(name, &[&format!("to.{name}")]);
    declared.policy.partitions = PARTITIONS;
    world.attach(declared, |_, _| done());
    world.settle();
}

fn put(world: &mut World, name: &str, id: usize) {
    let event_type = format!("to.{name}");
    world.publish(vec![Event { event_type, ..event(&format!("{name} {id}"), "") }]);
}

fn world_with(workers: usize) -> World {
    World::with_segments(1 << 20, |options| {
        *options = EngineOptions { workers, batch_events: 1, ..options.clone() };
    })
}

fn name_of(batch: &Batch) -> &str {
    &batch.spec.name
}

#[test]
fn the_last_free_worker_goes_to_one_that_runs_nothing() {
    let mut world = world_with(3);
    attach(&mut world, "flooded");
    attach(&mut world, "quiet");
    (0..100).for_each(|id| put(&mut world, "flooded", id));
    let mut running: Vec<Batch> = (0..2).map(|_| world.take().unwrap()).collect();
    assert!(running.iter().all(|batch| name_of(batch) == "flooded"));
    put(&mut world, "quiet", 0);
    let last = world.take().unwrap();
    assert_eq!(name_of(&last), "quiet", "though it was not its turn yet");
    // With nobody else about, the flooded one may have it.
    let finished = world.run(last);
    world.commit(finished);
    running.push(world.take().unwrap());
    assert_eq!(name_of(&running[2]), "flooded");
    // Whoever comes now waits for one batch to end, and no longer.
    put(&mut world, "quiet", 1);
    let finished = world.run(running.remove(0));
    world.commit(finished);
    assert_eq!(name_of(&world.take().unwrap()), "quiet");
}

#[test]
fn while_several_workers_are_free_turns_go_in_order() {
    let mut world = world_with(5);
    ["a", "b", "quiet"].into_iter().for_each(|name| attach(&mut world, name));
    (0..50).flat_map(|id| [("a", id), ("b", id)]).for_each(|(name, id)| put(&mut world, name, id));
    let mut names: Vec<String> = (0..2).map(|_| name_of(&world.take().unwrap()).to_owned()).collect();
    put(&mut world, "quiet", 0);
    names.extend((0..2).map(|_| name_of(&world.take().unwrap()).to_owned()));
    assert_eq!(names, ["a", "b", "a", "b"]);
    assert_eq!(name_of(&world.take().unwrap()), "quiet");
}

#[test]
fn if_all_who_are_ready_run_something_the_last_worker_goes_to_the_first_of_them() {
    let mut world = world_with(3);
    ["a", "b"].into_iter().for_each(|name| attach(&mut world, name));
    (0..50).flat_map(|id| [("a", id), ("b", id)]).for_each(|(name, id)| put(&mut world, name, id));
    let names: Vec<String> = (0..3).map(|_| name_of(&world.take().unwrap()).to_owned()).collect();
    assert_eq!(names, ["a", "b", "a"]);
}

#[test]
fn one_that_was_passed_over_keeps_its_place() {
    let mut world = world_with(2);
    for name in ["a", "b", "c"] {
        attach(&mut world, name);
    }
    for name in ["a", "b", "c"] {
        (0..8).for_each(|id| put(&mut world, name, id));
    }
    // `a` runs long; the others take turns meanwhile.
    let long = world.take().unwrap();
    assert_eq!(name_of(&long), "a");
    let mut names = Vec::new();
    for _ in 0..4 {
        let batch = world.take().unwrap();
        names.push(name_of(&batch).to_owned());
        let finished = world.run(batch);
        world.commit(finished);
    }
    assert_eq!(names, ["b", "c", "b", "c"]);
    let finished = world.run(long);
    world.commit(finished);
    assert_eq!(name_of(&world.take().unwrap()), "a", "it had come back first");
}

#[test]
fn in_a_flood_a_ready_consumer_waits_for_at_most_one_batch_of_each_other() {
    for (seed, workers) in (0..20).zip([1, 2, 3, 4, 7].into_iter().cycle()) {
        let mut random = Random::from_seed(seed);
        let mut world = world_with(workers);
        let flooded = ["f1", "f2", "f3"];
        let quiet = ["q1", "q2"];
        flooded.into_iter().chain(quiet).for_each(|name| attach(&mut world, name));
        let mut running: Vec<Batch> = Vec::new();
        // Batches of others since a quiet one has been ready.
        let mut waits: BTreeMap<&str, usize> = BTreeMap::new();
        let mut longest = 0;
        for id in 0..150 {
            for number in 0..9 {
                put(&mut world, flooded[number % 3], id * 9 + number);
            }
            world.sync();
            let name = quiet[random.below(2) as usize];
            let is_busy = running.iter().any(|batch| name_of(batch) == name);
            if !waits.contains_key(name) && !is_busy && random.coin() {
                put(&mut world, name, id);
                waits.insert(name, 0);
            }
            while running.len() < workers {
                let batch = world.take().expect("the flood never ends");
                let runs_one = running.iter().any(|other| name_of(other) == name_of(&batch));
                if running.len() + 1 == workers && runs_one {
                    assert!(waits.is_empty(), "seed {seed}: {} took the last worker", name_of(&batch));
                }
                waits.remove(name_of(&batch));
                waits.values_mut().for_each(|batches| *batches += 1);
                longest = longest.max(waits.values().copied().max().unwrap_or_default());
                running.push(batch);
            }
            for _ in 0..=random.below(workers as u64) {
                let batch = running.swap_remove(random.below(running.len() as u64) as usize);
                let finished = world.run(batch);
                world.commit(finished);
            }
            world.sync();
        }
        let others = flooded.len() + quiet.len() - 1;
        assert!(longest <= others, "seed {seed}: {longest} batches of {others} others");
        assert!(longest > 0);
    }
}

#[test]
fn a_turn_is_not_lost_to_a_partition_that_has_nothing_to_give() {
    let mut world = world_with(2);
    let declared = |types: &[&str]| spec("changes", types);
    world.attach(declared(&["to.before", "to.changes"]), |_, _| done());
    attach(&mut world, "other");
    for (partition, event_type) in [(0, "to.before"), (1, "to.before"), (2, "to.changes")] {
        let event_type = event_type.to_owned();
        world.publish(vec![Event { event_type, ..event(&partition.to_string(), &key_in(partition)) }]);
    }
    put(&mut world, "other", 0);
    // What was routed to it under the old declaration is no work under the new one.
    world.attach(declared(&["to.changes"]), |_, _| done());
    let batch = world.take().unwrap();
    assert_eq!(name_of(&batch), "changes");
}

#[test]
fn those_who_are_paused_or_gone_hold_up_nobody() {
    let mut world = world_with(2);
    for number in 0..50 {
        attach(&mut world, &format!("paused-{number}"));
        put(&mut world, &format!("paused-{number}"), 0);
    }
    attach(&mut world, "well");
    put(&mut world, "well", 0);
    let now = world.now();
    for number in 0..25 {
        world.sequencer().pause(&format!("paused-{number}"), now).unwrap();
        world.detach(&format!("paused-{}", number + 25));
        world.sync();
    }
    assert_eq!(name_of(&world.take().unwrap()), "well");
    for number in 0..25 {
        world.sequencer().resume(&format!("paused-{number}"), now).unwrap();
        world
            .attach(spec(&format!("paused-{}", number + 25), &[&format!("to.paused-{}", number + 25)]), note);
        world.sync();
    }
    world.settle();
    let called = world.calls.borrow().len();
    assert_eq!(called, 50, "each of them once; the well one is still being run");
}

/// A call that is late, in microseconds.
const LATE_US: u64 = 300_000;

/// A world in which these consumers have each had a late call, and have more events to come.
fn world_with_late(workers: usize, late: &[&str]) -> World {
    let mut world = world_with(workers);
    late.iter().for_each(|name| attach(&mut world, name));
    attach(&mut world, "quiet");
    late.iter().for_each(|name| put(&mut world, name, 0));
    world.clock.set_call_us(LATE_US);
    world.settle();
    world.clock.set_call_us(0);
    (1..100)
        .flat_map(|id| late.iter().map(move |name| (name, id)))
        .for_each(|(name, id)| put(&mut world, name, id));
    world
}

#[test]
fn late_consumers_leave_one_worker_to_the_others() {
    let mut world = world_with_late(3, &["a", "b", "c"]);
    let mut running = vec![world.take().unwrap(), world.take().unwrap()];
    assert_eq!([name_of(&running[0]), name_of(&running[1])], ["a", "b"]);
    assert!(!world.sequencer().has_work(), "nobody is woken for what may not run");
    assert!(world.take().is_none(), "the third worker stays free of late calls");
    put(&mut world, "quiet", 0);
    assert!(world.sequencer().has_work());
    let quiet = world.take().unwrap();
    assert_eq!(name_of(&quiet), "quiet", "though late ones wait for longer");
    // Among themselves they take turns.
    let finished = world.run(running.remove(0));
    world.commit(finished);
    assert_eq!(name_of(&world.take().unwrap()), "c");
    let finished = world.run(quiet);
    world.commit(finished);
    assert!(world.take().is_none());
}

#[test]
fn two_that_always_run_late_do_not_keep_a_third_one_waiting() {
    let mut world = world_with_late(2, &["a", "b"]);
    world.clock.set_call_us(LATE_US);
    let mut late = world.take().unwrap();
    for id in 0..20 {
        put(&mut world, "quiet", id);
        let quiet = world.take().unwrap();
        assert_eq!(name_of(&quiet), "quiet", "while {} runs", name_of(&late));
        world.clock.set_call_us(0);
        let finished = world.run(quiet);
        world.commit(finished);
        world.clock.set_call_us(LATE_US);
        let ended = name_of(&late).to_owned();
        let finished = world.run(late);
        world.commit(finished);
        late = world.take().unwrap();
        assert_ne!(name_of(&late), ended);
    }
}

#[test]
fn prompt_batches_earn_the_last_worker_back() {
    let mut world = world_with_late(2, &["a", "b"]);
    world.clock.set_call_us(LATE_US / 10);
    let mut batches = 0;
    let running = loop {
        let first = world.take().unwrap();
        if let Some(second) = world.take() {
            break [first, second];
        }
        batches += 1;
        let finished = world.run(first);
        world.commit(finished);
    };
    assert_eq!(batches, 2 * 8 * 10 - 1, "eight times the late time, but for the last one to be late");
    assert_ne!(name_of(&running[0]), name_of(&running[1]));
}

#[test]
fn other_code_begins_in_good_standing() {
    let mut world = world_with_late(2, &["a", "b"]);
    let mut declared = spec("a", &["to.a"]);
    declared.policy.partitions = PARTITIONS;
    declared.version = "other".into();
    world.attach(declared, |_, _| done());
    while world.read() {}
    assert!(world.take().is_some() && world.take().is_some());
}

#[test]
fn on_a_single_worker_late_consumers_take_turns_with_all_others() {
    let mut world = world_with_late(1, &["a", "b"]);
    world.clock.set_call_us(LATE_US);
    put(&mut world, "quiet", 0);
    let mut names = Vec::new();
    for _ in 0..4 {
        let batch = world.take().unwrap();
        names.push(name_of(&batch).to_owned());
        let finished = world.run(batch);
        world.commit(finished);
    }
    assert_eq!(names, ["a", "b", "quiet", "a"]);
}
