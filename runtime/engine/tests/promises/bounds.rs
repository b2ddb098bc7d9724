//! Held events and dead letters of a consumer are bounded: at the bound it stops reading, and heals.

use camshaft_engine::Pause;
use camshaft_event::Event;

use super::harness::{World, event, note, reject, spec};

fn refusing_world(max_events: usize, max_bytes: usize) -> World {
    let mut world = World::with(|options| {
        options.max_held_events = max_events;
        options.max_held_bytes = max_bytes;
        options.window_events = 8;
    });
    world.attach(spec("refusing", &["thing.*"]), |event, attempt| {
        if event.id.starts_with("bad") { reject() } else { note(event, attempt) }
    });
    world
}

#[test]
fn at_the_bound_a_consumer_takes_no_new_events_and_goes_on_when_there_is_room() {
    let mut world = refusing_world(10, usize::MAX);
    world.put("bad", "k");
    for id in 0..40 {
        world.put(&id.to_string(), "k");
    }
    world.settle();
    let standing = world.standing("refusing");
    assert_eq!((standing.dead, standing.held), (1, 9));
    assert!(standing.lag > 20, "the rest waits in the log: {}", standing.lag);
    let (offset, _) = world.dead("refusing").remove(0);
    let now = world.now();
    world.sequencer().discard("refusing", offset, now).unwrap();
    world.settle();
    let expected: Vec<String> = (0..40).map(|id| id.to_string()).collect();
    assert_eq!(world.state("refusing")["k"], expected.join(" "));
    assert_eq!(world.standing("refusing").lag, 0);
}

#[test]
fn dead_letters_alone_fill_the_bound() {
    let mut world = refusing_world(5, usize::MAX);
    for id in 0..20 {
        world.put(&format!("bad {id}"), &id.to_string());
    }
    world.put("good", "good");
    world.settle_all();
    assert_eq!((world.standing("refusing").dead, world.called("refusing").len()), (5, 5));
    for round in 1..20 {
        let Some((offset, _)) = world.dead("refusing").into_iter().next() else { break };
        let now = world.now();
        world.sequencer().discard("refusing", offset, now).unwrap();
        world.settle();
        assert!(world.standing("refusing").dead <= 5, "round {round}");
    }
    assert_eq!(world.state("refusing")["good"], "good");
}

#[test]
fn bytes_are_bounded_with_the_stories_of_the_attempts() {
    let mut world = refusing_world(usize::MAX, 40_000);
    for id in 0..20 {
        world
            .publish(vec![Event { data: vec![b'x'; 9_000], ..event(&format!("bad {id}"), &id.to_string()) }]);
    }
    world.settle();
    let dead = world.standing("refusing").dead;
    assert!((4..=8).contains(&dead), "{dead} of 9,000 bytes each");
    // The bound is the same after a restart.
    world.crash();
    world.restart();
    world.settle();
    assert_eq!(world.standing("refusing").dead, dead);
}

#[test]
fn retries_go_on_at_the_bound() {
    let mut world = World::with(|options| options.max_held_events = 3);
    world.attach(spec("trying", &["thing.*"]), |event, attempt| {
        use camshaft_event::AttemptContext;
        if attempt.attempt() < 3 { super::harness::retry() } else { note(event, attempt) }
    });
    world.put_apart(0..20);
    world.settle_all();
    assert_eq!(world.state("trying").len(), 20);
}

#[test]
fn pausing_and_going_on_are_announced_once() {
    let mut world = refusing_world(8, usize::MAX);
    for id in 0..30 {
        world.put(&format!("bad {id}"), &id.to_string());
    }
    world.settle();
    assert_eq!(world.standing("refusing").pauses, [Pause::Bound]);
    let told = |world: &mut World| {
        let types = world.all_events().into_iter().map(|event| event.event_type);
        types.filter(|name| name.ends_with(".paused") || name.ends_with(".resumed")).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut world), ["camshaft.consumer.paused"]);
    // Room for one more is no end of it: the next dead letter takes it at once.
    let discard = |world: &mut World| {
        let (offset, _) = world.dead("refusing").remove(0);
        let now = world.now();
        world.sequencer().discard("refusing", offset, now).unwrap();
    };
    discard(&mut world);
    world.settle();
    assert_eq!(told(&mut world), ["camshaft.consumer.paused"]);
    (0..3).for_each(|_| discard(&mut world));
    world.sync();
    assert_eq!(told(&mut world), ["camshaft.consumer.paused", "camshaft.consumer.resumed"]);
    assert_eq!(world.standing("refusing").pauses, []);
}
