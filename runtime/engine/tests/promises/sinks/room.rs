//! Calls set no room aside, since they may last; one that ends where there is none waits with its effects.

use super::{LEAST, MOST, World, deliver, sink};
use crate::promises::harness::{event, note};

#[test]
fn calls_under_way_take_no_room_from_publishers() {
    // A batch under way would keep 32 KiB free for itself; 60 of them are more than a segment.
    let mut world = World::with(|options| options.max_calls = 60);
    let mut declared = sink("mailer", &["thing.*"], LEAST);
    declared.policy.partitions = 1_024;
    declared.policy.sink.as_mut().unwrap().max_in_flight = 60;
    world.attach(declared, note);
    world.settle();
    world.put_apart(0..60);
    deliver(&mut world);
    let calls = std::iter::from_fn(|| world.launch()).count();
    assert!(calls > 50, "{calls}");
    world.put("more", "k");
}

#[test]
fn a_call_that_ends_without_room_commits_once_there_is_some() {
    for delivery in [LEAST, MOST] {
        let mut world = World::with(|options| options.max_unsynced_bytes = 64 * 1024);
        world.attach(sink("mailer", &["thing.*"], delivery), note);
        world.settle();
        world.put("0", "k");
        deliver(&mut world);
        let call = world.launch().unwrap();
        world.sync();
        let finished = world.call(call);
        for id in 0..20 {
            let event = camshaft_event::Event { data: vec![b'x'; 8_000], ..event(&format!("x{id}"), "k") };
            let _ = world.try_publish(vec![event]);
        }
        let finished = world.commit_call(finished).expect_err("the bound is reached");
        assert_eq!(world.sequencer().running_calls(), 1, "it is still under way");
        assert!(world.launch().is_none() && !world.sequencer().has_calls(), "nobody spins");
        world.sync();
        world.commit_call(finished).unwrap();
        assert_eq!(world.state("mailer")["k"], "0");
        world.settle();
        assert_eq!(world.called("mailer").first().map(String::as_str), Some("0"));
        assert_eq!(world.called("mailer").iter().filter(|id| *id == "0").count(), 1);
    }
}
