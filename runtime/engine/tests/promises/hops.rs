//! A chain of causes ends: beyond `max_hops` an attempt is a reject that names the chain. A timer a second or
//! more ahead begins a new chain of hops.

use camshaft_event::{AfterDeadLetter, AttemptContext, Event, FailureCause, NewEvent, Timestamp};

use super::harness::{World, done, event, publish, reject, spec};

/// The correlation id of the harness's event with the id `first`.
const FIRST: &str = "40891c0cd6f012b5-first";

#[test]
fn two_plugins_that_answer_each_other_end() {
    let mut world = World::with(|options| options.max_hops = 10);
    world.attach(spec("ping", &["thing.happened", "thing.ponged"]), |_, attempt| {
        publish("thing.pinged", attempt);
        done()
    });
    world.attach(spec("pong", &["thing.pinged"]), |_, attempt| {
        // It does not care whether it may.
        let event = NewEvent { event_type: "thing.ponged".into(), ..NewEvent::default() };
        let _ = attempt.publish(event);
        done()
    });
    world.put("first", "k");
    // The eleventh hop is ping's.
    let mut refused = spec("ping", &["thing.happened", "thing.ponged"]);
    refused.digest = "other".into();
    world.attach(refused, |_, attempt| {
        let _ = attempt.publish(NewEvent { event_type: "thing.pinged".into(), ..NewEvent::default() });
        done()
    });
    world.settle_all();
    assert_eq!(world.events().len(), 11);
    let (_, letter) = world.dead("ping").remove(0);
    let attempt = letter.history.latest().unwrap();
    assert_eq!((attempt.cause, letter.history.total), (FailureCause::Hops, 1));
    assert!(attempt.error.contains("10 hops") && attempt.error.contains(FIRST), "{}", attempt.error);
    assert_eq!(letter.event.extension("camshafthops"), Some("10"));
    assert_eq!(letter.event.extension("correlationid"), Some(FIRST));
}

#[test]
fn answering_dead_letters_with_events_that_become_dead_letters_ends() {
    let mut world = World::with(|options| options.max_hops = 10);
    world.attach(spec("reporter", &["camshaft.dead-letter.added"]), |_, attempt| {
        let report = NewEvent { event_type: "thing.reported".into(), ..NewEvent::default() };
        let _ = attempt.publish(report);
        done()
    });
    let mut declared = spec("refusing", &["thing.*"]);
    declared.policy.after_dead_letter = AfterDeadLetter::Continue;
    world.attach(declared, |_, _| reject());
    world.publish(vec![event("first", "")]);
    world.settle_all();
    assert!(world.standing("refusing").dead < 10);
    assert_eq!(world.standing("reporter").dead, 1);
}

#[test]
fn a_timers_event_follows_its_cause() {
    let mut world = World::new();
    world.attach(spec("timing", &["thing.happened"]), |_, attempt| {
        let event = NewEvent { event_type: "thing.reminded".into(), ..NewEvent::default() };
        attempt.schedule("t", event, Timestamp(0)).unwrap();
        assert_eq!(attempt.hops(), 0);
        done()
    });
    world.put("first", "k");
    world.settle();
    let event = world.events().pop().unwrap();
    assert_eq!((event.extension("camshafthops"), event.extension("causationid")), (Some("1"), Some("first")));
}

/// Follows a chain of 30 timers, each set `delay_ms` after the event of the one before, where `max_hops` is
/// 10. Returns the number of events and of dead letters.
fn chain_of_timers(delay_ms: u64) -> (usize, usize) {
    let mut world = World::with(|options| options.max_hops = 10);
    world.attach(spec("timing", &["thing.*"]), move |_, attempt| {
        let event = NewEvent { event_type: "thing.reminded".into(), ..NewEvent::default() };
        let at = attempt.now().plus_ms(delay_ms);
        let _ = attempt.schedule("t", event, at);
        done()
    });
    world.put("first", "k");
    for _ in 0..30 {
        world.settle();
        world.clock.advance_ms(delay_ms);
    }
    world.settle();
    let reminders = world.events().into_iter().filter(|event| event.event_type == "thing.reminded");
    (reminders.count(), world.standing("timing").dead)
}

#[test]
fn a_chain_of_timers_a_second_ahead_does_not_end() {
    assert_eq!(chain_of_timers(1_000), (30, 0));
}

#[test]
fn a_chain_of_timers_less_than_a_second_ahead_ends() {
    assert_eq!(chain_of_timers(999), (10, 1));
}

#[test]
fn a_timer_a_second_ahead_may_be_set_at_the_last_hop_and_begins_a_new_chain() {
    let mut world = World::with(|options| options.max_hops = 1);
    world.attach(spec("follows", &["thing.happened"]), |_, attempt| {
        publish("thing.followed", attempt);
        done()
    });
    world.attach(spec("timing", &["thing.followed"]), |_, attempt| {
        assert_eq!(attempt.hops(), 1);
        let event = NewEvent { event_type: "thing.reminded".into(), ..NewEvent::default() };
        attempt.schedule("t", event, attempt.now().plus_ms(1_000)).unwrap();
        done()
    });
    world.put("first", "k");
    world.settle();
    world.clock.advance_ms(1_000);
    world.settle();
    let event = world.events().pop().unwrap();
    assert_eq!((event.event_type.as_str(), event.extension("camshafthops")), ("thing.reminded", Some("0")));
    assert_eq!(event.extension("correlationid"), Some(FIRST), "it belongs to the same story");
}

#[test]
fn equal_ids_of_two_sources_begin_two_stories() {
    let mut world = World::new();
    world.attach(spec("follows", &["thing.happened"]), |_, attempt| {
        publish("thing.followed", attempt);
        done()
    });
    let elsewhere = Event { source: "/elsewhere".into(), ..event("first", "k") };
    world.publish(vec![event("first", "k"), elsewhere]);
    world.settle();
    let followed = world.events().into_iter().filter(|event| event.event_type == "thing.followed");
    let stories: Vec<_> = followed.map(|event| event.correlation().into_owned()).collect();
    assert_eq!(stories, [FIRST, "ed4e23508719ea63-first"]);
}
