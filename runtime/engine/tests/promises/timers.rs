//! A timer publishes its event once, late rather than never.

use camshaft_event::{AttemptContext, Event, FailureCause, NewEvent, Timestamp};

use super::harness::{World, done, event, key_in, spec};

/// A consumer that does what its event's data says: `set NAME AT` or `cancel NAME`, several by lines.
fn timing_world(max_timers: usize) -> World {
    let mut world = World::with(|options| options.max_timers = max_timers);
    world.attach(spec("timing", &["thing.*"]), |event, attempt| {
        for line in String::from_utf8(event.data.clone()).unwrap().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let effect = match words[..] {
                ["set", name, at] => {
                    let reminder = NewEvent {
                        event_type: "reminder".into(),
                        data: format!("{name} {at}").into_bytes(),
                        ..NewEvent::default()
                    };
                    attempt.schedule(name, reminder, Timestamp(at.parse().unwrap()))
                }
                ["cancel", name] => attempt.cancel(name),
                _ => panic!("{line}"),
            };
            if effect.is_err() {
                break;
            }
        }
        done()
    });
    world
}

fn tell(world: &mut World, id: &str, lines: &str) {
    tell_key(world, id, "k", lines);
}

fn tell_key(world: &mut World, id: &str, key: &str, lines: &str) {
    world.publish(vec![Event { data: lines.into(), ..event(id, key) }]);
}

fn reminders(world: &mut World) -> Vec<String> {
    let events = world.events().into_iter().filter(|event| event.event_type == "reminder");
    events.map(|event| String::from_utf8(event.data).unwrap()).collect()
}

const FAR: u64 = 2_000_000;

#[test]
fn a_timer_fires_once_when_it_is_due() {
    let mut world = timing_world(100);
    tell(&mut world, "1", &format!("set a {FAR}"));
    world.settle();
    assert_eq!((world.standing("timing").timers, world.sequencer().next_due()), (1, Some(Timestamp(FAR))));
    world.clock.set(Timestamp(FAR - 1));
    world.settle();
    assert!(reminders(&mut world).is_empty());
    world.clock.set(Timestamp(FAR));
    world.settle();
    world.clock.set(Timestamp(FAR + 1_000));
    world.settle();
    assert_eq!(reminders(&mut world), [format!("a {FAR}")]);
    assert_eq!(world.standing("timing").timers, 0);
    let fired = world.events().pop().unwrap();
    assert_eq!(
        (fired.time.as_deref(), fired.source.as_str()),
        (Some("1970-01-01T00:33:20.000Z"), "/plugins/timing")
    );
}

#[test]
fn setting_a_name_again_replaces_and_cancelling_is_silent() {
    let mut world = timing_world(100);
    tell(&mut world, "1", &format!("set a {FAR}\nset b {FAR}\ncancel never"));
    tell(&mut world, "2", &format!("set a {}\ncancel b", FAR + 5));
    world.settle();
    assert_eq!(world.standing("timing").timers, 1);
    world.clock.set(Timestamp(FAR + 10));
    world.settle();
    assert_eq!(reminders(&mut world), [format!("a {}", FAR + 5)]);
    assert_eq!(world.standing("timing").dead, 0);
}

#[test]
fn it_fires_once_whatever_crashes_and_late_rather_than_never() {
    for flushes in [false, true] {
        let mut world = timing_world(100);
        tell(&mut world, "1", &format!("set a {FAR}\nset b {FAR}"));
        world.settle();
        if flushes {
            world.flush();
        }
        world.crash();
        world.clock.set(Timestamp(FAR + 1_000_000));
        world.restart();
        // The first firing is lost with the power, the second one holds.
        world.tick();
        world.crash();
        world.restart();
        world.settle();
        world.crash();
        world.restart();
        world.settle();
        assert_eq!(reminders(&mut world), [format!("a {FAR}"), format!("b {FAR}")]);
    }
}

#[test]
fn a_detached_plugins_timers_fire_too() {
    let mut world = timing_world(100);
    tell(&mut world, "1", &format!("set a {FAR}"));
    world.settle();
    world.detach("timing");
    world.clock.set(Timestamp(FAR));
    world.settle();
    assert_eq!(reminders(&mut world).len(), 1);
}

#[test]
fn very_many_that_are_due_together_fire_in_portions() {
    let mut world = timing_world(1_000);
    let lines: Vec<String> = (0..150).map(|name| format!("set {name} {FAR}")).collect();
    for (id, lines) in lines.chunks(25).enumerate() {
        tell(&mut world, &id.to_string(), &lines.join("\n"));
    }
    world.settle();
    world.clock.set(Timestamp(FAR));
    let before = world.sequencer().sequenced().sequence.0;
    assert_eq!(world.tick(), Some(Timestamp(FAR)), "more is due");
    assert!(world.sequencer().sequenced().sequence.0 - before < 100);
    while world.tick().is_some() {}
    world.sync();
    assert_eq!(reminders(&mut world).len(), 150);
}

#[test]
fn the_number_of_timers_is_limited_and_the_reject_names_the_setting() {
    let mut world = timing_world(3);
    tell(&mut world, "1", &format!("set a {FAR}\nset b {FAR}"));
    tell(&mut world, "2", &format!("set b {FAR}\ncancel a\nset c {FAR}\nset d {FAR}"));
    world.settle();
    assert_eq!((world.standing("timing").timers, world.standing("timing").dead), (3, 0));
    tell(&mut world, "3", &format!("set b {FAR}\nset e {FAR}"));
    world.settle();
    let (_, letter) = world.dead("timing").remove(0);
    let attempt = letter.history.latest().unwrap();
    assert_eq!((attempt.cause, letter.history.total), (FailureCause::Refused, 1));
    assert!(
        attempt.error.contains(": 4 exceeds the limit of 3 (setting `limits.max_timers`)"),
        "{}",
        attempt.error
    );
    assert_eq!(world.standing("timing").timers, 3);
    // Replacing one is no more than before, also under a limit that was lowered since.
    world.crash();
    world.options =
        std::sync::Arc::new(camshaft_engine::EngineOptions { max_timers: 1, ..(*world.options).clone() });
    world.restart();
    tell_key(&mut world, "4", "other", &format!("set b {FAR}"));
    world.settle();
    assert_eq!(world.standing("timing").dead, 1);
}

#[test]
fn partitions_together_do_not_exceed_it() {
    let mut world = timing_world(3);
    tell_key(&mut world, "1", &key_in(0), &format!("set a1 {FAR}\nset a2 {FAR}"));
    tell_key(&mut world, "2", &key_in(1), &format!("set b1 {FAR}\nset b2 {FAR}"));
    world.sync();
    world.read();
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    assert_eq!(batches.len(), 2);
    let finished: Vec<_> = batches.into_iter().map(|batch| world.run(batch)).collect();
    for finished in finished {
        world.commit(finished);
    }
    world.settle();
    assert_eq!((world.standing("timing").timers, world.standing("timing").dead), (2, 1));
}

#[test]
fn a_failed_attempts_timers_do_not_count() {
    let mut world = World::with(|options| options.max_timers = 1);
    let mut declared = spec("timing", &["thing.*"]);
    declared.policy.partitions = 1;
    world.attach(declared, |event, attempt| {
        let reminder = NewEvent { event_type: "reminder".into(), ..NewEvent::default() };
        attempt.schedule(&event.id, reminder, Timestamp(FAR)).unwrap();
        if event.id == "bad" { super::harness::reject() } else { done() }
    });
    world.put("bad", "a");
    world.put("good", "b");
    world.settle();
    assert_eq!((world.standing("timing").timers, world.standing("timing").dead), (1, 1));
}
