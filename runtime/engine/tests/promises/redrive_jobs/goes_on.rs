//! A redrive job goes on in the order of the log, at its rate, in portions, within all bounds.

use camshaft_engine::RedriveStatus;
use camshaft_event::AfterDeadLetter;
use camshaft_event::transaction::RedriveState;

use super::{Bad, all, attach, bury, choosy_world, counts, job, start};
use crate::promises::harness::{World, reject, spec};

#[test]
fn a_job_redrives_all_of_it_in_order_and_what_waits_behind_follows() {
    let mut world = World::new();
    let bad = Bad::default();
    attach(&mut world, &bad, AfterDeadLetter::Park);
    bury(&mut world, &bad, &[("a1", "a"), ("b1", "b"), ("a2", "a"), ("b2", "b")]);
    assert_eq!((world.standing("choosy").dead, world.standing("choosy").held), (2, 2));
    let id = start(&mut world, all(), 0);
    assert_eq!(counts(&world, id), [2, 0, 0, 2]);
    world.settle();
    let state = world.state("choosy");
    assert_eq!((state["a"].as_str(), state["b"].as_str()), ("a1 a2", "b1 b2"));
    let RedriveStatus { job, results, remaining } = job(&world, id);
    assert_eq!((job.state, job.redriven, job.gone, remaining), (RedriveState::Done, 2, 0, 0));
    assert_eq!((results.handled, results.dead_again), (2, 0));
    assert_eq!(job.ended_at, Some(world.now()));
}

#[test]
fn several_dead_letters_of_one_key_run_in_log_order() {
    let (mut world, bad) = choosy_world();
    bury(&mut world, &bad, &[("1", "k"), ("2", "k"), ("3", "k"), ("4", "k")]);
    assert_eq!(world.standing("choosy").dead, 4);
    start(&mut world, all(), 7);
    world.settle_all();
    assert_eq!(world.state("choosy")["k"], "1 2 3 4");
}

#[test]
fn a_job_with_a_rate_keeps_it_and_catches_up_with_no_more_than_a_late_tick() {
    let (mut world, bad) = choosy_world();
    let ids: Vec<String> = (0..90).map(|id| id.to_string()).collect();
    let pairs: Vec<_> = ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
    bury(&mut world, &bad, &pairs);
    world.clock.advance_ms(50_000);
    let id = start(&mut world, all(), 20);
    let redriven_after = |world: &mut World, ms| {
        world.clock.advance_ms(ms);
        world.tick();
        counts(world, id)[1]
    };
    assert_eq!(redriven_after(&mut world, 0), 1, "the first at once");
    assert_eq!(world.sequencer().next_due(), Some(world.now().plus_ms(50)));
    assert_eq!(redriven_after(&mut world, 49), 1);
    assert_eq!(redriven_after(&mut world, 1), 2);
    assert_eq!(redriven_after(&mut world, 75), 3);
    assert_eq!(redriven_after(&mut world, 25), 4, "a late tick does not slow it down");
    assert_eq!(redriven_after(&mut world, 100_000), 7, "a pause does not come back at once");
    assert_eq!(redriven_after(&mut world, 49), 7);
    assert_eq!(redriven_after(&mut world, 1), 8);
    // A clock that was set back does not stall it.
    let earlier = camshaft_event::Timestamp(world.now().0 - 60_000);
    world.clock.set(earlier);
    assert_eq!(redriven_after(&mut world, 49), 8, "nor does it hurry it");
    assert_eq!(redriven_after(&mut world, 1), 9);
    assert_eq!(redriven_after(&mut world, 50), 10);
    let began = world.now();
    world.settle_all();
    let ended_at = job(&world, id).job.ended_at;
    assert_eq!((counts(&world, id), ended_at), ([90, 90, 0, 0], Some(began.plus_ms(80 * 50))));
}

#[test]
fn very_many_are_redriven_in_portions() {
    let (mut world, bad) = choosy_world();
    let ids: Vec<String> = (0..150).map(|id| id.to_string()).collect();
    let pairs: Vec<_> = ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
    bury(&mut world, &bad, &pairs);
    let id = start(&mut world, all(), 0);
    for expected in [64, 128, 150] {
        assert!(world.sequencer().next_due().unwrap() <= world.now());
        world.tick();
        assert_eq!(counts(&world, id)[1], expected);
    }
    world.settle();
    assert_eq!(world.state("choosy").len(), 150);
}

#[test]
fn without_room_a_job_waits_and_goes_on() {
    let (mut world, bad) = choosy_world();
    bury(&mut world, &bad, &[("1", "a"), ("2", "b"), ("3", "c")]);
    let id = start(&mut world, all(), 0);
    world.sequencer().set_room(0);
    world.tick();
    assert_eq!(counts(&world, id), [3, 0, 0, 3]);
    world.settle();
    assert_eq!((counts(&world, id), world.state("choosy").len()), ([3, 3, 0, 0], 3));
}

#[test]
fn held_events_and_dead_letters_stay_within_their_bound() {
    let mut world = World::with(|options| options.max_held_events = 4);
    world.attach(spec("choosy", &["thing.*"]), |_, _| reject());
    world.put_apart(0..20);
    world.settle();
    assert_eq!(world.standing("choosy").dead, 4);
    start(&mut world, all(), 0);
    for _ in 0..50 {
        world.tick();
        let standing = world.standing("choosy");
        assert!(standing.dead + standing.held + standing.retrying <= 4, "{standing:?}");
        world.step();
        world.sync();
    }
    assert_eq!(world.standing("choosy").dead, 4);
}

#[test]
fn the_job_of_a_detached_consumer_goes_on_and_what_it_redrove_waits() {
    let (mut world, bad) = choosy_world();
    bury(&mut world, &bad, &[("1", "a"), ("2", "b")]);
    world.detach("choosy");
    let id = start(&mut world, all(), 0);
    world.settle();
    assert_eq!((counts(&world, id), job(&world, id).results.handled), ([2, 2, 0, 0], 0));
    assert_eq!(world.standing("choosy").held, 2);
    attach(&mut world, &bad, AfterDeadLetter::Continue);
    world.settle();
    assert_eq!((world.state("choosy").len(), job(&world, id).results.handled), (2, 2));
}
