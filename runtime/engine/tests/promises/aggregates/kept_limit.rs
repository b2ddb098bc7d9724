//! `limits.max_kept_bytes` bounds the facts that are kept for ever. Nothing is lost at the limit.

use std::sync::Arc;

use camshaft_engine::{CommandState, EngineOptions, PublishRefusal};
use camshaft_event::Event;

use crate::promises::harness::{World, accepted, bank, command, done, event, move_all, owner};

fn world(max_kept_bytes: u64) -> World {
    let mut world = World::with(|options| options.max_kept_bytes = max_kept_bytes);
    world.attach(bank(), move_all);
    world
}

fn fact_bytes(world: &World) -> u64 {
    world.sequencer().tables().fact_bytes()
}

#[test]
fn commands_whose_owner_records_facts_are_refused_at_the_limit_and_everything_else_goes_on() {
    let mut world = world(1_500);
    world.attach(owner("other", &["other.do"]), |_, _| done());
    let mut sent = 0;
    let refusal = loop {
        match world.try_send(vec![command(&sent.to_string(), "1")]) {
            Ok(_) => sent += 1,
            Err(refusal) => break refusal,
        }
        world.settle();
    };
    let bytes = fact_bytes(&world);
    assert!(sent > 3 && (1_500..2_500).contains(&bytes), "{sent} commands, {bytes} bytes");
    assert!(
        matches!(refusal, PublishRefusal::KeptFull { index: 0, limit: 1_500, bytes: found } if found == bytes),
        "{refusal}"
    );
    assert_eq!(world.account("1").unwrap().version, sent);
    assert!(world.try_send(vec![command("0", "1")]).unwrap()[0].duplicate, "its answer is known");
    world.put("event", "k");
    let other = Event { event_type: "other.do".into(), ..command("other", "1") };
    world.try_send(vec![other]).unwrap();
    world.settle();
}

#[test]
fn a_command_that_was_sent_before_the_limit_waits_and_is_decided_once_there_is_room() {
    let mut world = world(1);
    let (first, second) = (world.transfer("a", "1"), world.transfer("b", "1"));
    world.settle();
    assert_eq!(world.decided(first).outcome, accepted(""));
    let state = world.shared().command_state(second).unwrap();
    assert!(matches!(state, Some(CommandState::Held { .. })), "{state:?}");
    assert_eq!(world.account("1").unwrap().version, 1, "no fact is recorded beyond the limit");
    world.crash();
    world.options = Arc::new(EngineOptions { max_kept_bytes: 10_000, ..(*world.options).clone() });
    world.restart();
    world.settle_all();
    assert_eq!(world.decided(second).outcome, accepted("a"));
    assert_eq!(world.account("1").unwrap().version, 2);
}

#[test]
fn the_size_of_all_facts_survives_flushes_trims_and_crashes() {
    let mut world = World::with_segments(64 * 1024, |_| {});
    world.attach(bank(), move_all);
    for id in 0..60_u64 {
        world.transfer(&id.to_string(), if id % 2 == 0 { "1" } else { "1 2" });
        let filler =
            Event { data: vec![0; 4_000], event_type: "filler".into(), ..event(&format!("f{id}"), "k") };
        world.publish(vec![filler]);
        world.settle();
        if id % 20 == 0 {
            world.flush();
            world.trim();
        }
    }
    world.sync();
    let expected = world.facts("1").iter().map(|fact| fact.event.size() as u64).sum::<u64>();
    assert!(expected > 0 && world.log().bounds().first_offset > 0);
    assert_eq!(fact_bytes(&world), expected);
    world.crash();
    world.restart();
    assert_eq!(fact_bytes(&world), expected, "a snapshot and the log after it");
}
