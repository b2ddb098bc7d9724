//! A held key: its events wait in order, new ones join the end, and it is free with the last one.

use camshaft_event::AttemptContext;
use camshaft_event::transaction::{Outcome, Section};

use super::harness::{World, note, retry, spec};

fn world_with_one_retry() -> World {
    let mut world = World::new();
    world.attach(spec("holding", &["thing.*"]), |event, attempt| {
        if event.id == "0" && attempt.attempt() < 3 { retry() } else { note(event, attempt) }
    });
    world.put("0", "k");
    world.settle();
    world
}

#[test]
fn new_events_join_the_end() {
    let mut world = world_with_one_retry();
    for id in 1..5 {
        world.put(&id.to_string(), "k");
        world.settle();
    }
    assert_eq!((world.standing("holding").held, world.called("holding").len()), (4, 1));
    world.settle_all();
    assert_eq!(world.state("holding")["k"], "0 1 2 3 4");
}

#[test]
fn a_waiting_event_is_not_an_attempt() {
    let mut world = world_with_one_retry();
    world.put("1", "k");
    world.settle_all();
    let attempts: Vec<(String, u32)> =
        world.calls.borrow().iter().map(|call| (call.id.clone(), call.attempt)).collect();
    let expected = [("0", 1), ("0", 2), ("0", 3), ("1", 1)].map(|(id, attempt)| (id.to_owned(), attempt));
    assert_eq!(attempts, expected);
}

#[test]
fn the_key_is_free_in_the_transaction_that_empties_its_queue() {
    let mut world = world_with_one_retry();
    world.put("1", "k");
    world.settle_all();
    assert_eq!(world.standing("holding").held + world.standing("holding").retrying, 0);
    world.put("2", "k");
    world.settle();
    let outcome = |section: &Section| match section {
        Section::Handled(handled) => Some((handled.attempt, handled.outcome)),
        _ => None,
    };
    let last = world.transactions().last().unwrap().sections.iter().filter_map(outcome).next_back();
    assert_eq!(last, Some((1, Outcome::Done)), "it was handled straight away");
    assert_eq!(world.state("holding")["k"], "0 1 2");
}

#[test]
fn a_new_event_follows_in_the_same_batch_once_the_held_ones_are_done() {
    let mut world = world_with_one_retry();
    world.clock.advance_ms(200);
    world.settle();
    let due = world.sequencer().next_due().unwrap();
    world.put("1", "k");
    world.sync();
    world.clock.set(due);
    world.tick();
    world.step().unwrap();
    assert_eq!(world.state("holding")["k"], "0 1");
    assert!(world.take().is_none());
}

#[test]
fn held_events_wait_on_through_a_detachment() {
    let mut world = world_with_one_retry();
    world.put("1", "k");
    world.settle();
    world.detach("holding");
    world.put("2", "k");
    world.settle_all();
    assert_eq!((world.standing("holding").held, world.standing("holding").retrying), (1, 1));
    world.attach(spec("holding", &["thing.*"]), note);
    world.clock.advance_ms(1_000);
    world.settle_all();
    assert_eq!(world.state("holding")["k"], "0 1 2");
}
