//! A shortage of instances is no attempt: the events go back unrun, and are tried again once an instance may
//! be free.

use camshaft_engine::Committed;
use camshaft_event::{Delivery, Rate};

use super::harness::{World, note, sink, spec};

/// Lets the consumers have what was published.
fn route(world: &mut World) {
    world.sync();
    world.read();
    world.read();
}

#[test]
fn events_that_find_no_instance_go_back_uncounted_and_in_order() {
    let mut world = World::new();
    let mut declared = spec("short", &["thing.happened"]);
    declared.policy.partitions = 1;
    declared.policy.max_attempts = 1;
    declared.policy.rate = Some(Rate { events: 3, per_ms: 60_000 });
    world.attach(declared, note);
    world.put_range(0..3, "k");
    route(&mut world);
    world.shortages.set(5);
    assert_eq!(world.step(), Some(Committed::Nothing));
    world.settle_all();
    assert_eq!(world.called("short"), ["0", "1", "2"]);
    assert!(world.calls.borrow().iter().all(|call| call.attempt == 1), "a shortage counts for nothing");
    assert_eq!(world.standing("short").dead, 0);
}

#[test]
fn a_shortage_in_the_middle_of_a_batch_keeps_what_was_handled() {
    let mut world = World::new();
    let mut declared = spec("short", &["thing.happened"]);
    declared.policy.partitions = 1;
    world.attach(declared, note);
    world.put_range(0..3, "k");
    route(&mut world);
    let batch = world.take().unwrap();
    world.clock.set_call_us(1);
    // The first of its events has an instance, the second has none.
    let finished = world.run_short_after(batch, 1);
    assert!(matches!(world.commit(finished), Committed::At(_)));
    assert_eq!(world.called("short"), ["0"]);
    world.settle_all();
    assert_eq!(world.called("short"), ["0", "1", "2"]);
    assert!(world.calls.borrow().iter().all(|call| call.attempt == 1), "a shortage counts for nothing");
}

#[test]
fn who_finds_no_instance_waits_until_another_batch_ends_or_a_moment_has_passed() {
    let mut world = World::new();
    world.attach(spec("short", &["thing.happened"]), note);
    world.attach(spec("other", &["thing.else"]), note);
    world.put("a", "k");
    route(&mut world);
    world.shortages.set(1);
    assert_eq!(world.step(), Some(Committed::Nothing));
    assert_eq!(world.step(), None, "trying at once would be of no use");
    let due = world.sequencer().next_due().unwrap();
    assert_eq!(due.ms_since(world.now()), 20);

    let mut else_happened = super::harness::event("b", "k");
    else_happened.event_type = "thing.else".into();
    world.publish(vec![else_happened]);
    route(&mut world);
    assert!(matches!(world.step(), Some(Committed::At(_))), "others go on");
    assert!(matches!(world.step(), Some(Committed::At(_))), "their instance may be free now");
    assert_eq!(world.called("short"), ["a"]);

    world.put("c", "k");
    route(&mut world);
    world.shortages.set(1);
    world.step();
    world.clock.set(due.plus_ms(1_000));
    world.tick();
    assert!(matches!(world.step(), Some(Committed::At(_))));
    assert_eq!(world.called("short"), ["a", "c"]);
}

#[test]
fn a_clock_that_is_set_back_does_not_prolong_the_wait() {
    let mut world = World::new();
    world.attach(spec("short", &["thing.happened"]), note);
    world.clock.advance_ms(10_000_000);
    world.tick();
    world.put("a", "k");
    route(&mut world);
    world.shortages.set(1);
    world.step();
    world.clock.set(camshaft_event::Timestamp(1_000));
    world.clock.advance_ms(20);
    world.tick();
    world.settle();
    assert_eq!(world.called("short"), ["a"]);
}

#[test]
fn a_call_that_finds_no_instance_is_not_made_and_not_counted() {
    for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
        let mut world = World::new();
        let mut declared = sink("short", &["thing.happened"], delivery);
        declared.policy.max_attempts = 1;
        world.attach(declared, note);
        world.put("a", "k");
        route(&mut world);
        assert_eq!(world.give_back_short(), Committed::Nothing);
        assert!(world.take_call().is_none(), "trying at once would be of no use");
        world.settle_all();
        assert_eq!(world.called("short"), ["a"]);
        assert_eq!(world.standing("short").dead, 0);
    }
}
