//! Nothing leaves the process before its transaction is durable: what a caller may show is told by `durable`.

use super::harness::{World, event, note, spec};

fn is_all_durable(world: &World) -> bool {
    let sequencer = world.sequencer();
    sequencer.durable() == sequencer.sequenced()
}

#[test]
fn a_receipt_names_what_must_be_durable_before_it_is_given() {
    let mut world = World::new();
    let receipts = world.publish(vec![event("a", "k")]);
    assert_eq!(world.sequencer().durable().sequence.0, 0);
    world.append();
    assert!(world.sequencer().durable().sequence < receipts.durable_at, "written is not durable");
    world.sync_appended();
    assert!(world.sequencer().durable().sequence >= receipts.durable_at);
    assert!(is_all_durable(&world));
}

#[test]
fn handlers_run_ahead_of_the_sync_and_the_durable_position_does_not() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    let durable = world.sequencer().durable();
    world.put("a", "k");
    world.step().unwrap();
    assert_eq!(world.state("one")["k"], "a", "the next handler sees it");
    assert_eq!(world.sequencer().durable(), durable, "a reader outside does not");
    world.sync();
    assert!(is_all_durable(&world));
}

#[test]
fn a_sync_covers_what_was_appended_before_it_and_no_more() {
    let mut world = World::new();
    let first = world.publish(vec![event("a", "k")]).durable_at;
    world.append();
    let second = world.publish(vec![event("b", "k")]).durable_at;
    world.sync_appended();
    let durable = world.sequencer().durable();
    assert_eq!((durable.sequence, durable.next_offset.0), (first, 1));
    assert!(durable.sequence < second);
    assert!(world.sequencer().has_queued());
}

#[test]
fn the_writer_knows_for_how_many_a_producer_waits() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    let queued = |world: &World| world.sequencer().queued_publishes();
    assert_eq!(queued(&world), 0, "nobody waits for the attachment");
    world.settle();
    world.publish(vec![event("a", "k"), event("b", "k")]);
    world.publish(vec![event("c", "k")]);
    assert_eq!(queued(&world), 2);
    world.step().unwrap();
    assert_eq!(queued(&world), 2, "nobody waits for what came of them");
    world.append();
    assert_eq!(queued(&world), 0);
    world.publish(vec![event("c", "k")]);
    assert_eq!(queued(&world), 0, "what is known already is not queued");
}

#[test]
fn after_a_crash_all_that_is_there_is_durable() {
    let mut world = World::new();
    world.put("a", "k");
    world.sync();
    world.put("b", "k");
    world.crash();
    world.restart();
    assert!(is_all_durable(&world));
    assert_eq!(world.sequencer().durable().next_offset.0, 1);
}
