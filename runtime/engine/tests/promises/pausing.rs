//! A consumer paused by hand takes nothing and loses nothing, until it is resumed; that is durable and
//! audited.

use camshaft_engine::{ConsumerError, Pause, ResetPlace, ResetTo, Unready};
use camshaft_event::{Answer, AttemptContext, Event, Offset, Timestamp};

use super::harness::{World, event, note, retry, spec};

fn pause(world: &mut World, name: &str) {
    let now = world.now();
    world.sequencer().pause(name, now).unwrap();
}

fn resume(world: &mut World, name: &str) {
    let now = world.now();
    world.sequencer().resume(name, now).unwrap();
}

/// A world with one consumer that notes what it sees.
fn noting() -> World {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    world
}

/// Types and reasons of the announcements so far.
fn announced(world: &mut World) -> Vec<(String, String)> {
    world.sync();
    let events = world.all_events().into_iter();
    let told =
        events.filter(|event| [".paused", ".resumed"].iter().any(|end| event.event_type.ends_with(end)));
    told.map(|event| {
        assert_eq!(event.subject.as_deref(), Some("one"));
        let data: serde_json::Value = serde_json::from_slice(&event.data).unwrap();
        (event.event_type, data["reason"].as_str().unwrap().to_owned())
    })
    .collect()
}

#[test]
fn it_takes_nothing_and_then_goes_on_in_order() {
    let mut world = noting();
    world.put("0", "k");
    pause(&mut world, "one");
    world.put_range(1..5, "k");
    assert!(
        world.take().is_none() && !world.sequencer().has_work(),
        "what waited before does not run either"
    );
    world.settle_all();
    assert_eq!((world.called("one").len(), world.standing("one").lag > 5), (0, true));
    resume(&mut world, "one");
    world.settle();
    assert_eq!(world.state("one")["k"], "0 1 2 3 4");
    assert_eq!((world.standing("one").lag, world.standing("one").pauses), (0, vec![]));
}

#[test]
fn others_go_on_meanwhile() {
    let mut world = noting();
    world.attach(spec("other", &["thing.*"]), note);
    pause(&mut world, "one");
    world.put_range(0..5, "k");
    world.settle();
    assert_eq!((world.called("one").len(), world.called("other").len()), (0, 5));
}

#[test]
fn its_lag_stays_in_the_log() {
    let mut world = World::with(|options| options.window_events = 10);
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    pause(&mut world, "one");
    world.put_range(0..50, "k");
    world.sync();
    assert!(!world.sequencer().wants_read() && !world.read(), "nobody reads ahead for it");
    world.flush();
    world.trim();
    let first_offset = world.sequencer().first_offset();
    assert!(first_offset <= world.standing("one").checkpoint, "it pins the log");
    resume(&mut world, "one");
    assert!(world.sequencer().wants_read());
    world.settle();
    assert_eq!(world.called("one").len(), 50);
}

#[test]
fn held_keys_do_not_come_due() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| {
        if event.id == "0" && attempt.attempt() < 3 { retry() } else { note(event, attempt) }
    });
    world.put_range(0..3, "k");
    world.settle();
    pause(&mut world, "one");
    world.clock.advance_ms(1_000_000);
    assert_eq!(world.tick(), None);
    assert!(world.take().is_none());
    assert_eq!((world.called("one").len(), world.standing("one").retrying), (1, 1));
    resume(&mut world, "one");
    assert!(world.sequencer().has_work(), "what came due meanwhile needs no tick");
    world.settle_all();
    assert_eq!(world.state("one")["k"], "0 1 2");
}

#[test]
fn a_key_that_had_come_due_waits_as_well() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| {
        if attempt.attempt() < 2 { retry() } else { note(event, attempt) }
    });
    world.put("0", "k");
    world.settle();
    world.clock.advance_ms(1_000);
    world.tick();
    pause(&mut world, "one");
    assert!(world.take().is_none());
    resume(&mut world, "one");
    world.settle();
    assert_eq!(world.state("one")["k"], "0");
}

#[test]
fn what_is_in_flight_finishes() {
    let mut world = World::with(|options| options.batch_us = 10);
    world.clock.set_call_us(4);
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    world.put_range(0..5, "k");
    let batch = world.take().unwrap();
    pause(&mut world, "one");
    let finished = world.run(batch);
    world.commit(finished);
    assert_eq!(world.state("one")["k"], "0 1 2", "as far as its time went");
    world.settle();
    assert_eq!(world.called("one").len(), 3, "what it gave back waits");
    resume(&mut world, "one");
    world.settle();
    assert_eq!(world.state("one")["k"], "0 1 2 3 4");
}

#[test]
fn it_is_durable_and_says_since_when() {
    for flushes in [false, true] {
        let mut world = noting();
        let since = world.now();
        pause(&mut world, "one");
        world.clock.advance_ms(5_000);
        // Once more changes nothing.
        pause(&mut world, "one");
        for _ in 0..2 {
            world.sync();
            if flushes {
                world.flush();
            }
            world.crash();
            world.restart();
            world.put(&world.now().to_string(), "k");
            world.settle();
            assert_eq!(world.standing("one").pauses, [Pause::Operator { since }]);
            assert!(world.called("one").is_empty());
        }
        resume(&mut world, "one");
        world.sync();
        world.crash();
        world.restart();
        world.settle();
        assert_eq!((world.standing("one").pauses, world.called("one").len()), (vec![], 1));
    }
}

#[test]
fn a_pause_that_was_not_durable_may_be_lost_but_its_sequence_tells() {
    let mut world = noting();
    let now = world.now();
    let sequence = world.sequencer().pause("one", now).unwrap();
    assert!(world.sequencer().durable().sequence < sequence);
    assert_eq!(
        world.sequencer().pause("one", now).unwrap(),
        sequence,
        "the earlier act must be durable first"
    );
    world.sync();
    assert!(world.sequencer().durable().sequence >= sequence);
}

#[test]
fn each_act_is_announced_once_with_its_reason() {
    let mut world = noting();
    resume(&mut world, "one");
    assert_eq!(announced(&mut world), []);
    for _ in 0..2 {
        pause(&mut world, "one");
        pause(&mut world, "one");
    }
    resume(&mut world, "one");
    resume(&mut world, "one");
    pause(&mut world, "one");
    let told = ["paused", "resumed", "paused"];
    assert_eq!(
        announced(&mut world),
        told.map(|act| (format!("camshaft.consumer.{act}"), "operator".to_owned()))
    );
}

#[test]
fn it_outlasts_detachment_other_code_and_a_reset_but_not_the_removal() {
    let mut world = noting();
    pause(&mut world, "one");
    world.put_range(0..3, "k");
    world.detach("one");
    world.settle();
    let mut newer = spec("one", &["thing.*"]);
    newer.digest = "newer".to_owned();
    world.attach(newer, note);
    world.settle();
    assert!(world.called("one").is_empty());
    let now = world.now();
    let to = ResetTo { place: ResetPlace::Offset(Offset(0)), keep_state: false };
    world.sequencer().reset("one", to, now).unwrap();
    world.settle();
    assert!(world.called("one").is_empty());
    assert_eq!(world.standing("one").pauses.len(), 1);
    resume(&mut world, "one");
    world.settle();
    assert_eq!(world.state("one")["k"], "0 1 2");
    pause(&mut world, "one");
    world.detach("one");
    world.sequencer().remove("one", now).unwrap();
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    assert_eq!((world.called("one").len(), world.standing("one").pauses), (6, vec![]));
}

#[test]
fn a_detached_one_can_be_paused_before_its_plugin_comes_back() {
    let mut world = noting();
    world.detach("one");
    pause(&mut world, "one");
    world.put("0", "k");
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    assert!(world.called("one").is_empty());
    resume(&mut world, "one");
    world.settle();
    assert_eq!(world.called("one"), ["0"]);
}

#[test]
fn who_is_not_there_cannot_be_paused_or_resumed() {
    let mut world = noting();
    world.detach("one");
    let now = world.now();
    world.sequencer().remove("one", now).unwrap();
    for name in ["one", "nobody"] {
        let missing =
            |result| matches!(result, Err(ConsumerError::NotFound { name: given }) if given == name);
        assert!(missing(world.sequencer().pause(name, now)));
        assert!(missing(world.sequencer().resume(name, now)));
    }
}

#[test]
fn without_room_the_act_is_refused_and_nothing_changes() {
    let mut world = World::with(|options| options.max_unsynced_bytes = 1_024);
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    world.publish(vec![Event { data: vec![b'x'; 2_000], ..event("0", "k") }]);
    let now = world.now();
    let refused = world.sequencer().pause("one", now);
    assert!(matches!(refused, Err(ConsumerError::Unready(Unready::Unsynced))));
    assert_eq!(world.standing("one").pauses, []);
    world.settle();
    assert_eq!(world.called("one"), ["0"]);
}

#[test]
fn dead_letters_can_be_operated_on_meanwhile_and_run_afterwards() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| match attempt.attempt() {
        1 if event.id == "bad" && attempt.now() < Timestamp(2_000_000) => {
            Answer::Reject { reason: "never".into() }
        }
        _ => note(event, attempt),
    });
    let bad = world.put("bad", "k");
    world.put("1", "k");
    world.settle();
    pause(&mut world, "one");
    world.clock.set(Timestamp(2_000_000));
    let now = world.now();
    world.sequencer().redrive("one", bad, now).unwrap();
    world.settle_all();
    assert_eq!(world.called("one"), ["bad"]);
    resume(&mut world, "one");
    world.settle();
    assert_eq!(world.state("one")["k"], "bad 1");
}
