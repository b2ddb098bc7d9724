//! What nothing can reach any more is deleted from the store; nothing else is.

use camshaft_engine::{ResetPlace, ResetTo};
use camshaft_event::{Event, Offset};

use super::harness::{World, event, note, spec};

/// Entries in the store of one kind.
fn count(world: &World, tag: u8) -> usize {
    world.stored().keys().filter(|key| key[0] == tag).count()
}

const STATE: u8 = 6;
const IDENTITY: u8 = 10;

fn filled(name: &str) -> World {
    let mut world = World::new();
    world.attach(spec(name, &["thing.*"]), note);
    world.put_apart(0..50);
    world.settle();
    world.flush();
    world
}

fn reset(world: &mut World, keep_state: bool) {
    let (now, offset) = (world.now(), world.sequencer().sequenced().next_offset);
    world.sequencer().reset("one", ResetTo { place: ResetPlace::Offset(offset), keep_state }, now).unwrap();
}

fn sweep_all(world: &mut World) -> usize {
    let mut deleted = 0;
    for _ in 0..1_000 {
        let swept = world.sweep(7);
        deleted += swept;
        assert!(swept <= 7, "in portions");
        if swept < 7 {
            return deleted;
        }
    }
    panic!("sweeping does not end");
}

#[test]
fn state_of_an_earlier_generation_goes_once_its_end_is_in_the_snapshot() {
    let mut world = filled("one");
    assert_eq!(count(&world, STATE), 50);
    reset(&mut world, false);
    assert_eq!(sweep_all(&mut world), 0, "the reset is in memory only");
    world.put("new", "k");
    world.settle();
    world.flush();
    assert_eq!(sweep_all(&mut world), 50);
    assert_eq!((count(&world, STATE), world.state("one")["k"].as_str()), (1, "new"));
    world.crash();
    world.restart();
    assert_eq!(world.state("one")["k"], "new");
    assert_eq!(sweep_all(&mut world), 0);
}

#[test]
fn a_reset_that_was_lost_has_lost_nothing() {
    let mut world = filled("one");
    reset(&mut world, false);
    sweep_all(&mut world);
    world.crash();
    world.restart();
    assert_eq!(world.state("one").len(), 50);
}

#[test]
fn state_that_was_kept_stays() {
    let mut world = filled("one");
    reset(&mut world, true);
    world.sync();
    world.flush();
    assert_eq!(sweep_all(&mut world), 0);
    assert_eq!(world.state("one").len(), 50);
}

#[test]
fn state_of_a_removed_consumer_goes_and_that_of_others_stays() {
    let mut world = filled("one");
    world.attach(spec("two", &["thing.*"]), note);
    world.settle();
    world.detach("one");
    let now = world.now();
    world.sequencer().remove("one", now).unwrap();
    world.flush();
    assert_eq!(sweep_all(&mut world), 50);
    assert_eq!((count(&world, STATE), world.state("two").len()), (50, 50));
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    world.flush();
    assert_eq!(sweep_all(&mut world), 0);
    assert_eq!(world.state("one").len(), 50);
}

#[test]
fn identities_go_with_the_events_that_the_log_has_forgotten() {
    let mut world = World::new();
    let mut published = 0;
    while world.sequencer().first_offset() == Offset(0) {
        world.publish(vec![Event { data: vec![0; 15_000], ..event(&published.to_string(), "k") }]);
        published += 1;
        world.flush();
        world.trim();
    }
    // One of the forgotten is published again: its new entry lies over the old one.
    world.publish(vec![Event { data: vec![0; 15_000], ..event("0", "k") }]);
    let first = usize::try_from(world.sequencer().first_offset().0).unwrap();
    assert_eq!(count(&world, IDENTITY), published);
    sweep_all(&mut world);
    assert_eq!(count(&world, IDENTITY), published - first);
    world.flush();
    sweep_all(&mut world);
    assert_eq!(count(&world, IDENTITY), published - first + 1);
    let again = world.publish(vec![Event { data: vec![0; 15_000], ..event("0", "k") }]);
    assert!(again.receipts[0].duplicate);
}
