//! Too much that waits for the disk, or no room on it: publishers are refused, consumers wait, and it heals.

use camshaft_engine::{ConsumerError, PublishRefusal, Unready};
use camshaft_event::Event;

use super::harness::{World, event, note, spec};

fn large(id: usize) -> Event {
    Event { data: vec![b'x'; 8_000], ..event(&id.to_string(), &id.to_string()) }
}

fn unready(refusal: &PublishRefusal) -> Option<Unready> {
    if let PublishRefusal::Unready(unready) = refusal { Some(*unready) } else { None }
}

/// Publishes until it is refused, and says why.
fn publish_until_refused(world: &mut World) -> (usize, Unready) {
    for count in 0..10_000 {
        let id = world.sequencer().sequenced().next_offset.0 as usize;
        if let Err(refusal) = world.try_publish(vec![large(id)]) {
            return (count, unready(&refusal).unwrap());
        }
    }
    panic!("nothing is ever refused");
}

#[test]
fn at_the_unsynced_bound_everybody_waits_until_a_sync() {
    let mut world = World::with(|options| options.max_unsynced_bytes = 64 * 1024);
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    let (count, why) = publish_until_refused(&mut world);
    assert_eq!((count, why), (9, Unready::Unsynced), "the ninth crosses the bound");
    assert!(world.take().is_none() && !world.sequencer().has_work(), "no worker spins");
    let now = world.now();
    let refused = world.sequencer().attach(spec("two", &["thing.*"]), now);
    assert!(matches!(refused, Err(ConsumerError::Unready(Unready::Unsynced))));
    world.append();
    assert!(world.take().is_none(), "written is not synced");
    world.sync_appended();
    assert!(world.sequencer().has_work());
    world.settle();
    assert_eq!(world.state("one").len(), 9);
}

#[test]
fn a_refused_publish_may_be_tried_again_with_what_was_probed() {
    let mut world = World::with(|options| options.max_unsynced_bytes = 64 * 1024);
    publish_until_refused(&mut world);
    let mut probe = world.shared().probe(vec![event("again", "k")]).unwrap();
    let now = world.now();
    assert!(world.sequencer().publish(&mut probe, now).is_err());
    world.sync();
    assert!(!world.sequencer().publish(&mut probe, now).unwrap().receipts[0].duplicate);
    world.sync();
    assert_eq!(world.events().last().unwrap().id, "again");
}

#[test]
fn a_full_disk_refuses_publishers_makes_consumers_wait_and_heals() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    world.disk.set_capacity(Some(0));
    // What is reserved is used up first.
    let mut published = 0;
    let why = loop {
        let (count, why) = publish_until_refused(&mut world);
        published += count;
        world.settle();
        if count == 0 {
            break why;
        }
    };
    assert_eq!(why, Unready::NoSpace);
    assert!(published > 10);
    let handled = world.state("one").len();
    assert!(world.take().is_none() && !world.sequencer().has_work());
    world.disk.set_capacity(None);
    world.settle();
    assert_eq!(world.state("one").len(), published);
    assert!(handled <= published);
    world.put("healed", "k");
}

#[test]
fn a_batch_in_flight_always_finds_room() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| {
        use camshaft_event::AttemptContext;
        attempt.set(event.id.as_bytes(), &[b'v'; 15_000]).unwrap();
        super::harness::done()
    });
    world.settle();
    world.put_apart(0..4);
    world.sync();
    world.disk.set_capacity(Some(0));
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    assert!(batches.len() > 1);
    loop {
        let (count, _) = publish_until_refused(&mut world);
        world.sync();
        if count == 0 {
            break;
        }
    }
    for batch in batches {
        let finished = world.run(batch);
        world.commit(finished);
    }
    // The harness appends what is queued, and would fail here for want of room.
    world.sync();
}

#[test]
fn when_the_flusher_falls_behind_everybody_waits_for_it() {
    let mut world = World::with(|options| options.max_overlay_bytes = 100 * 1024);
    world.attach(spec("one", &["thing.*"]), |event, attempt| {
        use camshaft_event::AttemptContext;
        attempt.set(event.id.as_bytes(), &event.data).unwrap();
        super::harness::done()
    });
    for id in 0..30 {
        if world.try_publish(vec![large(id)]).is_err() {
            break;
        }
        world.settle();
    }
    let refusal = world.try_publish(vec![large(99)]).unwrap_err();
    assert_eq!(unready(&refusal), Some(Unready::Unflushed));
    assert!(world.take().is_none() && !world.sequencer().has_work());
    world.flush();
    world.publish(vec![large(99)]);
    world.settle();
    assert!(world.state("one").contains_key("99"));
}

#[test]
fn a_timer_that_is_due_waits_for_room() {
    let mut world = World::with(|options| options.max_unsynced_bytes = 64 * 1024);
    world.attach(spec("timing", &["start"]), |_, attempt| {
        use camshaft_event::{AttemptContext, NewEvent, Timestamp};
        let reminder = NewEvent { event_type: "reminder".into(), ..NewEvent::default() };
        attempt.schedule("t", reminder, Timestamp(2_000_000)).unwrap();
        super::harness::done()
    });
    world.publish(vec![Event { event_type: "start".into(), ..event("start", "k") }]);
    world.settle();
    publish_until_refused(&mut world);
    world.clock.set(camshaft_event::Timestamp(2_000_000));
    assert_eq!(world.tick(), Some(camshaft_event::Timestamp(2_000_000)), "it is still due");
    world.settle();
    assert_eq!(world.events().last().unwrap().event_type, "reminder");
}
